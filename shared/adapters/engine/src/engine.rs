//! The door to all policy languages.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use writ_model::Language;
use writ_model::run::RunClass;

use crate::capability::{SandboxReport, probe};
use crate::config::{EngineConfig, EngineError};
use crate::host::{Deadline, RunError, Worker, cancelled};
use crate::maintenance::{Task, run};
use crate::pool::{AcquireRequest, Bounds, Grant, Key, Pool, Refused};
use crate::zygotes::Zygotes;
use crate::{Budget, Call, Cancellation, Checked, Failed, Failure, Outcome, Source, worker};

/// A worker is not used for ever: an interpreter leaks a little in each run.
const RUNS_MAX: u64 = 10_000;

/// Runs policies of every language in worker processes, and survives whatever they do.
///
/// It blocks its callers' threads; share it by `Arc`. Zygotes start when a language is first
/// used. Dropping it ends every process that it has started.
#[derive(Debug)]
pub struct Engine {
    shared: Arc<Shared>,
    report: SandboxReport,
    tasks: SyncSender<Task>,
    maintenance: Mutex<Option<JoinHandle<()>>>,
}

/// What callers and the tender work on together.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: EngineConfig,
    pub(crate) pool: Pool<Worker>,
    pub(crate) zygotes: Zygotes,
    counters: Counters,
}

#[derive(Debug, Default)]
struct Counters {
    starts: AtomicU64,
    reuses: AtomicU64,
    kills: AtomicU64,
}

/// What an engine has done so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineStats {
    /// Worker processes that exist now, busy, idle or about to be buried.
    pub workers: usize,
    /// Workers started, those for checks included.
    pub starts: u64,
    /// Runs that were served by a worker that waited for them.
    pub reuses: u64,
    /// Workers that a run, a check or a compilation has cost: killed for going beyond their
    /// budget or because nobody wanted it any more, or dead by their own doing or somebody else's.
    pub kills: u64,
}

impl Engine {
    /// Tries what the host permits and gets ready. No policy process is started yet.
    ///
    /// From here on this process is not dumpable: its memory and environment are closed to
    /// other processes of the same user.
    ///
    /// # Errors
    /// [`EngineError::NotInitialised`] without [`worker::init`] at the start of `main`;
    /// [`EngineError::NoWatch`] or [`EngineError::WeakSandbox`] when the host does not permit
    /// what a sandbox needs.
    pub fn start(config: EngineConfig) -> Result<Self, EngineError> {
        if !worker::is_ready() {
            return Err(EngineError::NotInitialised);
        }
        let report = probe();
        if let Some(missing) = report.missing(true) {
            return Err(EngineError::NoWatch { missing });
        }
        if let Some(missing) = report.missing(false) {
            if !config.allow_weak_sandbox {
                return Err(EngineError::WeakSandbox { missing });
            }
            tracing::warn!(missing, "policies run in a weak sandbox");
        }
        let bounds = Bounds {
            workers_max: config.workers_max.max(1),
            workers_per_key_max: config.workers_per_policy_max.max(1),
            waiting_max: config.waiting_max,
        };
        // A full queue makes callers do the chore themselves, so it bounds dying processes.
        let (tasks, queue) = std::sync::mpsc::sync_channel(bounds.workers_max);
        let shared = Arc::new(Shared {
            zygotes: Zygotes::new(config.allow_weak_sandbox),
            config,
            pool: Pool::new(bounds),
            counters: Counters::default(),
        });
        let tended = Arc::clone(&shared);
        let maintenance = std::thread::Builder::new()
            .name("writ-tender".to_owned())
            .spawn(move || run(&tended, &queue))
            .map_err(EngineError::Thread)?;
        Ok(Self { shared, report, tasks, maintenance: Mutex::new(Some(maintenance)) })
    }

    /// What the host permits.
    #[must_use]
    pub fn report(&self) -> &SandboxReport {
        &self.report
    }

    /// What was done so far.
    #[must_use]
    pub fn stats(&self) -> EngineStats {
        let counters = &self.shared.counters;
        EngineStats {
            workers: self.shared.zygotes.workers(),
            starts: counters.starts.load(Ordering::Relaxed),
            reuses: counters.reuses.load(Ordering::Relaxed),
            kills: counters.kills.load(Ordering::Relaxed),
        }
    }

    /// Starts the zygote of a language now instead of at its first use.
    ///
    /// # Errors
    /// [`EngineError::Zygote`] when it does not come up.
    pub fn warm(&self, language: Language) -> Result<(), EngineError> {
        self.shared.zygotes.of(language).map(drop)
    }

