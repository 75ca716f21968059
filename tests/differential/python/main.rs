//! Compares Python policies with CPython 3.11: `run.py` generates expressions and whole policies, has
//! both sides evaluate them, and fails on the first kind of difference that is not in its list.
//!
//! This program is the product's side of it, one process: `serve` reads a batch of cases per line and
//! answers it by one run of a policy. Without `serve` it starts the comparison.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{BufRead as _, Write as _};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use writ_engine::{Budget, Call, Engine, EngineConfig, Failure, Method, Source};
use writ_model::{Digest, Language, RawJson};

/// The version of CPython that Python policies are compared with.
const VERSION: &str = "3.11";

fn main() {
    writ_languages::init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("serve") => serve(),
        // `cargo test -- --list` of a tool.
        Some("--list") => {}
        _ => compare(&arguments),
    }
}

/// Starts `run.py` with this program as the product's side.
fn compare(arguments: &[String]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("differential/python/run.py");
    let version = Command::new("python3")
        .args(["-c", "import sys; print('%d.%d' % sys.version_info[:2])"])
        .output()
        .ok()
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    if version.as_deref() != Some(VERSION) {
        let found = version.filter(|found| !found.is_empty());
        let found = found.map_or("none".to_owned(), |found| format!("python3 {found}"));
        println!("skipped: the comparison with CPython takes python3 {VERSION}; here is {found}");
        return;
    }
    let only_flags: Vec<&String> =
        arguments.iter().filter(|argument| *argument != "--quiet").collect();
    let product = std::env::current_exe().unwrap();
    let status = Command::new("python3")
        .arg(script)
        .arg("--product")
        .arg(product)
        .args(only_flags)
        .status()
        .unwrap();
    std::process::exit(status.code().unwrap_or(1));
}

/// Answers each line of standard input by a line of standard output.
///
/// A line is `{"code", "input"}`, and `{"time_ms"}` if one second is too short. The answer has the member
/// `output`, or `raised` with the type of the exception, or `refused` with the codes of the diagnostics, or
/// `failure`.
fn serve() {
    let mut config =
        EngineConfig { acquire_timeout: Duration::from_secs(60), ..EngineConfig::default() };
    config.compile.time = Duration::from_secs(60);
    let engine = Engine::start(config).unwrap();
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let case: Value = serde_json::from_str(&line.unwrap()).unwrap();
        writeln!(output, "{}", answer(&engine, &case)).unwrap();
        output.flush().unwrap();
    }
}

fn answer(engine: &Engine, case: &Value) -> Value {
    let code = case["code"].as_str().unwrap_or_default();
    let source = Source {
        language: Language::Python,
        code: code.to_owned(),
        digest: Digest::of(code.as_bytes()),
        functionality_data: None,
        schemas: Default::default(),
    };
    let empty = || RawJson::parse("{}").unwrap();
    let call = Call {
        rule_id: "differential:1.0-test".to_owned(),
        settings: empty(),
        parameters: empty(),
        method: Method::Eval { input_data: RawJson::parse(&case["input"].to_string()).unwrap() },
        now_ms: 1_700_000_000_123,
        seed: 7,
        context: None,
        coverage: false,
    };
    let budget = Budget {
        time: Duration::from_millis(case["time_ms"].as_u64().unwrap_or(1000)),
        memory_bytes_max: 512 << 20,
        output_bytes_max: 64 << 20,
        ..Budget::default()
    };
    match engine.run("default", &source, &call, &budget) {
        Ok(outcome) => json!({"output": outcome.output.value()}),
        Err(error) => match error.failure {
            Failure::Compile(found) => {
                json!({"refused": found.iter().map(|each| format!("{}: {}", each.code, each.message)).collect::<Vec<_>>()})
            }
            Failure::Raised { kind, message, .. } => json!({"raised": kind, "message": message}),
            failure => json!({"failure": failure.to_string()}),
        },
    }
}
