//! Tests of runs that may take minutes: they are cancelled when their caller is gone, and leave slots
//! to requests.

use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Trial;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use writ_engine::{
    Budget, Call, Cancellation, Engine, EngineConfig, FailedRun, Failure, Outcome, RunClass,
};
use writ_engine::{EngineStats, Source};
use writ_engine_async::AsyncEngine;
use writ_model::Language;
use writ_ports::Evaluate;
use writ_tests::procfs;

use crate::policies::{
    WORKSPACE, assert_serves, call, constant_policy, engine, engine_with, hang_if_input_is_true,
    python,
};

use crate::trial;

/// The longest time of a job, on the deployment target with the shortest one.
const LONG: Duration = Duration::from_secs(14 * 60);

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("a_run_without_a_caller_has_its_worker_killed", dropped_while_it_runs),
        trial("a_run_without_a_caller_is_stopped_while_it_compiles", dropped_in_compile),
        trial("a_run_without_a_caller_waits_no_longer", dropped_while_it_waits),
        trial("a_run_that_was_cancelled_before_its_start_starts_nothing", cancelled_before),
        trial("a_cancellation_after_the_end_costs_no_worker", cancelled_after),
        trial("a_long_budget_is_in_force_in_every_language", long_budget),
        trial("requests_are_served_while_jobs_hang", requests_beside_jobs),
    ]
}

fn job() -> Budget {
    Budget { time: LONG, class: RunClass::Job, ..Budget::default() }
}

/// Callers that cancel their runs.
struct Callers {
    engine: Arc<Engine>,
    workers: AsyncEngine,
    runtime: Runtime,
}

type Run = JoinHandle<Result<Outcome, FailedRun>>;

impl Callers {
    fn new(change: impl FnOnce(&mut EngineConfig)) -> Self {
        let engine = engine_with(change);
        let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
        Self { workers: AsyncEngine::new(Arc::clone(&engine)), engine, runtime }
    }

    /// With one slot, so that the next run proves that the slot was released.
    fn with_one_worker() -> Self {
        Self::new(|config| {
            config.workers_max = 1;
            config.workers_per_policy_max = 1;
        })
    }

    fn start(&self, source: Source, call: Call, budget: Budget) -> Run {
        self.start_in(WORKSPACE, source, call, budget)
    }

    fn start_in(&self, workspace: &'static str, source: Source, call: Call, budget: Budget) -> Run {
        let workers = self.workers.clone();
        self.runtime.spawn(async move { workers.evaluate(workspace, source, call, budget).await })
    }

    /// Drops the future of a run that has not ended.
    fn drop_run(&self, run: Run) {
        run.abort();
        assert!(self.runtime.block_on(run).unwrap_err().is_cancelled());
    }

    fn assert_runs(&self, source: Source, input: &str, output: &str) {
        let run = self.start(source, call(input), job());
        assert_eq!(self.runtime.block_on(run).unwrap().unwrap().output.as_str(), output);
    }

    /// Asserts that the counters show one killed worker and one new one.
    fn assert_one_was_killed(&self) {
        let stats = self.engine.stats();
        assert!(matches!(stats, EngineStats { starts: 2, reuses: 0, kills: 1, .. }), "{stats:?}");
    }
}

fn dropped_while_it_runs() {
    for class in [RunClass::Request, RunClass::Job] {
        let callers = Callers::with_one_worker();
        let run = callers.start(hang_if_input_is_true(), call("true"), Budget { class, ..job() });
        let worker = procfs::busy_worker();
        callers.drop_run(run);
        procfs::wait_until("the worker is dead", || !procfs::is_alive(worker));
        callers.assert_runs(hang_if_input_is_true(), "false", "false");
        callers.assert_one_was_killed();
    }
}

fn dropped_in_compile() {
    let callers = Callers::with_one_worker();
    let run = callers.start(slow_to_compile(), call("1"), job());
    let worker = procfs::busy_worker();
    let cpu_s: u64 = procfs::soft_limit(worker, "Max cpu time").unwrap().parse().unwrap();
    assert!(cpu_s < LONG.as_secs(), "it has compiled already");
    callers.drop_run(run);
    procfs::wait_until("the worker is dead", || !procfs::is_alive(worker));
    callers.assert_runs(hang_if_input_is_true(), "false", "false");
    callers.assert_one_was_killed();
}

