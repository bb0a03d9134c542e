//! Checks that what people are told says as much in Chinese as in English: the same numbers. That both name as many variables
//! is checked where they compile.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use proc_macro2::{TokenStream, TokenTree};
use regex::Regex;
use syn::visit::{self, Visit};
use syn::{Expr, ExprCall, Lit};

use crate::structure::sources::walk;

/// Variables in braces, and the name of an encoding, which has a number in it.
static BESIDE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\{[^}]*\}|UTF-8|Base64").unwrap());
static NUMBER: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"[0-9][0-9,]*").unwrap());

/// The pairs of texts that a file has: of `wrong!` and of `Text::new`.
#[derive(Default)]
struct Pairs(Vec<(String, String)>);

impl<'ast> Visit<'ast> for Pairs {
    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        if call.path.segments.last().is_some_and(|last| last.ident == "wrong") {
            let texts = literals(call.tokens.clone());
            if let [.., en, zh] = texts.as_slice() {
                self.0.push((en.clone(), zh.clone()));
            }
        }
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        let path = match &*call.func {
            Expr::Path(path) => path.path.segments.iter().map(|segment| segment.ident.to_string()).collect(),
            _ => Vec::new(),
        };
        let text = |at: usize| match call.args.iter().nth(at) {
            Some(Expr::Lit(syn::ExprLit { lit: Lit::Str(text), .. })) => Some(text.value()),
            _ => None,
        };
        if let ([.., of, new], Some(en), Some(zh)) = (path.as_slice(), text(0), text(1))
            && of == "Text"
            && new == "new"
        {
            self.0.push((en, zh));
        }
        visit::visit_expr_call(self, call);
    }
}

fn literals(tokens: TokenStream) -> Vec<String> {
    let literal = |token| match token {
        TokenTree::Literal(literal) => syn::parse_str::<syn::LitStr>(&literal.to_string()).ok(),
        _ => None,
    };
    tokens.into_iter().filter_map(literal).map(|literal| literal.value()).collect()
}

/// The numbers that one of two texts has and the other has not.
fn apart(en: &str, zh: &str) -> Vec<String> {
    let numbers = |text: &str| -> BTreeSet<String> {
        NUMBER.find_iter(&BESIDE.replace_all(text, "")).map(|number| number.as_str().to_owned()).collect()
    };
    numbers(en).symmetric_difference(&numbers(zh)).cloned().collect()
}

#[test]
fn numbers_stand_in_both_languages() {
    let (mut paths, mut seen) = (Vec::new(), 0);
    walk(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../services"), &mut paths);
    for path in paths.iter().filter(|path| path.components().any(|part| part.as_os_str() == "src")) {
        let mut pairs = Pairs::default();
        pairs.visit_file(&syn::parse_file(&std::fs::read_to_string(path).unwrap()).unwrap());
        seen += pairs.0.len();
        for (en, zh) in pairs.0 {
            assert!(apart(&en, &zh).is_empty(), "{}: {:?} in “{en}” and “{zh}”", path.display(), apart(&en, &zh));
        }
    }
    assert!(seen > 200, "{seen} texts");
    assert_eq!(apart("at most 31 days, {days} in UTF-8", "不超过三十一天"), ["31"]);
}
