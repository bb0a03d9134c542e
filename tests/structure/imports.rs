//! What a file imports: every path of its code that leads into its own crate.

use std::collections::BTreeSet;

use super::exports::Exports;
use super::paths::{CALLED, paths};
use super::sources::File;

/// Returns the files that a file of the crate `own` imports.
pub fn imports(file: &File, own: &str, exports: &Exports<'_>) -> BTreeSet<String> {
    let mut imported = BTreeSet::new();
    for path in paths(file, own) {
        let (first, rest) = path.split_first().expect("a path has segments");
        match (first.as_str(), rest) {
            (CALLED, [name]) => imported.extend(exports.of_macro(name)),
            ("crate", [name]) if exports.of_macro(name).is_some() => imported.extend(exports.of_macro(name)),
            ("crate", rest) => imported.extend(exports.files(rest)),
            _ => {}
        }
    }
    imported.into_iter().filter(|path| *path != file.path).map(str::to_owned).collect()
}
