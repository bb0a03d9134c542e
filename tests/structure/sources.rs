//! The sources of the workspace's crates, parsed.

use std::fs;
use std::path::{Path, PathBuf};

/// The sources of a library, or of a program without a library.
pub struct Crate {
    /// The name in paths, e.g. `kefu_chassis`.
    pub name: String,
    pub files: Vec<File>,
}

/// A file of a crate.
pub struct File {
    /// The path beneath the repository's root, e.g. `services/chassis/src/base/error.rs`.
    pub path: String,
    /// The segments of the module's path, e.g. `base`, `error`; none for the crate's root.
    pub module: Vec<String>,
    pub syntax: syn::File,
}

impl Crate {
    /// Returns the file of the longest prefix of a module's path that is a file's module.
    pub fn file_at(&self, module: &[String]) -> Option<&File> {
        self.files.iter().filter(|file| module.starts_with(&file.module)).max_by_key(|file| file.module.len())
    }
}

impl File {
    /// Parses the file at `path`, which lies at `beneath` in its crate's `src`.
    pub fn parse(path: &str, beneath: &str, text: &str) -> Self {
        let module = beneath.trim_end_matches(".rs");
        let module = if ["lib", "main"].contains(&module) { "" } else { module };
        let module = module.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect();
        let syntax = syn::parse_file(text).unwrap_or_else(|error| panic!("{path}: {error}"));
        Self { path: path.to_owned(), module, syntax }
    }
}

/// Returns every crate of the workspace.
pub fn crates() -> Vec<Crate> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut folders = vec![root.join("proto")];
    for group in ["services", "tests"] {
        folders.extend(fs::read_dir(root.join(group)).unwrap().map(|entry| entry.unwrap().path()));
    }
    let mut crates: Vec<Crate> =
        folders.iter().filter(|folder| folder.join("src").is_dir()).map(|folder| read(&root, folder)).collect();
    crates.sort_by(|one, other| one.name.cmp(&other.name));
    assert!(crates.len() > 10, "only {} crates were found", crates.len());
    crates
}

/// Returns the crate in a folder of the repository, e.g. `services/chassis`.
pub fn at(folder: &str) -> Crate {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    read(&root, &root.join(folder))
}

fn read(root: &Path, folder: &Path) -> Crate {
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    let name = manifest.lines().find_map(|line| line.strip_prefix("name = ")).unwrap();
    let src = folder.join("src");
    let mut paths = Vec::new();
    walk(&src, &mut paths);
    // A program beside a library is a crate of its own, of a dozen lines in one file: it is left out.
    let has_library = paths.contains(&src.join("lib.rs"));
    paths.retain(|path| !has_library || *path != src.join("main.rs"));
    let files = paths.iter().map(|path| {
        let text = fs::read_to_string(path).unwrap();
        let shown = |base: &Path| path.strip_prefix(base).unwrap().to_str().unwrap().to_owned();
        File::parse(&shown(root), &shown(&src), &text)
    });
    Crate { name: name.trim_matches('"').replace('-', "_"), files: files.collect() }
}

/// Adds every file of Rust beneath a folder, in the order of their names.
pub fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            walk(&entry, files);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            files.push(entry);
        }
    }
}
