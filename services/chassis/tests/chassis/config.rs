//! A configuration that cannot be used is refused and says what is wrong with which line or key.

use std::path::{Path, PathBuf};

use kefu_chassis::config::{Config, Database};
use kefu_chassis::database;
use kefu_chassis::error::describe;

/// A file of this test, in the build's own directory.
fn file(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}.toml", std::process::id()));
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_broken_line_an_unknown_key_a_missing_key_and_a_missing_file_are_named() {
    let good = "listen = '127.0.0.1:7001'\n";
    for (name, text, named) in [
        ("syntax", format!("{good}database.url = \n"), "line 2"),
        (
            "unknown",
            format!("{good}database.url = 'postgres://db/kefu'\ndatabase.max_conections = 3\n"),
            "max_conections",
        ),
        (
            "type",
            format!("{good}database.url = 'postgres://db/kefu'\ndatabase.max_connections = 'many'\n"),
            "database.max_connections",
        ),
        ("missing", good.to_owned(), "database"),
    ] {
        let path = file(name, &text);
        let error = Config::load(Some(&path)).unwrap_err();
        std::fs::remove_file(path).unwrap();
        assert!(describe(&error).contains(named), "{name}: {}", describe(&error));
    }
    let error = Config::load(Some(Path::new("/nowhere/kefu.toml"))).unwrap_err();
    assert!(describe(&error).contains("/nowhere/kefu.toml"), "{}", describe(&error));
}

#[test]
fn a_password_file_that_cannot_be_read_is_named() {
    let password_file = Some(PathBuf::from("/nowhere/password"));
    let config = Database { url: "postgres://kefu_bare@127.0.0.1/kefu".into(), password_file, max_connections: 1 };
    let error = database::options(&config, "bare").unwrap_err();
    assert!(describe(&error).contains("/nowhere/password"), "{}", describe(&error));
}
