//! Pure code: models and lifecycles decide, and leave Postgres, the runtime and gRPC to others.

use syn::visit::{self, Visit};

use super::paths::paths;
use super::sources::File;

/// The crates that pure code does not use.
const IMPURE: [&str; 4] = ["jiff_sqlx", "sqlx", "tokio", "tonic"];

/// Whether a file belongs to the chassis' model or to a lifecycle.
pub fn is_to_be_pure(file: &File) -> bool {
    let is_model = file.path.starts_with("services/chassis/src/model");
    is_model || file.module.iter().any(|name| name == "lifecycle")
}

/// What of the chassis stands for the runtime or for Postgres, by the names that the chassis has inside and by those that it
/// shows to services.
const IMPURE_MODULES: [&[&str]; 17] = [
    &["base", "clock"],
    &["base", "tasks"],
    &["base", "time", "sql"],
    &["clock"],
    &["tasks"],
    &["time", "sql"],
    &["Clock"],
    &["Chassis"],
    &["UnitOfWork"],
    &["chassis"],
    &["database"],
    &["peer"],
    &["replies"],
    &["server"],
    &["step"],
    &["subscriber"],
    &["unit_of_work"],
];

/// Finds code that waits, and crates that are named anew.
struct Waits(Vec<&'static str>);

impl<'ast> Visit<'ast> for Waits {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if item.ident != "tests" {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_extern_crate(&mut self, _: &'ast syn::ItemExternCrate) {
        self.0.push("extern crate");
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        self.0.extend(signature.asyncness.map(|_| "async fn"));
        visit::visit_signature(self, signature);
    }

    fn visit_expr_async(&mut self, block: &'ast syn::ExprAsync) {
        self.0.push("async");
        visit::visit_expr_async(self, block);
    }

    fn visit_expr_await(&mut self, wait: &'ast syn::ExprAwait) {
        self.0.push(".await");
        visit::visit_expr_await(self, wait);
    }
}

/// Returns every use of an impure crate or module in a file, and whatever waits in it.
pub fn impurities(file: &File) -> Vec<String> {
    let is_impure = |path: &Vec<String>| {
        let within: Vec<&str> = path.iter().map(String::as_str).skip_while(|segment| *segment == "crate").collect();
        path.first().is_some_and(|first| IMPURE.contains(&first.as_str()))
            || IMPURE_MODULES.iter().any(|module| within.starts_with(module))
    };
    let used = paths(file, "kefu_chassis").into_iter().filter(is_impure);
    let mut found: Vec<String> = used.map(|path| format!("{} uses {}", file.path, path.join("::"))).collect();
    let mut waits = Waits(Vec::new());
    waits.visit_file(&file.syntax);
    found.extend(waits.0.into_iter().map(|what| format!("{} has `{what}`", file.path)));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structure::made_up;

    #[test]
    fn a_lifecycle_that_asks_postgres_or_waits_is_found() {
        let text = "
            use sqlx::PgPool;
            #[derive(sqlx::Type)]
            enum State { Open }
            fn g() { kefu_chassis::base::tasks::spawn(h()); }
            async fn f() { tokio::select! { _ = tonic::g() => {} } }
            #[cfg(test)]
            mod tests { use tokio::sync::Notify; }
        ";
        let tree = made_up(&[("lib.rs", "mod lifecycle;"), ("lifecycle.rs", text)]);
        let file = tree.files.iter().find(|file| is_to_be_pure(file)).unwrap();
        let found = impurities(file);
        let uses = ["crate::base::tasks::spawn", "sqlx::PgPool", "sqlx::Type", "tokio::select", "tonic::g"];
        let (last, others) = found.split_last().unwrap();
        assert_eq!(others, uses.map(|used| format!("made_up/src/lifecycle.rs uses {used}")));
        assert_eq!(last, "made_up/src/lifecycle.rs has `async fn`");
    }

    #[test]
    fn a_lifecycle_that_asks_the_chassis_to_wait_for_it_is_found() {
        for text in [
            "use kefu_chassis::tasks::spawn;",
            "use kefu_chassis::Chassis;",
            "use kefu_chassis::time::{sql, to_proto};",
            "fn now(clock: &kefu_chassis::Clock) {}",
            "fn later() { let wait = async {}; }",
        ] {
            let tree = made_up(&[("lib.rs", "mod lifecycle;"), ("lifecycle.rs", text)]);
            let file = tree.files.iter().find(|file| is_to_be_pure(file)).unwrap();
            assert_eq!(impurities(file).len(), 1, "{text}");
        }
    }
}
