//! One decision: the allow-list policy with a list of 100 entries, JSON in, JSON out.

use std::collections::HashSet;
use std::error::Error;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use writ::{EngineConfig, Policy, Writ};
use writ_engine::Engine;
use writ_model::run::{Budget, Call, Method, Source};
use writ_model::{Language, RawJson};

use writ_bench::sample::{Sample, text};

const RUNS: usize = 5_000;
const WORKERS: usize = 50;
/// Longer than a worker takes to put its memory back.
const PAUSE: Duration = Duration::from_millis(2);
/// Callers at the same time, and the runs of each.
const CALLERS: usize = 16;
const RUNS_OF_CALLER: usize = 1_000;

const PYTHON: &str = "
class AIOSv1PolicyRule:
    def __init__(self, rule_id, settings, parameters):
        self.settings = settings

    def eval(self, parameters, input_data, context):
        ip = input_data.get('ip')
        allowed = ip in parameters['local_allowlist']
        return {'allowed': allowed, 'input_data': input_data, 'reason': 'allowed' if allowed else 'denied'}
";

const REGO: &str = "package allowlist

default allowed := false

allowed if input.ip in data.parameters.local_allowlist

reason := \"allowed\" if allowed

reason := \"denied\" if not allowed

input_data := input
";

/// The caller's list is an entity, for a set in the context would be built anew by each run.
const CEDAR: &str = "permit(principal, action == Action::\"connect\", resource)
when { Allowlist::\"caller\".addresses.contains(context.ip) };
";

const CEL: &str = "{
  \"allowed\": \"input.ip in parameters.local_allowlist\",
  \"input_data\": \"input\",
  \"reason\": \"input.ip in parameters.local_allowlist ? 'allowed' : 'denied'\"
}";

/// The example in Rust, compiled.
const WASM_RUST: &[u8] = include_bytes!("../../conformance/wasm/ip_allowlist_rust/policy.wasm");

/// The example in Zig, compiled.
const WASM_ZIG: &[u8] = include_bytes!("../../conformance/wasm/ip_allowlist_zig/policy.wasm");

/// One decision and the documents that it takes.
struct Case {
    name: &'static str,
    bound: &'static str,
    source: Source,
    parameters: RawJson,
    input: RawJson,
}

/// The table of decisions.
pub(crate) fn report() -> Result<String, Box<dyn Error>> {
    let writ = Writ::start(EngineConfig::default())?;
    let engine = writ.engine();
    let list: Vec<String> = (0..100).map(|n| format!("10.0.0.{n}")).collect();
    let parameters = RawJson::of(&json!({ "local_allowlist": list }));
    let input = RawJson::of(&json!({"ip": "10.0.0.99"}));
    let floor = Sample::of(RUNS, || floor(&input, &parameters))?;
    let mut table = format!("## A decision\n\n{HEAD}");
    table += &row("plain Rust, in process", "", &floor, &floor, None);
    for case in cases(&list, &parameters, &input)? {
        let mut inside = Vec::with_capacity(RUNS);
        let sample = Sample::of(RUNS, || {
            inside.push(decide(engine, &case.source, &case.input, &case.parameters)?);
            Ok::<_, Box<dyn Error>>(())
        })?;
        table += &row(case.name, case.bound, &sample, &floor, Some(Sample::from(inside)));
    }
    let python = source(Language::Python, PYTHON)?;
    let mut inside = Vec::new();
    let sample = Sample::of_paced(RUNS / 10, PAUSE, || {
        inside.push(decide(engine, &python, &input, &parameters)?);
        Ok::<_, Box<dyn Error>>(())
    })?;
    let name = "python, after a pause in which the worker has put its memory back";
    table += &row(name, "", &sample, &floor, Some(Sample::from(inside)));
    for (language, code, comment) in [
        (Language::Python, PYTHON, "#"),
        (Language::Rego, REGO, "#"),
        (Language::Cedar, CEDAR, "//"),
        (Language::Cel, "input", "//"),
    ] {
        let sample = workers(engine, language, code, comment, &input, &parameters);
        let (name, bound) = match language {
            Language::Python => ("python, a new worker: fork, compile, first run", "5 ms"),
            Language::Rego => ("rego, a new worker", ""),
            Language::Cedar => ("cedar, a new worker", ""),
            _ => ("cel, a new worker", ""),
        };
        table += &row(name, bound, &sample?, &floor, None);
    }
    table += "\nThe decision is timed around `Engine::run`: call as JSON into the pipe, policy, outcome as \
              JSON out of it and validated; *inside* is what of it the worker spent. A worker puts its memory \
              back after its reply; called without a pause, each run waits for that.\n";
    let per_second = throughput(engine, &python, &input, &parameters)?;
    table += &format!(
        "\nPython through the engine alone, {CALLERS} callers: {per_second:.0} runs a second (bound: 2,000).\n"
    );
    Ok(table)
}

