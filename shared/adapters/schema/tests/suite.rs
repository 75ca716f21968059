//! The public suite of JSON Schema 2020-12, where it is found: in `$WRIT_SUITES`, else in `../shared/suites`
//! beside the repository. `tests/json-schema/others.txt` names each group with a case that does not
//! give the answer of the suite, with the reason; every other case does.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;
use writ_model::run::SchemaFormats;
use writ_schema::Schema;

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../..")
}

fn suite() -> Option<PathBuf> {
    let root = std::env::var_os("WRIT_SUITES")
        .map_or_else(|| repository().join("../shared/suites"), PathBuf::from);
    let folder = root.join("json-schema-2020-12");
    folder.is_dir().then_some(folder)
}

fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "json") {
            into.push(path);
        }
    }
    into.sort();
}

/// The cases of one group that give the answer of the suite, and the others; with the error if the
/// schema is refused.
fn count(group: &Value, formats: SchemaFormats) -> (usize, usize, Option<String>) {
    let cases = group["tests"].as_array().unwrap();
    match Schema::compile_with(&group["schema"], formats) {
        Err(error) => (0, cases.len(), Some(error.to_string())),
        Ok(schema) => {
            let agrees = |case: &&Value| {
                let is_valid = schema.violations("it", &case["data"]).is_empty();
                case["valid"] == Value::Bool(is_valid)
            };
            let agreed = cases.iter().filter(agrees).count();
            (agreed, cases.len() - agreed, None)
        }
    }
}

/// The lines `group | reason` of the committed list.
fn listed() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(repository().join("tests/json-schema/others.txt")).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (group, reason) = line.rsplit_once(" | ").unwrap_or_else(|| panic!("{line}"));
            (group.to_owned(), reason.to_owned())
        })
        .collect()
}

#[test]
fn the_public_suite_gives_its_answers_but_for_the_list() {
    let Some(suite) = suite() else {
        println!("not run: no suite of JSON Schema in $WRIT_SUITES or ../shared/suites");
        return;
    };
    let (mut paths, mut others) = (Vec::new(), BTreeMap::new());
    let (mut agreed, mut refused, mut wrong) = (0, 0, 0);
    files(&suite, &mut paths);
    for path in paths {
        let name = path.strip_prefix(&suite).unwrap().with_extension("").display().to_string();
        let formats = match name.as_str() {
            "optional/format-assertion" => SchemaFormats::Assert,
            _ => SchemaFormats::Annotate,
        };
        let text = std::fs::read_to_string(&path).unwrap();
        let groups: Value = serde_json::from_str(&text).unwrap();
        for group in groups.as_array().unwrap() {
            let (right, other, error) = count(group, formats);
            agreed += right;
            if other > 0 {
                let counted = if error.is_some() { &mut refused } else { &mut wrong };
                *counted += other;
                let description = group["description"].as_str().unwrap();
                others.insert(format!("{name}: {description}"), error.unwrap_or_default());
            }
        }
    }
    println!("json-schema 2020-12: {agreed} agree, {refused} refused, {wrong} differ");
    let listed = listed();
    let found: BTreeSet<&String> = others.keys().collect();
    let known: BTreeSet<&String> = listed.keys().collect();
    let new: Vec<String> =
        found.difference(&known).map(|name| format!("{name} | {}", others[*name])).collect();
    let gone: Vec<_> = known.difference(&found).collect();
    assert!(new.is_empty(), "not in the list:\n{}", new.join("\n"));
    assert!(gone.is_empty(), "in the list, and right: {gone:#?}");
}
