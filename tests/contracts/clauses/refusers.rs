//! The functions that refuse under a clause that their callers give, apart because they are collected before the refusals.

use std::collections::BTreeSet;

use syn::visit::{self, Visit};
use syn::{ImplItemFn, ItemFn};

/// What refuses under a clause that it is given.
#[derive(Default)]
pub struct Refusers {
    /// Functions with a parameter `clause` under which they refuse.
    pub functions: BTreeSet<String>,
    /// Structs whose `clause` such a function reads.
    pub structs: BTreeSet<String>,
}

impl<'ast> Visit<'ast> for Refusers {
    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.collect(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.collect(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }
}

impl Refusers {
    fn collect(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let mut body = Body::default();
        body.visit_block(block);
        if !body.refuses_under_clause {
            return;
        }
        let is_clause = |input: &syn::FnArg| matches!(input, syn::FnArg::Typed(typed) if matches!(&*typed.pat, syn::Pat::Ident(name) if name.ident == "clause"));
        if signature.inputs.iter().any(is_clause) {
            self.functions.insert(signature.ident.to_string());
        }
        self.structs.extend(body.takes_apart);
    }
}

/// What the body of a function does with a clause.
#[derive(Default)]
struct Body {
    refuses_under_clause: bool,
    /// Whether what is visited makes a closed gate.
    is_gate: bool,
    takes_apart: Vec<String>,
}

impl<'ast> Visit<'ast> for Body {
    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.refuses_under_clause |= is_wrong(call) && call.tokens.to_string().contains("under clause");
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        let path = match &*call.func {
            syn::Expr::Path(path) => path.path.segments.iter().map(|segment| segment.ident.to_string()).collect(),
            _ => Vec::new(),
        };
        let outer = self.is_gate;
        self.is_gate |=
            matches!(path.as_slice(), [.., of, gate] if gate == "Gate" && (of == "Reason" || of == "Error"));
        visit::visit_expr_call(self, call);
        self.is_gate = outer;
    }

    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        self.refuses_under_clause |= self.is_gate && path.path.is_ident("clause");
    }

    fn visit_pat_struct(&mut self, pattern: &'ast syn::PatStruct) {
        let is_clause = |field: &syn::FieldPat| matches!(&field.member, syn::Member::Named(name) if name == "clause");
        if pattern.fields.iter().any(is_clause) {
            self.takes_apart.extend(pattern.path.segments.last().map(|last| last.ident.to_string()));
        }
        visit::visit_pat_struct(self, pattern);
    }
}

/// Whether a macro call is a `wrong!`.
pub fn is_wrong(call: &syn::Macro) -> bool {
    call.path.segments.last().is_some_and(|last| last.ident == "wrong")
}
