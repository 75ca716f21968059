//! The fault suite: a deterministic simulation of the real runner and the real pipeline, over a
//! store, a queue and clocks with injected faults, one schedule per seed; and one of requests with
//! idempotency keys, through the real routes.
//!
//! A seed determines all of its schedule: `WRIT_FAULTS_SEED=7 cargo test --workspace --test faults`
//! runs that schedule alone, in each suite, and prints its trace if it fails.
//! `WRIT_FAULTS_SCHEDULES` is the number of schedules, 120,000 by default, and `WRIT_FAULTS_FIRST`
//! the first seed, 0 by default.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that cannot continue fails"
)]

mod actors;
mod checks;
mod config;
mod counts;
mod engine;
mod node;
mod ports;
mod queue;
mod quiescence;
mod receiver;
mod requests;
mod rng;
mod simulation;
mod store;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};

use config::Config;
use counts::Counts;
use rng::Rng;
use simulation::{SimulationError, run};

/// Events that must happen at least once in the suite with faults.
const EXPECTED_EVENTS: [&str; 29] = [
    "attempt cancelled",
    "attempt completed",
    "attempt failed",
    "attempt given back",
    "attempt lost",
    "attempt timed out",
    "call duplicated",
    "call failed",
    "callback delivered",
    "callback jitter in its upper half",
    "callback lost",
    "callback response lost",
    "clock set",
    "context conflict",
    "crash after a call",
    "crash before a call",
    "crash with a delayed call",
    "dead letter",
    "job retried",
    "outage",
    "pause after a call",
    "response lost",
    "result refused",
    "run lost",
    "signal duplicated",
    "signal lost",
    "signal: callback sent",
    "signal: error",
    "signal: idle",
];

fn env_number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("`{name}` is a number, not `{text}`")))
}

fn run_schedules(suite: &str, share: u64, config: fn(&mut Rng) -> Config) -> Counts {
    run_seeds(suite, share, |seed, is_traced| run(seed, config, is_traced))
}

/// Runs `share` percent of all schedules on all processors, and returns the sum of their counts.
/// `run` gets a seed, and whether a trace is wanted.
fn run_seeds(
    suite: &str,
    share: u64,
    run: impl Fn(u64, bool) -> Result<Counts, SimulationError> + Sync,
) -> Counts {
    if let Some(seed) = env_number("WRIT_FAULTS_SEED") {
        let result = run(seed, true);
        return result.unwrap_or_else(|error| fail(suite, seed, &error));
    }
    let all = env_number("WRIT_FAULTS_SCHEDULES").unwrap_or(120_000);
    let first = env_number("WRIT_FAULTS_FIRST").unwrap_or(0);
    let (next, end) = (AtomicU64::new(first), first + all * share / 100);
    let failed = AtomicU64::new(u64::MAX);
    let counts = std::thread::scope(|scope| {
        let work = || {
            let mut counts = Counts::default();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= end || failed.load(Ordering::Relaxed) < seed {
                    return counts;
                }
                match run(seed, false) {
                    Ok(one) => counts.merge(&one),
                    Err(_) => {
                        failed.fetch_min(seed, Ordering::Relaxed);
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
    let seed = failed.into_inner();
    if seed < u64::MAX {
        let error = run(seed, true).expect_err("a simulation depends on more than its seed");
        fail(suite, seed, &error);
    }
    println!("{suite}: {counts:?}");
    counts
}

fn fail(suite: &str, seed: u64, error: &SimulationError) -> ! {
    let start = error.trace.len().saturating_sub(400);
    println!("{}", error.trace[start..].join("\n"));
    panic!("{suite}: {}\nto repeat: WRIT_FAULTS_SEED={seed}", error.violation);
}

#[test]
fn under_faults_every_job_ends_once_and_every_callback_is_delivered() {
    let counts = run_schedules("faults", 85, Config::with_faults);
    // A suite in which a fault never happens does not test it.
    for event in EXPECTED_EVENTS {
        assert!(
            env_number("WRIT_FAULTS_SEED").is_some() || counts.get(event) > 0,
            "`{event}` never happened"
        );
    }
}

#[test]
fn without_faults_no_sweep_is_needed_and_every_callback_is_delivered_once() {
    run_schedules("no faults", 10, Config::without_faults);
}

#[test]
fn without_faults_the_first_in_the_queue_is_leased_first() {
    run_schedules("queue order", 5, Config::with_queue_order);
}
