//! Every attack, run beside the policies of another workspace.

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use writ_engine::{Budget, Call, Failure, Outcome, Source};
use writ_model::Language;
use writ_tests::attacks::{Case, batteries, name_of};

use crate::canary::BackgroundCanaries;
use crate::host::{COMPILE_BYTES_MAX, host};
use crate::report::{self, Cost};
use crate::trial;
use crate::watch::{Peak, Watch};

/// A run that exceeds its budget by this time hangs; no machine is so slow.
const HANG_TIMEOUT: Duration = Duration::from_secs(180);
const ATTACKER: &str = "attacker";

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for battery in batteries() {
        for case in battery.cases {
            let language = battery.language;
            let name = format!("{language}_{}", case.name.replace([' ', '`', ','], "_"));
            trials.push(trial(&name, move || attack(language, &case)));
        }
    }
    trials
}

fn attack(language: Language, case: &Case) {
    let host = host();
    let (source, call, budget) = (case.source(language), case.call(), case.budget());
    let others = BackgroundCanaries::start(&host.engine, &host.canaries);
    let watch = Watch::start();
    // Twice: anything that the first run leaves behind must not help the second.
    let runs = [(); 2].map(|()| run(ATTACKER, &source, &call, &budget));
    let peak = watch.finish();
    let others = others.finish();
    for (result, _) in &runs {
        assert_expected(case, result);
    }
    assert_within(peak, &budget);
    host.assert_whole();
    let late = runs.iter().filter_map(|(result, taken)| late(result, *taken)).max();
    let ended = ended(&runs[0].0);
    let memory = budget.memory_bytes_max;
    report::record(Cost { language, name: case.name.clone(), ended, late, peak, memory, others });
}

/// Runs on another thread, so that a run that hangs fails its test instead of blocking the suite.
pub(crate) fn run(
    workspace: &'static str,
    source: &Source,
    call: &Call,
    budget: &Budget,
) -> (Result<Outcome, Failure>, Duration) {
    let (done, result) = channel();
    let (source, call, budget) = (source.clone(), call.clone(), *budget);
    let name = call.rule_id.clone();
    std::thread::spawn(move || {
        let started = Instant::now();
        let result = host().engine.run(workspace, &source, &call, &budget);
        let result = result.map_err(|failed| failed.failure);
        // It fails if the receiver is gone because the run took too long.
        let _ = done.send((result, started.elapsed()));
    });
    let result = result.recv_timeout(budget.time + HANG_TIMEOUT);
    result.unwrap_or_else(|error| panic!("`{name}` hangs: {error}"))
}

pub(crate) fn assert_expected(case: &Case, result: &Result<Outcome, Failure>) {
    match (result, &case.answer) {
        (Ok(outcome), Some(harmless)) => assert_eq!(outcome.output.as_str(), harmless),
        (Ok(outcome), None) => panic!("answered {:.200}", outcome.output.as_str()),
        (Err(failure), _) => {
            let name = name_of(failure);
            assert!(case.expect.iter().any(|expected| expected == name), "{failure:.500?}");
        }
    }
}

/// Asserts that a worker stayed within its idle memory, which includes the compiled policy, and its
/// budget.
fn assert_within(peak: Peak, budget: &Budget) {
    let most = budget.memory_bytes_max;
    let whole = COMPILE_BYTES_MAX + most;
    assert!(peak.reserved <= whole && peak.limit <= whole, "{peak:?}, of {whole}");
    assert!(peak.beyond_idle(most) <= most + most / 10, "{peak:?}, of {most}");
}

/// How a run ended, as in the reply to its caller.
fn ended(result: &Result<Outcome, Failure>) -> String {
    match result {
        Ok(_) => "harmless answer".to_owned(),
        Err(Failure::Compile(diagnostics)) => {
            diagnostics.first().map_or_else(String::new, |first| first.code.clone())
        }
        Err(Failure::Raised { kind, .. }) => format!("raised {kind}"),
        Err(Failure::Crashed { signal }) => format!("crashed: {signal}"),
        Err(failure) => name_of(failure).to_owned(),
    }
}

fn late(result: &Result<Outcome, Failure>, taken: Duration) -> Option<Duration> {
    match result {
        // The budget is the run's or the compiler's.
        Err(Failure::TimedOut { budget_ms }) => {
            Some(taken.saturating_sub(Duration::from_millis(*budget_ms)))
        }
        _ => None,
    }
}