    /// Compiles a source in a worker of its own.
    ///
    /// # Errors
    /// [`Failure::Compile`] with everything that is wrong; the failures of a run when compiling
    /// goes beyond the engine's compile budget.
    pub fn check(&self, source: &Source) -> Result<Checked, Failure> {
        let key = Key {
            workspace: None,
            policy: None,
            language: source.language,
            digest: source.digest.clone(),
        };
        let claim = AcquireRequest { key, class: RunClass::Request };
        let cancellation = Cancellation::default();
        let (_place, _) = self.acquire(&claim, &cancellation)?;
        let worker = self.shared.start_worker(&Arc::new(source.clone()), &cancellation)?;
        let checked = worker.checked().clone();
        worker.kill();
        self.delegate(Task::Reap(worker));
        Ok(checked)
    }

    /// Runs a call in a worker of this workspace, policy (the call's `rule_id`) and source. Waits
    /// for one as long as the engine's patience (a job as long as it takes), compiles under the
    /// engine's compile budget if none is warm, and then gives the call its own budget.
    ///
    /// # Errors
    /// Each says whose doing it was; see [`Failure`]. The engine itself goes on after all of
    /// them.
    pub fn run(
        &self,
        workspace: &str,
        source: &Source,
        call: &Call,
        budget: &Budget,
    ) -> Result<Outcome, Failed> {
        self.run_unless_cancelled(workspace, source, call, budget, &Cancellation::default())
    }

    /// The same as [`Engine::run`], until [`Engine::cancel`] is called with its `cancellation`,
    /// which is this run's alone.
    ///
    /// # Errors
    /// [`Failure::WorkerLost`] when it was cancelled, and those of [`Engine::run`].
    pub fn run_unless_cancelled(
        &self,
        workspace: &str,
        source: &Source,
        call: &Call,
        budget: &Budget,
        cancellation: &Cancellation,
    ) -> Result<Outcome, Failed> {
        let key = Key {
            workspace: Some(workspace.to_owned()),
            policy: Some(call.rule_id.clone()),
            language: source.language,
            digest: source.digest.clone(),
        };
        let claim = AcquireRequest { key, class: budget.class };
        let (place, mut idle) = self.acquire(&claim, cancellation)?;
        let mut deadline = None;
        // At most twice: a new worker takes the place of an idle one that was of no use.
        loop {
            let was_idle = idle.is_some();
            let mut worker = match idle.take() {
                Some(worker) => worker,
                None => self.shared.start_worker(&Arc::new(source.clone()), cancellation)?,
            };
            if !worker.register_cancellation(cancellation) {
                place.keep(worker);
                return Err(cancelled().into());
            }
            let until = match deadline {
                Some(until) => until,
                None => *deadline.insert(Deadline::after(budget.time).map_err(clock)?),
            };
            let used = worker.runs() > 0;
            let ran = worker.run(call, budget, &until);
            if !cancellation.unwatch() {
                self.shared.count_kill();
                return Err(cancelled().into());
            }
            match ran {
                // What earlier runs have left behind must not count against this one.
                Ok(Err(failed)) | Err(RunError::Failed(failed))
                    if used && is_out_of_memory(&failed) => {}
                // It died while it was idle, and the call has not run.
                Err(RunError::Unsent) if was_idle => deadline = None,
                Ok(result) => {
                    self.put_back(place, worker, &result);
                    return result;
                }
                Err(RunError::Failed(failed)) => {
                    self.shared.count_kill();
                    return Err(failed);
                }
                Err(RunError::Unsent) => {
                    self.shared.count_kill();
                    let reason = "it was killed before it got the call".to_owned();
                    return Err(Failure::WorkerLost { reason }.into());
                }
            }
            self.shared.count_kill();
        }
    }

    /// Stops the run that was given this cancellation: from here on it waits for nothing, and the
    /// worker that compiles or runs for it is killed and serves nobody else. Does nothing to a run
    /// that has ended, and lets one that is yet to begin fail at once.
    pub fn cancel(&self, cancellation: &Cancellation) {
        cancellation.cancel();
        self.shared.pool.wake(cancellation);
    }

    /// How many jobs run at once; further ones wait, each with its caller's thread.
    #[must_use]
    pub fn jobs_max(&self) -> usize {
        self.shared.pool.bounds().jobs_max()
    }

    /// Ends every process that the engine has started; calls in progress fail, and all further
    /// ones.
    pub fn shutdown(&self) {
        drop(self.shared.pool.close());
        self.shared.zygotes.close();
        let maintenance = self.maintenance.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(maintenance) = maintenance {
            // Fails only if the tender has ended already.
            let _ = self.tasks.send(Task::Stop);
            if maintenance.join().is_err() {
                tracing::error!("the engine's thread panicked");
            }
        }
    }

