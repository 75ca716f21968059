//! The public cases that regorus ships, run as policies. `tests/rego-conformance/README.md` describes
//! them; `passing.txt` there only grows, and `others.yaml` gives the reasons of the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value as Json, json};
use writ_model::{Digest, Language, RawJson};

use super::{compile, program::RegoProgram};
use crate::language::Program;
use crate::{Budget, Call, Failure, Method, Source};

/// The folders of cases in the library's sources.
const SUITES: [&str; 2] = ["tests/interpreter/cases", "tests/rvm/rego/cases"];

fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../..").join(path)
}

/// The directory of the library's sources. This test was compiled from them, so they exist.
fn library() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // Without a network only the compiled packages are available: those of this platform.
    let libc = if cfg!(target_env = "musl") { "musl" } else { "gnu" };
    let platform = format!("--filter-platform={}-unknown-linux-{libc}", std::env::consts::ARCH);
    let arguments = ["metadata", "--format-version=1", "--offline", &platform, "--manifest-path"];
    let output =
        Command::new(cargo).args(arguments).arg(repository("Cargo.toml")).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{stderr}");
    let metadata: Json = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == "regorus").unwrap();
    Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap().to_owned()
}

fn files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}")) {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            into.push(path);
        }
    }
}

/// One case of a file.
struct Case {
    name: String,
    /// Whether the case is in the syntax before OPA 1.0.
    is_v0: bool,
    document: Json,
}

fn cases() -> Vec<Case> {
    let library = library();
    let mut cases = Vec::new();
    for suite in SUITES {
        let mut found = Vec::new();
        files(&library.join(suite), &mut found);
        found.sort();
        for file in found {
            let text = std::fs::read_to_string(&file).unwrap();
            let document: Json = yaml_serde::from_str(&text).unwrap();
            let name = file.strip_prefix(&library).unwrap().with_extension("");
            let name = name.display().to_string().replace("tests/", "");
            let of_interpreter = suite.contains("interpreter") && !name.ends_with("bindings");
            let mut names = BTreeMap::new();
            for document in document["cases"].as_array().unwrap() {
                let note =
                    document["note"].as_str().unwrap().split_whitespace().collect::<Vec<_>>();
                let case = format!("{name}: {}", note.join(" "));
                let count: &mut u32 = names.entry(case.clone()).or_default();
                *count += 1;
                let case = if *count == 1 { case } else { format!("{case} ({count})") };
                let is_v0 = of_interpreter || document["rego_v0"] == json!(true);
                cases.push(Case { name: case, is_v0, document: document.clone() });
            }
        }
    }
    cases
}

/// An expected value as the output of a policy: sets are sorted arrays, a key that is no string is
/// its text. `None` if it is undefined.
fn expected_json(value: &Json) -> Option<Json> {
    Some(match value {
        Json::String(text) if text == "#undefined" => return None,
        Json::Object(fields) if fields.len() == 1 && fields.contains_key("set!") => {
            let items: BTreeSet<regorus::Value> = fields["set!"]
                .as_array()?
                .iter()
                .filter_map(expected_json)
                .map(|item| regorus::Value::from_json_str(&item.to_string()).unwrap())
                .collect();
            let items = regorus::Value::from(items.into_iter().collect::<Vec<_>>());
            serde_json::from_str(&items.to_json_str().unwrap()).unwrap()
        }
        Json::Object(fields) if fields.len() == 1 && fields.contains_key("object!") => {
            let pairs = fields["object!"].as_array()?.iter().filter_map(|pair| {
                let key = match expected_json(&pair["key"])? {
                    Json::String(key) => key,
                    key => key.to_string(),
                };
                Some((key, expected_json(&pair["value"])?))
            });
            Json::Object(pairs.collect())
        }
        Json::Object(fields) => {
            let fields =
                fields.iter().filter_map(|(key, value)| Some((key.clone(), expected_json(value)?)));
            Json::Object(fields.collect())
        }
        Json::Array(items) => Json::Array(items.iter().filter_map(expected_json).collect()),
        other => other.clone(),
    })
}

