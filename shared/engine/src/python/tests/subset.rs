//! The supported subset, as data, and its table in the documentation.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::Value;

use super::*;

fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
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

#[test]
fn the_documentation_lists_the_probes() {
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
        let want = format!("{before}<!-- probes -->\n{table}<!-- /probes -->{after}");
        if std::env::var_os("WRIT_BLESS").is_some() {
            std::fs::write(&path, &want).unwrap();
        }
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            want,
            "run `WRIT_BLESS=1 cargo test -p writ-engine`"
        );
    });
}