/// A source that takes seconds to compile in any build.
fn slow_to_compile() -> Source {
    python(&"a = 1\n".repeat(300_000), "return 1")
}

fn dropped_while_it_waits() {
    let callers = Callers::with_one_worker();
    let hanging = callers.start(hang_if_input_is_true(), call("true"), job());
    let worker = procfs::busy_worker();
    let waiting = callers.start(hang_if_input_is_true(), call("true"), job());
    callers.drop_run(waiting);
    assert!(procfs::is_alive(worker), "the wrong run was stopped");
    assert_eq!(callers.engine.stats().kills, 0);
    callers.drop_run(hanging);
    // If the waiting run were not cancelled, it would hold the only slot for ever.
    callers.assert_runs(hang_if_input_is_true(), "false", "false");
    callers.assert_one_was_killed();
}

fn cancelled_before() {
    let engine = engine();
    let cancellation = Cancellation::default();
    engine.cancel(&cancellation);
    let run = |cancellation: &Cancellation| {
        let (source, call) = (hang_if_input_is_true(), call("false"));
        engine.run_unless_cancelled(WORKSPACE, &source, &call, &job(), cancellation)
    };
    let reason = "its run was cancelled".to_owned();
    let cancelled = FailedRun::from(Failure::WorkerLost { reason });
    assert_eq!(run(&cancellation), Err(cancelled.clone()));
    assert_eq!(engine.stats().starts, 0);
    // An idle worker stays idle.
    run(&Cancellation::default()).unwrap();
    assert_eq!(run(&cancellation), Err(cancelled));
    run(&Cancellation::default()).unwrap();
    let stats = engine.stats();
    assert_eq!((stats.starts, stats.kills), (1, 0));
}

fn cancelled_after() {
    let engine = engine();
    let (source, input, _) = constant_policy(Language::Rego);
    for _ in 0..3 {
        let cancellation = Cancellation::default();
        let call = call(input);
        let ran = engine.run_unless_cancelled(WORKSPACE, &source, &call, &job(), &cancellation);
        assert!(ran.is_ok());
        engine.cancel(&cancellation);
    }
    let stats = engine.stats();
    assert_eq!((stats.starts, stats.reuses, stats.kills), (1, 2, 0));
}

fn long_budget() {
    let callers = Callers::new(|_| {});
    for language in Language::ALL {
        let (source, input, output) = constant_policy(language);
        callers.assert_runs(source, input, output);
    }
    // A worker that has run with a short budget.
    let hanging = |input, budget| callers.start(hang_if_input_is_true(), call(input), budget);
    callers.runtime.block_on(hanging("false", Budget::default())).unwrap().unwrap();
    let run = hanging("true", job());
    let worker = procfs::busy_worker();
    let cpu_s: u64 = procfs::soft_limit(worker, "Max cpu time").unwrap().parse().unwrap();
    assert!((LONG.as_secs()..=LONG.as_secs() + 10).contains(&cpu_s), "{cpu_s}");
    // More than the default budget of a request, rounded up to seconds.
    procfs::wait_until("it has computed for 3 s", || procfs::cpu_ticks(worker) >= 300);
    assert!(procfs::is_alive(worker) && !run.is_finished());
    callers.drop_run(run);
}

fn requests_beside_jobs() {
    let callers = Callers::new(|config| {
        config.workers_max = 4;
        config.workers_per_policy_max = 2;
    });
    assert_eq!(callers.engine.jobs_max(), 2);
    // One workspace alone may not hold both slots.
    let mut hanging: Vec<_> = ["a", "b", "c"]
        .map(|workspace| callers.start_in(workspace, hang_if_input_is_true(), call("true"), job()))
        .into();
    let started = |count| {
        procfs::wait_until("jobs have started", || callers.engine.stats().starts >= count);
    };
    started(2);
    assert_serves(&callers.engine);
    assert!(hanging.iter().all(|run| !run.is_finished()));
    // Whichever of them waited: after two are dropped, the third runs.
    let last = hanging.pop().unwrap();
    hanging.into_iter().for_each(|run| callers.drop_run(run));
    procfs::busy_worker();
    assert_serves(&callers.engine);
    callers.drop_run(last);
}
