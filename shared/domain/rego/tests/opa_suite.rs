//! The Open Policy Agent's own suite: every case passes, or stands in `opa_suite.txt` with its reason.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use writ_rego::builtin::{Context, Value, from_json_str};
use writ_rego::{Module, NoSink, Options, Policy, Version, compile};

/// The folder of the suite, if it is there.
fn suite() -> Option<PathBuf> {
    let folder = match std::env::var_os("WRIT_SUITES") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/suites"),
    };
    Some(folder.join("opa-v1")).filter(|folder| folder.is_dir())
}

fn cases(folder: &Path) -> Vec<Json> {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut cases = Vec::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|end| end == "json")) {
        let text = std::fs::read_to_string(file).unwrap();
        let Json::Array(found) = serde_json::from_str(&text).unwrap() else {
            panic!("{} is no list", file.display());
        };
        cases.extend(found);
    }
    cases
}

/// The cases that do not pass, with their reasons.
fn listed() -> BTreeMap<String, String> {
    include_str!("opa_suite.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let (note, reason) = line.split_once('\t').expect("a note, a tab, a reason");
            (note.to_owned(), reason.to_owned())
        })
        .collect()
}

fn value(json: &Json) -> Value {
    from_json_str(&json.to_string()).unwrap()
}

type Failed = (String, String);

fn compiled(case: &Json) -> Result<Policy, Failed> {
    let modules: Vec<Module> = case["modules"]
        .as_array()
        .into_iter()
        .flatten()
        .enumerate()
        .map(|(index, text)| Module {
            name: format!("test-{index}.rego"),
            text: text.as_str().unwrap().to_owned(),
            version: Version::V1,
        })
        .collect();
    compile(&modules).map_err(refused)
}

fn refused(found: Vec<writ_rego::Diagnostic>) -> Failed {
    let code = found.first().map_or("", |one| one.code).to_owned();
    let mut text = String::new();
    for one in found {
        let _ = writeln!(text, "{}:{}: {}: {}", one.file, one.line, one.code, one.message);
    }
    (code, text)
}

fn input(case: &Json) -> Option<Value> {
    if let Some(term) = case.get("input_term").and_then(Json::as_str) {
        let policy = compile(&[]).unwrap();
        let query = policy.query(&format!("x = {term}")).unwrap();
        let mut context = Context::new(0, 0, 1 << 30);
        let data = Value::object([]);
        return policy
            .evaluate(&query, None, data, &mut context, &mut NoSink, Options::default())
            .unwrap();
    }
    case.get("input").map(value)
}

fn solutions(case: &Json) -> Result<Vec<Value>, Failed> {
    let policy = compiled(case)?;
    let query = policy.query(case["query"].as_str().unwrap()).map_err(refused)?;
    let data = case.get("data").filter(|data| !data.is_null()).map_or(Value::object([]), value);
    let mut context = Context::new(1_700_000_000_000_000_000, 1, 1 << 30);
    let strict = case["strict_error"].as_bool() == Some(true);
    let options = Options { strict, ..Options::default() };
    let found = policy
        .solutions(&query, input(case), data, &mut context, &mut NoSink, options)
        .map_err(|failure| (failure.code.to_owned(), failure.to_string()))?;
    let sorts = case["sort_bindings"].as_bool() == Some(true);
    Ok(found
        .into_iter()
        .map(|bindings| {
            let plain = |value: &Value| from_json_str(&value.to_json()).unwrap();
            let pairs = bindings
                .iter()
                .map(|(name, found)| (Value::from(name.as_str()), settled(plain(found), sorts)));
            Value::object(pairs)
        })
        .collect())
}

/// A value with its items in order, if the case says that their order does not count.
fn settled(value: Value, sorts: bool) -> Value {
    match value {
        Value::Array(items) if sorts => {
            let mut items = items.as_slice().to_vec();
            items.sort();
            Value::array(items)
        }
        other => other,
    }
}

/// Why a case does not pass.
fn run(case: &Json) -> Result<(), String> {
    let found = solutions(case);
    let code = case.get("want_error_code").and_then(Json::as_str);
    let message = case.get("want_error").and_then(Json::as_str);
    if code.is_some() || message.is_some() {
        let Err((found_code, text)) = found else {
            return Err(format!("no error: {code:?} {message:?}"));
        };
        if code.is_some_and(|code| code != found_code) {
            return Err(format!("another code: {found_code}: {text}"));
        }
        return Ok(());
    }
    let mut found = found.map_err(|(_, text)| text)?;
    let sorts = case["sort_bindings"].as_bool() == Some(true);
    let mut wanted: Vec<Value> = case["want_result"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|bindings| {
            let pairs = bindings.as_object().unwrap().iter();
            let pairs = pairs
                .map(|(name, wanted)| (Value::from(name.as_str()), settled(value(wanted), sorts)));
            Value::object(pairs)
        })
        .collect();
    found.sort();
    wanted.sort();
    if found == wanted { Ok(()) } else { Err(format!("found {found:?}, wanted {wanted:?}")) }
}

#[test]
fn every_case_of_opa_passes_or_is_listed() {
    let Some(folder) = suite() else {
        eprintln!("opa_suite: not run, no suites at $WRIT_SUITES or ../shared/suites");
        return;
    };
    let thread = std::thread::Builder::new().stack_size(16 << 20);
    let report = thread.spawn(move || report(&cases(&folder))).unwrap().join().unwrap();
    assert!(report.is_empty(), "{report}");
}

fn report(cases: &[Json]) -> String {
    let listed = listed();
    let mut unused: BTreeSet<&String> = listed.keys().collect();
    let mut report = String::new();
    let mut passed = 0;
    let mut known = 0;
    for case in cases {
        let note = case["note"].as_str().unwrap();
        let result = run(case);
        unused.remove(&note.to_owned());
        match (result, listed.get(note)) {
            (Ok(()), None) => passed += 1,
            (Err(_), Some(_)) => known += 1,
            (Ok(()), Some(_)) => {
                let _ = writeln!(report, "passes but is listed: {note}");
            }
            (Err(reason), None) => {
                let _ = writeln!(report, "fails: {note}: {}", reason.trim());
            }
        }
    }
    for note in unused {
        let _ = writeln!(report, "is listed but does not exist: {note}");
    }
    eprintln!("opa_suite: {passed} of {} cases pass, {known} are listed", cases.len());
    if report.is_empty() { report } else { format!("{passed} passed, {known} known\n{report}") }
}
