//! Policies of another workspace, one in each language, which must keep returning their answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use writ_engine::{Call, Engine, Source};
use writ_tests::attacks::batteries;

use crate::host::ample_budget;

/// The pause between two rounds: an attack runs beside a caller, not beside a benchmark.
const PAUSE: Duration = Duration::from_millis(5);

struct Canary {
    source: Source,
    call: Call,
    answer: String,
}

/// One honest policy in each language.
pub(crate) struct Canaries(Vec<Canary>);

impl Canaries {
    pub(crate) fn of_every_language() -> Self {
        let of = |battery: writ_tests::attacks::Battery| Canary {
            source: battery.canary.source(battery.language),
            call: battery.canary.call(),
            answer: battery.canary.answer,
        };
        Self(batteries().into_iter().map(of).collect())
    }

    /// Runs each once in this workspace, and asserts its answer. Returns how long each took.
    pub(crate) fn assert_served(&self, engine: &Engine, workspace: &str) -> Vec<Duration> {
        let budget = ample_budget();
        let ask = |canary: &Canary| {
            let started = Instant::now();
            let language = canary.source.language;
            match engine.run(workspace, &canary.source, &canary.call, &budget) {
                Ok(outcome) => assert_eq!(outcome.output.as_str(), canary.answer, "{language}"),
                Err(failure) => panic!("{language}, in workspace `{workspace}`: {failure:?}"),
            }
            started.elapsed()
        };
        self.0.iter().map(ask).collect()
    }
}

/// Canaries that run in a loop on a thread of their own until they are stopped.
pub(crate) struct BackgroundCanaries {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Duration>>,
}

impl BackgroundCanaries {
    pub(crate) fn start(engine: &Arc<Engine>, canaries: &Arc<Canaries>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, engine, canaries) = (stop.clone(), Arc::clone(engine), Arc::clone(canaries));
        let thread = std::thread::spawn(move || {
            let mut taken = Vec::new();
            loop {
                // At least once, however short the attack is.
                taken.extend(canaries.assert_served(&engine, "canary"));
                if stopped.load(Ordering::Relaxed) {
                    return taken;
                }
                std::thread::sleep(PAUSE);
            }
        });
        Self { stop, thread }
    }

    /// Stops the loop. Returns the longest time that a caller has waited.
    pub(crate) fn finish(self) -> Duration {
        self.stop.store(true, Ordering::Relaxed);
        let taken = self.thread.join().unwrap_or_else(|_| panic!("a canary failed"));
        taken.into_iter().max().unwrap_or_default()
    }
}
