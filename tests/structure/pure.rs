//! Pure code: models and lifecycles decide, and leave Postgres, the runtime and gRPC to others.

use super::imports::paths;
use super::sources::File;

/// The crates that pure code does not use.
const IMPURE: [&str; 4] = ["jiff_sqlx", "sqlx", "tokio", "tonic"];

/// Whether a file belongs to the chassis' model or to a lifecycle.
pub fn is_to_be_pure(file: &File) -> bool {
    let is_model = file.path.starts_with("services/chassis/src/model");
    is_model || file.module.iter().any(|name| name == "lifecycle")
}

/// Returns every use of an impure crate in a file.
pub fn impurities(file: &File) -> Vec<String> {
    let used =
        paths(file, "").into_iter().filter(|path| path.first().is_some_and(|first| IMPURE.contains(&first.as_str())));
    used.map(|path| format!("{} uses {}", file.path, path.join("::"))).collect()
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
            async fn f() { tokio::select! { _ = tonic::g() => {} } }
            #[cfg(test)]
            mod tests { use tokio::sync::Notify; }
        ";
        let tree = made_up(&[("lib.rs", "mod lifecycle;"), ("lifecycle.rs", text)]);
        let file = tree.files.iter().find(|file| is_to_be_pure(file)).unwrap();
        let found = impurities(file);
        let uses = ["sqlx::PgPool", "sqlx::Type", "tokio::select", "tonic::g"];
        assert_eq!(found, uses.map(|used| format!("made_up/src/lifecycle.rs uses {used}")));
    }
}