/// Numbers by value and objects without order, so that texts can be compared.
fn canonical(value: &Json) -> String {
    regorus::Value::from_json_str(&value.to_string())
        .and_then(|value| value.to_json_str())
        .unwrap_or_else(|_| value.to_string())
}

fn values(value: &Json) -> Vec<Json> {
    match value.get("many!") {
        Some(Json::Array(values)) => values.clone(),
        _ => vec![value.clone()],
    }
}

/// The policy of a case: its first module is the code, the others are further modules.
fn source(case: &Case) -> Source {
    let modules = case.document["modules"].as_array().unwrap();
    let text = |module: &Json| module.as_str().unwrap_or_default().to_owned();
    let beside: Map<String, Json> = modules
        .iter()
        .enumerate()
        .skip(1)
        .map(|(position, module)| (format!("rego_{position}.rego"), Json::from(text(module))))
        .collect();
    let mut data = json!({
        "query": case.document["query"].as_str().unwrap().trim(),
        "modules": beside,
        "rego_version": if case.is_v0 { 0 } else { 1 },
    });
    if case.document["data"].is_object() {
        data["data"] = case.document["data"].clone();
    }
    let code = modules.first().map(text).unwrap_or_default();
    Source {
        language: Language::Rego,
        digest: Digest::of(code.as_bytes()),
        code,
        functionality_data: Some(RawJson::of(&data)),
        schemas: Default::default(),
    }
}

fn call(input: &Json) -> Call {
    Call {
        rule_id: "case:1.0-test".to_owned(),
        settings: RawJson::empty_object(),
        parameters: RawJson::empty_object(),
        method: Method::Eval { input_data: RawJson::of(input) },
        now_ms: 1_700_000_000_000,
        seed: 7,
        context: None,
        coverage: false,
    }
}

/// `Ok` if the case has its expected result, else a description of its actual one.
fn outcome(case: &Case) -> Result<(), String> {
    let fails = case.document["error"].is_string() || case.document["want_error"].is_string();
    let compiled = match compile::compile(&source(case)) {
        Ok(compiled) => compiled,
        Err(_) if fails => return Ok(()),
        Err(problems) => {
            return Err(problems.iter().map(|p| format!("{}: {}", p.code, p.message)).collect());
        }
    };
    let mut program = RegoProgram::new(compiled);
    let inputs = values(&case.document["input"]);
    let mut results = Vec::new();
    for input in &inputs {
        let fast = program.run(&call(input), &Budget::default());
        // If the machine ran it, the interpreter must give the same result.
        let reference = program.run_interpreted(&call(input), &Budget::default());
        let text = |result: &Result<crate::Outcome, Failure>| match result {
            Ok(outcome) => outcome.output.as_str().to_owned(),
            Err(failure) => format!("{failure:?}"),
        };
        if text(&fast) != text(&reference) {
            return Err(format!("machine {} interpreter {}", text(&fast), text(&reference)));
        }
        results.push(fast);
    }
    let is_undefined = |failure: &Failure| matches!(failure, Failure::Raised { kind, .. } if kind == "rego.undefined");
    if fails {
        let failed =
            results.iter().any(|result| matches!(result, Err(failure) if !is_undefined(failure)));
        return if failed { Ok(()) } else { Err(format!("runs: {results:?}")) };
    }
    let expected = match &case.document["want_result"] {
        Json::Null if case.document["want_results"].is_array() => {
            return Err("several entry points".to_owned());
        }
        Json::Null if case.document["no_result"] == json!(true) => {
            vec![json!("#undefined"); results.len()]
        }
        value => values(value),
    };
    if expected.len() != results.len() {
        return Err(format!("{} results for {} inputs", expected.len(), results.len()));
    }
    for (result, expected) in results.iter().zip(&expected) {
        match (result, expected_json(expected)) {
            (Ok(outcome), Some(expected))
                if canonical(&outcome.output.value()) == canonical(&expected) => {}
            (Err(failure), None) if is_undefined(failure) => {}
            (Ok(outcome), expected) => {
                return Err(format!("gives {} not {expected:?}", outcome.output.as_str()));
            }
            (Err(failure), _) => return Err(format!("fails: {failure:?}")),
        }
    }
    let printed: Vec<&str> = results.iter().flatten().flat_map(|o| o.printed.lines()).collect();
    match case.document["want_prints"].as_array() {
        Some(expected) if expected.len() != printed.len() => Err(format!("prints {printed:?}")),
        _ => Ok(()),
    }
}

