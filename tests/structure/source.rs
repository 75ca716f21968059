//! The files of the workspace.

use std::fs;
use std::path::{Path, PathBuf};

/// Directories that hold no source of this workspace.
const SKIPPED: [&str; 4] = ["target", ".git", "node_modules", "corpus"];

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A text file of the workspace.
pub(crate) struct File {
    /// Relative to the root, with `/` between its parts.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Every file with this extension, in the order of paths.
pub(crate) fn files(extension: &str) -> Vec<File> {
    let mut found = Vec::new();
    collect(&root(), "", extension, &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty(), "the workspace has files that end in `.{extension}`");
    found
}

fn collect(directory: &Path, prefix: &str, extension: &str, found: &mut Vec<File>) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
        let kind = entry.file_type().unwrap();
        if kind.is_dir() && !SKIPPED.contains(&name.as_str()) {
            collect(&entry.path(), &path, extension, found);
        } else if kind.is_file() && entry.path().extension().is_some_and(|e| e == extension) {
            let text = fs::read_to_string(entry.path()).unwrap();
            found.push(File { path, text });
        }
    }
}
