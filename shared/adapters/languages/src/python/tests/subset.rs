//! The supported subset, tested by data files, and its table in the documentation.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::Value;

use super::*;

fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../..").join(path)
}

fn probes() -> Vec<Value> {
    let text = std::fs::read_to_string(repository("tests/python-subset/probes.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn code(probe: &Value) -> String {
    policy(probe["imports"].as_str().unwrap_or_default(), probe["body"].as_str().unwrap())
}

#[test]
fn every_probe_of_the_subset_does_what_it_says() {
    with_python(|python| {
        let mut wrong = Vec::new();
        for probe in probes() {
            let feature = probe["feature"].as_str().unwrap();
            let got = match compile(python, &code(&probe)) {
                Ok(mut program) => match program.run(&call("{}", "{}"), &Budget::default()) {
                    Ok(outcome) => Ok(outcome.output.value()),
                    Err(Failure::Raised { traceback, .. }) => Err(traceback),
                    Err(failure) => Err(failure.to_string()),
                },
                Err(found) => Err(found.iter().filter_map(|found| found.help.clone()).collect()),
            };
            let fits = match (&got, probe["refused"].as_str()) {
                (Ok(value), None) => *value == probe["returns"],
                (Err(help), Some(part)) => help.contains(part),
                _ => false,
            };
            if !fits {
                wrong.push(format!("{feature}: {got:?}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}

/// The output or failure of a policy of `policies.yaml` as text; the diagnostics if it is refused.
fn run_policy(python: &mut Python, case: &yaml_serde::Value) -> Result<String, Vec<Diagnostic>> {
    let text = |name: &str| case[name].as_str().unwrap_or("{}").to_owned();
    let json = |name: &str| RawJson::parse(&text(name)).unwrap();
    let mut program = compile(python, &text("code"))?;
    let call = Call { settings: json("settings"), ..call(&text("parameters"), &text("input")) };
    Ok(match program.run(&call, &Budget::default()) {
        Ok(outcome) => outcome.output.as_str().to_owned(),
        Err(Failure::Raised { traceback, .. }) => traceback,
        Err(failure) => failure.to_string(),
    })
}

#[test]
fn policies_as_people_write_them_run_as_in_cpython_or_are_refused_with_what_to_write() {
    let text = std::fs::read_to_string(repository("tests/python-subset/policies.yaml")).unwrap();
    let policies: Vec<yaml_serde::Value> = yaml_serde::from_str(&text).unwrap();
    with_python(|python| {
        let mut wrong = Vec::new();
        for case in &policies {
            let got = run_policy(python, case);
            let fits = match (&got, case["output"].as_str()) {
                (Ok(output), Some(expected)) => output == expected,
                (Err(found), None) => found.first().is_some_and(|first| {
                    let refused = &case["refused"];
                    let help = first.help.as_deref().unwrap_or_default();
                    let line = refused["line"].as_u64();
                    first.code == refused["code"].as_str().unwrap()
                        && (line.is_none() || line == first.line.map(u64::from))
                        && help.contains(refused["help"].as_str().unwrap_or_default())
                }),
                _ => false,
            };
            if !fits {
                let expected = case["output"]
                    .as_str()
                    .map_or_else(|| format!("{:?}", case["refused"]), str::to_owned);
                wrong.push(format!("{:?}\n  expected {expected}\n  got {got:?}", case["name"]));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}

/// Names of CPython, by module.
fn names() -> Value {
    let text = std::fs::read_to_string(repository("tests/python-subset/names.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn strings(names: &Value) -> Vec<&str> {
    names.as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The names that are refused or missing, each with the help of its diagnostic.
fn missing<'a>(
    python: &mut Python,
    names: &[&'a str],
    policy_of: impl Fn(&str) -> String,
) -> Vec<(&'a str, String)> {
    let mut missing = Vec::new();
    for name in names {
        let code = policy_of(name);
        match compile(python, &code) {
            Err(found) => {
                let help = found.first().and_then(|found| found.help.clone());
                missing.push((*name, help.unwrap_or_default()));
            }
            Ok(mut program) => {
                let ran = program.run(&call("{}", "{}"), &Budget::default());
                if ran.is_err() {
                    missing.push((*name, String::new()));
                }
            }
        }
    }
    missing
}

/// Table rows of names with the same help, in the order of their first name.
fn grouped(missing: &[(&str, String)]) -> String {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for (name, help) in missing {
        match groups.iter_mut().find(|(known, _)| known == help) {
            Some((_, names)) => names.push(name),
            None => groups.push((help, vec![name])),
        }
    }
    groups.iter().map(|(help, names)| format!("| {} | {help} |\n", listed(names))).collect()
}

fn builtins_table(python: &mut Python, names: &Value) -> String {
    let builtins = strings(&names["builtins"]);
    let missing = missing(python, &builtins, |name| policy("", &format!("{name}\nreturn 1")));
    let is_there = |name: &&&str| !missing.iter().any(|(gone, _)| gone == *name);
    let there: Vec<&str> = builtins.iter().filter(is_there).copied().collect();
    let mut table = String::from("\n| builtin | here |\n|---|---|\n");
    writeln!(table, "| {} | yes |", listed(&there)).unwrap();
    table.push_str(&grouped(&missing));
    table
}

fn modules_table(python: &mut Python, names: &Value) -> String {
    let mut table = String::from("\n| module | names of CPython 3.11 that are here |\n|---|---|\n");
    for (module, names) in names["modules"].as_object().unwrap() {
        let all = strings(names);
        let body = format!(
            "import {module}\nreturn [name for name in input_data if not hasattr({module}, name)]"
        );
        let input = names.to_string();
        let mut program = compile(python, &policy("", &body)).unwrap();
        let missing = program.run(&call("{}", &input), &Budget::default()).unwrap().output.value();
        let missing = strings(&missing);
        let here: Vec<&str> = all.iter().filter(|name| !missing.contains(name)).copied().collect();
        let says = match (here.len(), missing.len()) {
            (_, 0) => "all".to_owned(),
            (0, _) => "none".to_owned(),
            (some, few) if few <= some => format!("all but {}", listed(&missing)),
            _ => listed(&here),
        };
        writeln!(table, "| `{module}` | {says} |").unwrap();
    }
    let absent = strings(&names["absent_modules"]);
    let missing = missing(python, &absent, |name| policy(&format!("import {name}"), "return 1"));
    assert_eq!(missing.len(), absent.len(), "a module exists that names.json calls absent");
    table.push_str("\n| no such module here | write instead |\n|---|---|\n");
    table + &grouped(&missing)
}

#[test]
fn the_documentation_lists_what_exists_and_what_does_not() {
    let path = repository("docs/languages/python.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once("<!-- probes -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- /probes -->").unwrap();
    let mut table = String::from("| | works |\n|---|---|\n");
    for group in ["Language", "Modules"] {
        for probe in probes().iter().filter(|probe| probe["group"] == group) {
            writeln!(table, "| {group} | {} |", probe["feature"].as_str().unwrap()).unwrap();
        }
    }
    table.push_str("\n| refused at creation | write instead |\n|---|---|\n");
    with_python(|python| {
        for probe in probes().iter().filter(|probe| probe["group"] == "Refused") {
            let found = compile(python, &code(probe)).err().unwrap_or_default();
            let help = found.first().and_then(|found| found.help.clone()).unwrap_or_default();
            writeln!(table, "| {} | {help} |", probe["feature"].as_str().unwrap()).unwrap();
        }
        let names = names();
        table.push_str(&builtins_table(python, &names));
        table.push_str(&modules_table(python, &names));
        let want = format!("{before}<!-- probes -->\n{table}<!-- /probes -->{after}");
        if std::env::var_os("WRIT_BLESS").is_some() {
            std::fs::write(&path, &want).unwrap();
        }
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            want,
            "run `WRIT_BLESS=1 cargo test --workspace --lib the_documentation_lists`"
        );
    });
}
