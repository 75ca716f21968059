//! The fault suite: the real runner and the real pipeline, over a store, a queue and clocks that
//! do their worst, one schedule per seed.
//!
//! Everything is one seed's: `WRIT_FAULTS_SEED=7 cargo test --workspace --test faults` runs that
//! schedule alone, in each of the suites, and prints all that happens in it.
//! `WRIT_FAULTS_SCHEDULES` is how many are run, 120,000 unless said, and `WRIT_FAULTS_FIRST` the
//! first of them.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod actors;
mod checks;
mod counts;
mod engine;
mod node;
mod plan;
mod ports;
mod queue;
mod receiver;
mod rest;
mod rng;
mod schedule;
mod store;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};

use counts::Counts;
use plan::Plan;
use rng::Rng;
use schedule::{Broken, run};

/// What must have happened in the suite.
const HAPPENS: [&str; 28] = [
    "answer lost",
    "attempt cancelled",
    "attempt completed",
    "attempt failed",
    "attempt given back",
    "attempt lost",
    "attempt timed out",
    "call doubled",
    "call failed",
    "callback delivered",
    "callback lost",
    "callback unsure",
    "clock jumped",
    "context moved",
    "dead letter",
    "died after a call",
    "died before a call",
    "died, and its call came late",
    "hint doubled",
    "hint lost",
    "looked: called",
    "looked: error",
    "looked: idle",
    "result refused",
    "retried",
    "run lost",
    "stopped after a call",
    "throttled",
];

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("`{name}` is a number, not `{text}`")))
}

/// Runs so many schedules, on all processors; what happened in them.
fn schedules(suite: &str, share: u64, plan: fn(&mut Rng) -> Plan) -> Counts {
    if let Some(seed) = number("WRIT_FAULTS_SEED") {
        let traced = run(seed, plan, true);
        return traced.unwrap_or_else(|broken| fail(suite, seed, &broken));
    }
    let all = number("WRIT_FAULTS_SCHEDULES").unwrap_or(120_000);
    let first = number("WRIT_FAULTS_FIRST").unwrap_or(0);
    let (next, end) = (AtomicU64::new(first), first + all * share / 100);
    let broken = AtomicU64::new(u64::MAX);
    let counts = std::thread::scope(|scope| {
        let work = || {
            let mut counts = Counts::default();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= end || broken.load(Ordering::Relaxed) < seed {
                    return counts;
                }
                match run(seed, plan, false) {
                    Ok(more) => counts.merge(&more),
                    Err(_) => {
                        broken.fetch_min(seed, Ordering::Relaxed);
                    }
                }
            }
        };
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let threads: Vec<_> = (0..processors).map(|_| scope.spawn(work)).collect();
        let mut all = Counts::default();
        for thread in threads {
            all.merge(&thread.join().unwrap());
        }
        all
    });
    let seed = broken.into_inner();
    if seed < u64::MAX {
        let again = run(seed, plan, true).expect_err("a schedule depends on more than its seed");
        fail(suite, seed, &again);
    }
    println!("{suite}: {counts:?}");
    counts
}

fn fail(suite: &str, seed: u64, broken: &Broken) -> ! {
    let from = broken.trace.len().saturating_sub(400);
    println!("{}", broken.trace[from..].join("\n"));
    panic!("{suite}: {}\nagain: WRIT_FAULTS_SEED={seed}", broken.what);
}

#[test]
fn whatever_fails_every_job_ends_once_and_everybody_is_told() {
    let counts = schedules("faults", 85, Plan::stormy);
    // A suite in which something never happens says nothing of it.
    for what in HAPPENS {
        assert!(number("WRIT_FAULTS_SEED").is_some() || counts.of(what) > 0, "`{what}` never was");
    }
}

#[test]
fn without_faults_nothing_needs_a_sweep_and_everybody_is_told_once() {
    schedules("calm", 10, Plan::calm);
}

#[test]
fn without_faults_the_first_in_line_goes_first() {
    schedules("order", 5, Plan::ordered);
}
