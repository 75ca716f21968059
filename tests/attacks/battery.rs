//! Every attack, while somebody else works.

use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use libtest_mimic::Trial;
use writ_engine::{Budget, Call, Failure, Outcome, Source};
use writ_model::Language;

use crate::canary::Singing;
use crate::case::{Case, batteries, name_of};
use crate::host::{COMPILE_BYTES_MAX, host};
use crate::report::{self, Cost};
use crate::trial;
use crate::watch::{Peak, Watch};

/// Who takes longer than its budget and this hangs. No machine is so slow.
const HANGS: Duration = Duration::from_secs(180);
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
    let others = Singing::start(&host.engine, &host.canaries);
    let watch = Watch::start();
    // Twice: what the first run leaves behind must not help the second.
    let runs = [(); 2].map(|()| run(ATTACKER, &source, &call, &budget));
    let peak = watch.finish();
    let others = others.finish();
    for (result, _) in &runs {
        assert_expected(case, result);
    }
    assert_kept_to(peak, &budget);
    host.assert_whole();
    let late = runs.iter().filter_map(|(result, taken)| late(result, *taken)).max();
    let ended = ended(&runs[0].0);
    let memory = budget.memory_bytes_max;
    report::note(Cost { language, name: case.name.clone(), ended, late, peak, memory, others });
}

/// Runs on another thread, so that what hangs fails instead of hanging everybody.
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
        let begun = Instant::now();
        let result = host().engine.run(workspace, &source, &call, &budget);
        let result = result.map_err(|failed| failed.failure);
        // Nobody listens any more if it took too long.
        let _ = done.send((result, begun.elapsed()));
    });
    let result = result.recv_timeout(budget.time + HANGS);
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

/// The kernel holds a worker to what it had when idle, which is what it has compiled, and its
/// budget.
fn assert_kept_to(peak: Peak, budget: &Budget) {
    let most = budget.memory_bytes_max;
    let whole = COMPILE_BYTES_MAX + most;
    assert!(peak.reserved <= whole && peak.limit <= whole, "{peak:?}, of {whole}");
    assert!(peak.beyond_idle(most) <= most + most / 10, "{peak:?}, of {most}");
}

/// How a run ended, in the words of its author's reply.
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
        // It says which budget it was: the run's or the compiler's.
        Err(Failure::TimedOut { budget_ms }) => {
            Some(taken.saturating_sub(Duration::from_millis(*budget_ms)))
        }
        _ => None,
    }
}
