//! One decision: the allow-list policy with a list of 100 entries, JSON in, JSON out.

use std::collections::HashSet;
use std::error::Error;

use serde_json::{Value, json};
use writ::{EngineConfig, Policy, Writ};
use writ_engine::Engine;
use writ_model::run::{Budget, Call, Method, Source};
use writ_model::{Language, RawJson};

use crate::sample::{HEAD, Sample};

const RUNS: usize = 5_000;
const WORKERS: usize = 50;

const PYTHON: &str = "
class AIOSv1PolicyRule:
    def __init__(self, rule_id, settings, parameters):
        self.settings = settings

    def eval(self, parameters, input_data, context):
        ip = input_data.get('ip')
        allowed = ip in parameters['local_allowlist']
        return {'allowed': allowed, 'input_data': input_data, 'reason': 'allowed' if allowed else 'denied'}
";

/// The same, with a use of something shared that cannot be proven clean.
const PYTHON_UNPROVEN: &str = "
import json
class AIOSv1PolicyRule:
    def __init__(self, rule_id, settings, parameters):
        self.json = json

    def eval(self, parameters, input_data, context):
        allowed = input_data.get('ip') in parameters['local_allowlist']
        return {'allowed': allowed, 'input_data': input_data, 'reason': 'allowed' if allowed else 'denied'}
";

const REGO: &str = "package allowlist

default allowed := false

allowed if input.ip in data.parameters.local_allowlist

reason := \"allowed\" if allowed

reason := \"denied\" if not allowed

input_data := input
";

/// The table of decisions.
pub(crate) fn report() -> Result<String, Box<dyn Error>> {
    let writ = Writ::start(EngineConfig::default())?;
    let engine = writ.engine();
    let parameters =
        json!({"local_allowlist": (0..100).map(|n| format!("10.0.0.{n}")).collect::<Vec<_>>()});
    let parameters = RawJson::of(&parameters);
    let input = RawJson::of(&json!({"ip": "10.0.0.99"}));
    let mut table = format!("## A decision\n\n{HEAD}");
    table += &Sample::of(RUNS, || floor(&input, &parameters))?.row("plain Rust, in process", "");
    for (name, language, code, bound) in [
        ("python, stateless, warm worker", Language::Python, PYTHON, "100 µs"),
        ("rego, warm worker", Language::Rego, REGO, "40 µs"),
        (
            "rego, a constant: the round trip alone",
            Language::Rego,
            "package c\n\nallow := true\n",
            "",
        ),
    ] {
        let policy = Policy::from_code("bench", language, code)?;
        let source = policy.prepared().source();
        let run = || decide(engine, source, &input, &parameters);
        table += &Sample::of(RUNS, run)?.row(name, bound);
    }
    let unproven = Policy::from_code("bench", Language::Python, PYTHON_UNPROVEN)?;
    let run = || decide(engine, unproven.prepared().source(), &input, &parameters);
    table += &Sample::of(RUNS / 10, run)?
        .row("python, a fresh worker for each run, one after the other", "");
    table += &workers(engine, &input, &parameters)?;
    table += "\nThe decision is timed around `Engine::run`: call as JSON into the pipe, policy, outcome as \
              JSON out of it and vetted. A fresh worker is forked ahead of the next run; called without a \
              pause, each run waits for its fork.\n";
    Ok(table)
}

fn decide(
    engine: &Engine,
    source: &Source,
    input: &RawJson,
    parameters: &RawJson,
) -> Result<(), Box<dyn Error>> {
    let call = Call {
        rule_id: "bench:0-local".to_owned(),
        settings: RawJson::empty_object(),
        parameters: parameters.clone(),
        method: Method::Eval { input_data: input.clone() },
        now_ms: 0,
        seed: 0,
        context: None,
        coverage: false,
    };
    engine.run("default", source, &call, &Budget::default())?;
    Ok(())
}

/// What no engine can beat: parse, look up, print.
fn floor(input: &RawJson, parameters: &RawJson) -> Result<(), Box<dyn Error>> {
    let (input, parameters) = (input.value(), parameters.value());
    let list: HashSet<&str> = parameters
        .pointer("/local_allowlist")
        .and_then(Value::as_array)
        .map(|list| list.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let allowed = input.pointer("/ip").and_then(Value::as_str).is_some_and(|ip| list.contains(ip));
    let reason = if allowed { "allowed" } else { "denied" };
    let output = json!({"allowed": allowed, "input_data": input, "reason": reason}).to_string();
    if output.is_empty() { Err("no output".into()) } else { Ok(()) }
}

/// A source that no worker has seen: fork, compile, run.
fn workers(
    engine: &Engine,
    input: &RawJson,
    parameters: &RawJson,
) -> Result<String, Box<dyn Error>> {
    let mut number = 0;
    let sample = Sample::of(WORKERS, || {
        number += 1;
        let policy =
            Policy::from_code("bench", Language::Python, &format!("{PYTHON}\n# {number}\n"))?;
        decide(engine, policy.prepared().source(), input, parameters)
    })?;
    Ok(sample.row("python, a new worker: fork, compile, first run", "5 ms"))
}
