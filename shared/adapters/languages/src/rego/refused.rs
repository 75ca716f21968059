//! The list of refused builtins in the language's page, made from the table that refuses them.

use std::path::PathBuf;

use writ_rego::builtin::DECLARATIONS;

const PAGE: &str = "docs/languages/rego.md";
const START: &str = "<!-- refused builtins: from the table of `writ-rego-builtins` -->\n";
const END: &str = "<!-- end of refused builtins -->";

/// A row for each reason, in the order of the first builtin that has it.
fn table() -> String {
    let mut rows: Vec<(&str, Vec<&str>)> = Vec::new();
    for declaration in DECLARATIONS {
        let Some(reason) = declaration.missing else { continue };
        match rows.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, names)) => names.push(declaration.name),
            None => rows.push((reason, vec![declaration.name])),
        }
    }
    let mut text = String::from("| refused | why, and what to do instead |\n|---|---|\n");
    for (reason, names) in rows {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        text.push_str(&format!("| {} | {reason} |\n", names.join(", ")));
    }
    text
}

#[test]
fn the_page_lists_what_the_table_refuses() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../..").join(PAGE);
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(START).unwrap();
    let (listed, after) = rest.split_once(END).unwrap();
    let right = table();
    if std::env::var_os("WRIT_BLESS").is_some() {
        std::fs::write(&path, format!("{before}{START}{right}{END}{after}")).unwrap();
    } else {
        assert_eq!(listed, right, "WRIT_BLESS=1 writes the list of {PAGE}");
    }
}