    fn acquire<'a>(
        &'a self,
        claim: &'a AcquireRequest,
        cancellation: &Cancellation,
    ) -> Result<(Slot<'a>, Option<Worker>), Failure> {
        let asked = Instant::now();
        let acquire_timeout = match claim.class {
            RunClass::Request => Some(self.shared.config.acquire_timeout),
            RunClass::Job => None,
        };
        let granted = self.shared.pool.acquire(claim, acquire_timeout, cancellation);
        let grant = granted.map_err(|refused| match refused {
            Refused::Busy => Failure::Busy { waited_ms: whole_ms(asked.elapsed()) },
            Refused::Closed => Failure::WorkerLost { reason: EngineError::ShutDown.to_string() },
            Refused::Cancelled => cancelled(),
        })?;
        let place = Slot { pool: &self.shared.pool, claim, held: true };
        Ok(match grant {
            Grant::Idle(worker) => {
                self.shared.counters.reuses.fetch_add(1, Ordering::Relaxed);
                (place, Some(worker))
            }
            Grant::Slot { evicted } => {
                if let Some(evicted) = evicted {
                    evicted.kill();
                    self.delegate(Task::Reap(evicted));
                }
                (place, None)
            }
        })
    }

    /// Keeps the worker if it may run again; otherwise ends it and has the next one prepared.
    fn put_back(&self, place: Slot<'_>, worker: Worker, result: &Result<Outcome, Failed>) {
        let full = result.as_ref().is_err_and(is_out_of_memory);
        if worker.is_reusable() && worker.runs() < RUNS_MAX && !full {
            place.keep(worker);
            return;
        }
        worker.kill();
        self.delegate(if self.shared.config.spares {
            Task::Replace { worker, key: place.reserve() }
        } else {
            drop(place);
            Task::Reap(worker)
        });
    }

    fn delegate(&self, task: Task) {
        if let Err(TrySendError::Full(task) | TrySendError::Disconnected(task)) =
            self.tasks.try_send(task)
        {
            if let Task::Replace { key, .. } = &task
                && let Some(claim) = self.shared.pool.take_reserved(key)
            {
                self.shared.pool.release_slot(&claim);
            }
            // Dropping a worker buries it; a spare can do without.
            drop(task);
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.shutdown();
    }
}

impl Shared {
    /// A worker that has compiled `source`, which a cancellation stops.
    pub(crate) fn start_worker(
        &self,
        source: &Arc<Source>,
        cancellation: &Cancellation,
    ) -> Result<Worker, Failure> {
        if cancellation.is_cancelled() {
            return Err(cancelled());
        }
        let lost = |error: EngineError| Failure::WorkerLost { reason: error.to_string() };
        let zygote = self.zygotes.of(source.language).map_err(lost)?;
        self.counters.starts.fetch_add(1, Ordering::Relaxed);
        let mut started = Worker::start(&zygote, source, &self.config.compile, cancellation);
        if started.is_err() && zygote.is_lost() {
            // Somebody has killed the zygote; its successor does as well.
            let zygote = self.zygotes.of(source.language).map_err(lost)?;
            started = Worker::start(&zygote, source, &self.config.compile, cancellation);
        }
        if started.as_ref().is_err_and(|failure| !matches!(failure, Failure::Compile(_))) {
            self.count_kill();
        }
        started.map_err(|failure| if cancellation.is_cancelled() { cancelled() } else { failure })
    }

    fn count_kill(&self) {
        self.counters.kills.fetch_add(1, Ordering::Relaxed);
    }
}

/// One place in the pool, given back when it is dropped.
struct Slot<'a> {
    pool: &'a Pool<Worker>,
    claim: &'a AcquireRequest,
    held: bool,
}

impl Slot<'_> {
    /// Leaves the worker in its place for the next call.
    fn keep(mut self, worker: Worker) {
        self.held = false;
        drop(self.pool.release(self.claim, worker));
    }

    /// Leaves the place to the next worker of its key.
    fn reserve(mut self) -> Key {
        self.held = false;
        self.pool.reserve(self.claim);
        self.claim.key.clone()
    }
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        if self.held {
            self.pool.release_slot(self.claim);
        }
    }
}

fn is_out_of_memory(failed: &Failed) -> bool {
    matches!(failed.failure, Failure::OutOfMemory { .. })
}

fn clock(error: nix::Error) -> Failure {
    Failure::WorkerLost { reason: format!("the host's clock cannot be read: {error}") }
}

fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
