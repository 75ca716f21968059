//! Paths that documents name exist.

use crate::source::{files, root};

/// Documents that must name existing paths only, in backticks: these, and the pages of `PAGES`.
const DOCUMENTS: [&str; 2] = ["CONTRIBUTING.md", "docs/architecture.md"];

/// The directory of the pages on how to add something.
const PAGES: &str = "docs/how-to";

/// First parts of paths in this repository.
const TOP: [&str; 9] = [
    "shared/",
    "functions/",
    "tests/",
    "infra/",
    "cli/",
    "docs/",
    "examples/",
    "fuzz/",
    "localstack/",
];

/// Whether a path exists; `<...>` and `*` stand for any one part of it.
fn exists(path: &str) -> bool {
    let mut places = vec![root()];
    for part in path.trim_end_matches('/').split('/') {
        let part = if part.starts_with('<') { "" } else { part };
        let is_any = part.is_empty() || part == "*";
        let mut next = Vec::new();
        for place in &places {
            if !is_any {
                let place = place.join(part);
                next.extend(place.exists().then_some(place));
            } else if let Ok(entries) = place.read_dir() {
                next.extend(entries.filter_map(|entry| Some(entry.ok()?.path())));
            }
        }
        places = next;
    }
    !places.is_empty()
}

#[test]
fn paths_in_documents_exist() {
    let mut missing = Vec::new();
    let pages = root().join(PAGES).read_dir().unwrap();
    let pages = pages.map(|page| format!("{PAGES}/{}", page.unwrap().file_name().display()));
    for document in DOCUMENTS.map(str::to_owned).into_iter().chain(pages) {
        let text = std::fs::read_to_string(root().join(&document)).unwrap();
        for code in text.split('`').skip(1).step_by(2) {
            // `<verb>.rs` stands for any file.
            let path = code.replace("<verb>.rs", "*");
            let is_path = TOP.iter().any(|top| path.starts_with(top)) && !path.contains(' ');
            if is_path && !exists(&path) {
                missing.push(format!("{document}: `{code}`"));
            }
        }
    }
    assert!(missing.is_empty(), "no such paths:\n{}", missing.join("\n"));
}

#[test]
fn a_path_that_is_not_there_is_found() {
    for (path, is_there) in [
        ("shared/domain/model/src/lib.rs", true),
        ("functions/<resource>/src/", true),
        ("functions/*/lambda", true),
        ("shared/domain/nothing", false),
        ("functions/<resource>/nothing.rs", false),
    ] {
        assert_eq!(exists(path), is_there, "{path}");
    }
}

/// Code that two crates need stands in a third one; its file is not compiled into both.
#[test]
fn no_crate_includes_a_file_of_another_directory() {
    let attribute = format!("#[{} = \"", "path");
    let mut found = Vec::new();
    for file in files("rs") {
        let lines = file.text.lines().enumerate();
        let included = lines.filter(|(_, line)| line.contains(&attribute) && line.contains(".."));
        found.extend(included.map(|(number, _)| format!("{}:{}", file.path, number + 1)));
    }
    assert!(found.is_empty(), "make a crate of it: {}", found.join(", "));
}
