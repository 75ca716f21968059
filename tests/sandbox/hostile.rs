//! Policies that try to take the platform down: each fails alone, and the next call works.

use std::time::Duration;

use libtest_mimic::Trial;
use serde::Deserialize;
use writ_engine::{Budget, Failure, Source};
use writ_model::{Digest, Language, RawJson};

use crate::policies::{self, assert_serves, call, engine, source};
use crate::trial;

/// One case of `hostile.yaml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    language: Language,
    code: String,
    /// Failures of which one must come.
    expect: Vec<String>,
    #[serde(default)]
    time_ms: Option<u64>,
    #[serde(default)]
    memory_mib: Option<u64>,
}

pub(crate) fn trials() -> Vec<Trial> {
    let cases: Vec<Case> = yaml_serde::from_str(include_str!("hostile.yaml")).unwrap();
    let mut trials: Vec<Trial> = cases
        .into_iter()
        .map(|case| {
            let name = format!("{}_{}_fails_alone", case.language, case.name.replace(' ', "_"));
            trial(&name, move || attack(&case))
        })
        .collect();
    trials.push(trial("nesting_that_overflows_a_compiler_fails_alone", nesting));
    trials.push(trial("a_syntax_error_has_its_place", syntax_error));
    trials
}

/// A failure's name as `hostile.yaml` spells it.
fn kind(failure: &Failure) -> &'static str {
    match failure {
        Failure::Compile(_) => "compile",
        Failure::Raised { .. } => "raised",
        Failure::NotJson { .. } => "not_json",
        Failure::TimedOut { .. } => "timed_out",
        Failure::OutOfMemory { .. } => "out_of_memory",
        Failure::TooDeep { .. } => "too_deep",
        Failure::OutputTooLarge { .. } => "output_too_large",
        Failure::Crashed { .. } => "crashed",
        Failure::WorkerLost { .. } => "worker_lost",
        Failure::Busy { .. } => "busy",
    }
}

fn attack(case: &Case) {
    let engine = engine();
    let mut budget = Budget { time: Duration::from_secs(10), ..Budget::default() };
    if let Some(time_ms) = case.time_ms {
        budget.time = Duration::from_millis(time_ms);
    }
    if let Some(memory_mib) = case.memory_mib {
        budget.memory_bytes_max = memory_mib << 20;
    }
    let source = source(case.language, &case.code);
    // Twice: what the first run leaves behind must not help the second.
    for _ in 0..2 {
        let failure = engine.run(policies::WORKSPACE, &source, &call("{}"), &budget).unwrap_err();
        assert!(case.expect.iter().any(|expected| expected == kind(&failure)), "{failure:?}");
    }
    assert_serves(&engine);
}

fn nesting() {
    let engine = engine();
    let nested = |count: usize| format!("{}1{}", "(".repeat(count), ")".repeat(count));
    let long = vec!["1"; 100_000].join(" + ");
    for count in [100, 1_000, 20_000, 400_000] {
        let python = policies::python("", &format!("return {}", nested(count)));
        let rego = source(Language::Rego, &format!("package p\nout := {}\n", nested(count)));
        for source in [python, rego] {
            refused_or_compiled(&engine, &source);
        }
    }
    refused_or_compiled(&engine, &policies::python("", &format!("return {long}")));
    refused_or_compiled(&engine, &source(Language::Rego, &format!("package p\nout := {long}\n")));
    assert_serves(&engine);
}

/// Either is right; what must not happen is that nobody answers, or that somebody else is blamed.
fn refused_or_compiled(engine: &writ_engine::Engine, source: &Source) {
    if let Err(failure) = engine.check(source) {
        let kind = kind(&failure);
        let its_own_doing = ["compile", "crashed", "timed_out", "out_of_memory", "too_deep"];
        assert!(its_own_doing.contains(&kind), "{failure:?}");
    }
}

fn syntax_error() {
    let engine = engine();
    let sources = [
        (policies::python("", "return (1,"), 1),
        (source(Language::Rego, "package p\n\nout := {\n"), 3),
    ];
    for (source, line_min) in sources {
        let Failure::Compile(diagnostics) = engine.check(&source).unwrap_err() else {
            panic!("not a compile error");
        };
        assert!(diagnostics[0].line >= Some(line_min), "{diagnostics:?}");
        assert!(diagnostics[0].column.is_some(), "{diagnostics:?}");
        // A run of it says the same.
        let failure = policies::run(&engine, &source, "{}").unwrap_err();
        assert_eq!(failure, Failure::Compile(diagnostics));
    }
    let good = Source { functionality_data: None, ..policies::echo(Language::Python) };
    assert!(engine.check(&good).unwrap().warnings.is_empty());
    let other = Source { digest: Digest::of(b"rego"), ..policies::echo(Language::Rego) };
    assert!(engine.check(&other).is_ok());
    let wrong_query = RawJson::parse(r#"{"query":7}"#).unwrap();
    let other = Source { functionality_data: Some(wrong_query), ..other };
    assert_eq!(kind(&engine.check(&other).unwrap_err()), "compile");
}
