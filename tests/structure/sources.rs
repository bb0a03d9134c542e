//! The sources of the workspace's crates, parsed.

use std::fs;
use std::path::{Path, PathBuf};

/// The sources of a library, of a program without a library, of a build script or of a test.
pub struct Crate {
    /// The folder in the repository, e.g. `services/chassis`.
    pub folder: String,
    /// The name in paths, e.g. `kefu_chassis`.
    pub name: String,
    pub files: Vec<File>,
}

/// A file of a crate.
pub struct File {
    /// The path in the repository, e.g. `services/chassis/src/base/error.rs`.
    pub path: String,
    /// The segments of the module's path, e.g. `base`, `error`; none for the crate's root.
    pub module: Vec<String>,
    pub syntax: syn::File,
}

impl Crate {
    /// Reads the files beneath `src` that are chosen by their paths beneath it. The crate has its folder for a name.
    fn read(folder: &str, src: &str, is_chosen: impl Fn(&str) -> bool) -> Self {
        let mut paths = Vec::new();
        walk(&root().join(src), &mut paths);
        let shown = |path: &PathBuf| path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        let mut files = Vec::new();
        for path in &paths {
            let shown = shown(path);
            let beneath = &shown[src.len() + 1..];
            if is_chosen(beneath) {
                files.push(File::parse(&shown, beneath, &fs::read_to_string(path).unwrap()));
            }
        }
        Self { folder: folder.to_owned(), name: folder.to_owned(), files }
    }

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

/// Returns every crate of the workspace with its build script; programs beside a library and tests are left out.
pub fn crates() -> Vec<Crate> {
    let mut folders = vec!["proto".to_owned()];
    for group in ["services", "tests"] {
        let names = entries(&root().join(group)).into_iter().map(|path| name(&path));
        folders.extend(names.map(|name| format!("{group}/{name}")));
    }
    folders.retain(|folder| root().join(folder).join("src").is_dir());
    let mut crates: Vec<Crate> = folders.iter().map(|folder| at(folder)).collect();
    crates.push(Crate::read("proto/build", "proto/build", |_| true));
    assert!(crates.len() > 11, "only {} crates were found", crates.len());
    crates
}

/// Returns the crate of a folder of the repository, e.g. `services/chassis`.
fn at(folder: &str) -> Crate {
    let has_library = root().join(folder).join("src/lib.rs").exists();
    let manifest = fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
    let name = manifest.lines().find_map(|line| line.strip_prefix("name = ")).unwrap();
    // A program beside a library is a crate of its own, of a dozen lines in one file.
    let read = Crate::read(folder, &format!("{folder}/src"), |beneath| !has_library || beneath != "main.rs");
    Crate { name: name.trim_matches('"').replace('-', "_"), ..read }
}

/// Returns the crates of tests: each file in a folder `tests` with those beneath it, or each folder with a `main.rs`.
pub fn tests() -> Vec<Crate> {
    let services = entries(&root().join("services"));
    let folders = services.iter().map(|service| format!("services/{}/tests", name(service)));
    let mut crates =
        vec![Crate::read("tests", "tests", |path| !path.starts_with("load/") && !path.starts_with("chaos/"))];
    for folder in folders.filter(|folder| root().join(folder).is_dir()) {
        for entry in entries(&root().join(&folder)) {
            let entry = name(&entry);
            if let Some(test) = entry.strip_suffix(".rs") {
                let beneath = format!("{test}/");
                crates.push(Crate::read(test, &folder, |path| path == entry || path.starts_with(&beneath)));
            } else if root().join(&folder).join(&entry).join("main.rs").exists() {
                crates.push(Crate::read(&entry, &format!("{folder}/{entry}"), |_| true));
            }
        }
    }
    assert!(crates.len() > 8, "only {} crates of tests were found", crates.len());
    crates
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Returns what a folder holds, in the order of the names.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// Adds every file of Rust beneath a folder, in the order of their names.
pub fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in entries(folder) {
        if entry.is_dir() {
            walk(&entry, files);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            files.push(entry);
        }
    }
}