const HEAD: &str = "| what | p50 | p99 | inside, p50 | times the floor | bound (p50) |\n|---|---|---|---|---|---|\n";

fn row(name: &str, bound: &str, sample: &Sample, floor: &Sample, inside: Option<Sample>) -> String {
    let times = sample.p50().as_secs_f64() / floor.p50().as_secs_f64();
    let inside = inside.map(|inside| text(inside.p50())).unwrap_or_default();
    format!(
        "| {name} | {} | {} | {inside} | {times:.1} | {bound} |\n",
        text(sample.p50()),
        text(sample.p99())
    )
}

fn source(language: Language, code: &str) -> Result<Source, Box<dyn Error>> {
    Ok(Policy::from_code("bench", language, code)?.compiled().source().clone())
}

fn cases(
    list: &[String],
    parameters: &RawJson,
    input: &RawJson,
) -> Result<Vec<Case>, Box<dyn Error>> {
    let entities = RawJson::of(&json!({"entities": [{
        "uid": {"type": "Allowlist", "id": "caller"},
        "attrs": {"addresses": list},
        "parents": [],
    }]}));
    let request = RawJson::of(&json!({
        "principal": "User::\"ada\"", "action": "Action::\"connect\"",
        "resource": "Host::\"db\"", "context": {"ip": "10.0.0.99"},
    }));
    let (rust, zig) = (STANDARD.encode(WASM_RUST), STANDARD.encode(WASM_ZIG));
    let constant = "package c\n\nallow := true\n";
    let plain = [
        ("python, stateless, warm worker", "100 µs", Language::Python, PYTHON),
        ("rego, warm worker", "40 µs", Language::Rego, REGO),
        ("cel, warm worker", "80 µs", Language::Cel, CEL),
        ("wasm from Rust, a fresh instance in a warm worker", "", Language::Wasm, rust.as_str()),
        ("wasm from Zig, the same", "", Language::Wasm, zig.as_str()),
        ("rego, a constant: the round trip alone", "", Language::Rego, constant),
    ];
    let mut cases = Vec::new();
    for (name, bound, language, code) in plain {
        let source = source(language, code)?;
        let (parameters, input) = (parameters.clone(), input.clone());
        cases.push(Case { name, bound, source, parameters, input });
    }
    let source = source(Language::Cedar, CEDAR)?;
    let (name, bound) = ("cedar, the list as an entity, warm worker", "40 µs");
    cases.insert(2, Case { name, bound, source, parameters: entities, input: request });
    Ok(cases)
}

/// Decides once. Returns the part of the time that the worker took.
fn decide(
    engine: &Engine,
    source: &Source,
    input: &RawJson,
    parameters: &RawJson,
) -> Result<Duration, Box<dyn Error>> {
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
    let outcome = engine.run("default", source, &call, &Budget::default())?;
    Ok(Duration::from_micros(outcome.engine_us))
}

/// Runs a second of as many callers at the same time as [`CALLERS`].
fn throughput(
    engine: &Engine,
    source: &Source,
    input: &RawJson,
    parameters: &RawJson,
) -> Result<f64, Box<dyn Error>> {
    let started = Instant::now();
    let caller = || {
        (0..RUNS_OF_CALLER)
            .try_for_each(|_| decide(engine, source, input, parameters).map(drop))
            .map_err(|error| error.to_string())
    };
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(caller)).collect();
        let lost = || "a caller panicked".to_owned();
        callers.into_iter().try_for_each(|caller| caller.join().unwrap_or_else(|_| Err(lost())))
    })?;
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let runs = (CALLERS * RUNS_OF_CALLER) as f64;
    Ok(runs / started.elapsed().as_secs_f64())
}

/// A lower bound for every engine: parse, look up, print.
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

/// A source without a warm worker: fork, compile, run.
fn workers(
    engine: &Engine,
    language: Language,
    code: &str,
    comment: &str,
    input: &RawJson,
    parameters: &RawJson,
) -> Result<Sample, Box<dyn Error>> {
    let request = RawJson::of(&json!({
        "principal": "User::\"ada\"", "action": "Action::\"connect\"",
        "resource": "Host::\"db\"", "context": {"ip": "10.0.0.99"},
    }));
    let (input, parameters) = match language {
        Language::Cedar => (&request, &RawJson::empty_object()),
        _ => (input, parameters),
    };
    let mut number = 0;
    Sample::of(WORKERS, || {
        number += 1;
        let source = source(language, &format!("{code}\n{comment} {number}\n"))?;
        decide(engine, &source, input, parameters).map(drop)
    })
}