/// The class of each case that does not pass; a class has a reason.
fn others() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(repository("tests/rego-conformance/others.yaml")).unwrap();
    let classes: Json = yaml_serde::from_str(&text).unwrap();
    let mut classes_of = BTreeMap::new();
    for class in classes["classes"].as_array().unwrap() {
        let name = class["class"].as_str().unwrap();
        assert!(class["reason"].is_string(), "{name} has no reason");
        for case in class["cases"].as_array().unwrap() {
            let case = case.as_str().unwrap().to_owned();
            assert_eq!(classes_of.insert(case, name.to_owned()), None, "a case has two classes");
        }
    }
    classes_of
}

#[test]
fn public_cases_pass_that_are_listed_and_the_others_have_a_reason() {
    let list = repository("tests/rego-conformance/passing.txt");
    let listed: BTreeSet<String> =
        std::fs::read_to_string(&list).unwrap_or_default().lines().map(str::to_owned).collect();
    let run = || cases().iter().map(|case| (case.name.clone(), outcome(case))).collect();
    let outcomes: BTreeMap<String, Result<(), String>> = std::thread::scope(|scope| {
        // As much stack as a worker has.
        let big = std::thread::Builder::new().stack_size(8 << 20);
        big.spawn_scoped(scope, run).unwrap().join().unwrap()
    });
    let passing: BTreeSet<String> = outcomes
        .iter()
        .filter(|(_, outcome)| outcome.is_ok())
        .map(|(name, _)| name.clone())
        .collect();
    let lost: Vec<String> = listed
        .difference(&passing)
        .map(|name| format!("no longer passes: {name}: {:?}", outcomes.get(name)))
        .collect();
    assert!(lost.is_empty(), "{}", lost.join("\n"));
    if std::env::var_os("WRIT_BLESS").is_some() {
        let lines: String = passing.iter().map(|name| format!("{name}\n")).collect();
        std::fs::write(&list, lines).unwrap();
        let rest: String = outcomes
            .iter()
            .filter_map(|(name, outcome)| Some(format!("{name}\t{}\n", outcome.as_ref().err()?)))
            .collect();
        std::fs::write(std::env::temp_dir().join("rego-conformance-others.tsv"), rest).unwrap();
        return;
    }
    let new: Vec<&String> = passing.difference(&listed).collect();
    assert!(new.is_empty(), "passes and is not listed: {new:#?}; run with WRIT_BLESS=1");
    let others = others();
    let unexplained: Vec<_> = outcomes
        .iter()
        .filter(|(name, outcome)| outcome.is_err() != others.contains_key(*name))
        .collect();
    assert!(unexplained.is_empty(), "tests/rego-conformance/others.yaml: {unexplained:#?}");
    assert_eq!(outcomes.len(), listed.len() + others.len(), "others.yaml names unknown cases");
    let guide = std::fs::read_to_string(repository("docs/languages/rego.md")).unwrap();
    let says = format!("{} of {} public cases pass", listed.len(), outcomes.len());
    assert!(guide.contains(&says), "docs/languages/rego.md does not say `{says}`");
}
