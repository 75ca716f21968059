//! The engine: checks sources and runs calls of every policy language.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use writ_model::Language;
use writ_model::run::{Document, RunClass};

use crate::capability::{SandboxReport, probe};
use crate::config::{EngineConfig, EngineError};
use crate::host::{Deadline, Purpose, RunError, StartError, Worker, cancellation_failure};
use crate::maintenance::{self, Task};
use crate::pool::{AcquireError, AcquireRequest, Bounds, Grant, Key, Pool, Work};
use crate::zygote_kind::ZygoteKind;
use crate::zygotes::Zygotes;
use crate::{Budget, Call, Cancellation, CheckReport, FailedRun, Failure, Outcome, Source, worker};

/// Runs policies of every language in worker processes, and survives whatever they do.
///
/// Its methods block the calling thread; share it by `Arc`. The zygote of a language starts at the
/// language's first use. Dropping the engine ends every process that it has started.
#[derive(Debug)]
pub struct Engine {
    shared: Arc<Shared>,
    report: SandboxReport,
    tasks: SyncSender<Task>,
    maintenance: Mutex<Option<JoinHandle<()>>>,
}

/// The state that callers share with the maintenance thread.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: EngineConfig,
    pub(crate) pool: Pool<Worker>,
    /// The workers that only apply schemas: policies that hang do not delay a submission.
    validators: Pool<Worker>,
    pub(crate) zygotes: Zygotes,
    counters: Counters,
}

#[derive(Debug, Default)]
struct Counters {
    starts: AtomicU64,
    reuses: AtomicU64,
    kills: AtomicU64,
}

/// Counters of an engine since its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineStats {
    /// Worker processes that exist now: busy, idle or not yet reaped.
    pub workers: usize,
    /// Workers started since then, including those for checks.
    pub starts: u64,
    /// Runs that were served by an idle worker.
    pub reuses: u64,
    /// Workers lost in a run, a check or a compilation: killed for exceeding a budget or by a
    /// cancellation, crashed, or killed by another process.
    pub kills: u64,
}

impl Engine {
    /// Probes the host's capabilities and creates an engine. It starts no process yet.
    ///
    /// From then on this process is not dumpable: other processes of the same user cannot read its
    /// memory and environment.
    ///
    /// # Errors
    /// [`EngineError::NotInitialised`] without [`worker::init`] at the start of `main`;
    /// [`EngineError::MissingCapabilities`] or [`EngineError::WeakSandbox`] when the host does not permit
    /// what a sandbox needs.
    pub fn start(config: EngineConfig) -> Result<Self, EngineError> {
        if !worker::is_ready() {
            return Err(EngineError::NotInitialised);
        }
        let report = probe();
        if let Some(missing) = report.missing(true) {
            return Err(EngineError::MissingCapabilities { missing });
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
        // A full queue makes callers reap workers themselves, so it bounds the dying processes.
        let (tasks, queue) = std::sync::mpsc::sync_channel(bounds.workers_max);
        let shared = Arc::new(Shared {
            zygotes: Zygotes::new(config.allow_weak_sandbox),
            config,
            pool: Pool::new(bounds),
            validators: Pool::new(Bounds {
                workers_max: bounds.workers_per_key_max.max(2),
                workers_per_key_max: (bounds.workers_per_key_max / 2).max(1),
                waiting_max: bounds.waiting_max,
            }),
            counters: Counters::default(),
        });
        let state = Arc::clone(&shared);
        let maintenance = std::thread::Builder::new()
            .name("writ-maintain".to_owned())
            .spawn(move || maintenance::run(&state, &queue))
            .map_err(EngineError::Thread)?;
        Ok(Self { shared, report, tasks, maintenance: Mutex::new(Some(maintenance)) })
    }

    /// The capabilities of the host, as probed at the engine's start.
    #[must_use]
    pub fn report(&self) -> &SandboxReport {
        &self.report
    }

    /// The engine's counters at this moment.
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

    /// Starts the zygote of a language now instead of at the language's first use.
    ///
    /// # Errors
    /// [`EngineError::Zygote`] when it does not start; [`EngineError::ShutDown`] after a shutdown.
    pub fn warm(&self, language: Language) -> Result<(), EngineError> {
        self.shared.zygotes.of(ZygoteKind::Language(language)).map(drop)
    }

    /// Starts the zygote of the workers that only apply schemas now instead of at its first use.
    ///
    /// # Errors
    /// As [`Engine::warm`].
    pub fn warm_schemas(&self) -> Result<(), EngineError> {
        self.shared.zygotes.of(ZygoteKind::Schemas).map(drop)
    }

    /// Compiles a source and its schemas and applies them to values, such as the stored settings, in a
    /// new worker, which is discarded afterwards. The checks of a workspace share the workers of one
    /// policy.
    ///
    /// # Errors
    /// [`Failure::Schema`], [`Failure::InvalidInput`], [`Failure::Compile`] with every diagnostic;
    /// the failures of a run when the compilation exceeds the engine's compile budget.
    pub fn check(
        &self,
        workspace: &str,
        source: &Source,
        documents: &[Document],
    ) -> Result<CheckReport, Failure> {
        self.work(&self.shared.pool, workspace, source, Purpose::Check(documents))
    }

    /// Compiles the schemas of a source and applies them to values, in a new worker that has loaded no
    /// language, and is discarded afterwards. It compiles no code.
    ///
    /// # Errors
    /// [`Failure::InvalidInput`] with the violations; [`Failure::Schema`]; the failures of a run when
    /// no worker was free.
    pub fn validate(
        &self,
        workspace: &str,
        source: &Source,
        documents: &[Document],
    ) -> Result<(), Failure> {
        self.work(&self.shared.validators, workspace, source, Purpose::Validate(documents))
            .map(drop)
    }

    /// Does work that runs nothing, within the engine's compile budget.
    fn work(
        &self,
        pool: &Pool<Worker>,
        workspace: &str,
        source: &Source,
        purpose: Purpose<'_>,
    ) -> Result<CheckReport, Failure> {
        let key = Key { workspace: workspace.to_owned(), work: Work::Check };
        let request = AcquireRequest { key, class: RunClass::Request };
        let cancellation = Cancellation::default();
        let (_slot, _) = self.acquire(pool, &request, &cancellation)?;
        let source = Arc::new(source.clone());
        let worker = self.shared.start_worker(&source, purpose, &cancellation)?;
        let checked = worker.checked().clone();
        worker.kill();
        self.enqueue_task(Task::Reap(worker));
        Ok(checked)
    }

    /// Runs a call in a worker of this workspace, policy (the call's `rule_id`) and source.
    ///
    /// It waits for a worker for [`EngineConfig::acquire_timeout`] at most (a job without a limit),
    /// compiles the source within the engine's compile budget if no worker is warm, and then runs
    /// the call within its own budget.
    ///
    /// # Errors
    /// The variants of [`Failure`] tell failures of the policy from those of the platform. The
    /// engine keeps working after any of them.
    pub fn run(
        &self,
        workspace: &str,
        source: &Source,
        call: &Call,
        budget: &Budget,
    ) -> Result<Outcome, FailedRun> {
        self.run_unless_cancelled(workspace, source, call, budget, &Cancellation::default())
    }

    /// The same as [`Engine::run`], until [`Engine::cancel`] is called with `cancellation`, which
    /// must not be shared with another run.
    ///
    /// # Errors
    /// [`Failure::WorkerLost`] when the run was cancelled, and those of [`Engine::run`].
    pub fn run_unless_cancelled(
        &self,
        workspace: &str,
        source: &Source,
        call: &Call,
        budget: &Budget,
        cancellation: &Cancellation,
    ) -> Result<Outcome, FailedRun> {
        let key = Key {
            workspace: workspace.to_owned(),
            work: Work::Run {
                policy: call.rule_id.clone(),
                language: source.language,
                digest: source.digest.clone(),
            },
        };
        let request = AcquireRequest { key, class: budget.class };
        let (slot, mut idle) = self.acquire(&self.shared.pool, &request, cancellation)?;
        let mut current_deadline = None;
        // At most twice: a new worker replaces an idle one that was dead.
        loop {
            let was_idle = idle.is_some();
            let mut worker = match idle.take() {
                Some(worker) => worker,
                None => self.shared.start_worker(
                    &Arc::new(source.clone()),
                    Purpose::Run,
                    cancellation,
                )?,
            };
            if !worker.register_cancellation(cancellation) {
                slot.return_idle(worker);
                return Err(cancellation_failure().into());
            }
            let deadline = match current_deadline {
                Some(deadline) => deadline,
                None => {
                    *current_deadline.insert(Deadline::after(budget.time).map_err(clock_failure)?)
                }
            };
            let result = worker.run(call, budget, &deadline);
            if !cancellation.unregister() {
                self.shared.count_kill();
                return Err(cancellation_failure().into());
            }
            match result {
                // The worker died while it was idle, and the call has not run.
                Err(RunError::NotSent) if was_idle => current_deadline = None,
                Ok(result) => {
                    self.release(slot, worker);
                    return result;
                }
                Err(RunError::Failed(failed)) => {
                    self.shared.count_kill();
                    return Err(failed);
                }
                Err(RunError::NotSent) => {
                    self.shared.count_kill();
                    let reason = "it was killed before it received the call".to_owned();
                    return Err(Failure::WorkerLost { reason }.into());
                }
            }
            self.shared.count_kill();
        }
    }

    /// Cancels the run that was started with this cancellation: it stops waiting, and the worker
    /// that compiles or runs for it is killed. A run that has ended is not affected; a run that
    /// has not started fails at once.
    pub fn cancel(&self, cancellation: &Cancellation) {
        cancellation.cancel();
        self.shared.pool.notify(cancellation);
    }

    /// The most jobs that run at once. Further ones wait, and each blocks its caller's thread.
    #[must_use]
    pub fn jobs_max(&self) -> usize {
        self.shared.pool.bounds().jobs_max()
    }

    /// Ends every process that the engine has started. Calls in progress fail, and so do all later
    /// ones.
    pub fn shutdown(&self) {
        drop(self.shared.pool.close());
        drop(self.shared.validators.close());
        self.shared.zygotes.close();
        let maintenance = self.maintenance.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(maintenance) = maintenance {
            // It fails only if the thread has ended already.
            let _ = self.tasks.send(Task::Stop);
            if maintenance.join().is_err() {
                tracing::error!("the engine's maintenance thread panicked");
            }
        }
    }

    fn acquire<'a>(
        &'a self,
        pool: &'a Pool<Worker>,
        request: &'a AcquireRequest,
        cancellation: &Cancellation,
    ) -> Result<(SlotGuard<'a>, Option<Worker>), Failure> {
        let started = Instant::now();
        let acquire_timeout = match request.class {
            RunClass::Request => Some(self.shared.config.acquire_timeout),
            RunClass::Job => None,
        };
        let acquired = pool.acquire(request, acquire_timeout, cancellation);
        let grant = acquired.map_err(|error| match error {
            AcquireError::Busy => Failure::Busy { waited_ms: whole_ms(started.elapsed()) },
            AcquireError::Closed => {
                Failure::WorkerLost { reason: EngineError::ShutDown.to_string() }
            }
            AcquireError::Cancelled => cancellation_failure(),
        })?;
        let slot = SlotGuard { pool, request, held: true };
        Ok(match grant {
            Grant::Idle(worker) => {
                self.shared.counters.reuses.fetch_add(1, Ordering::Relaxed);
                (slot, Some(worker))
            }
            Grant::Slot { evicted } => {
                if let Some(evicted) = evicted {
                    evicted.kill();
                    self.enqueue_task(Task::Reap(evicted));
                }
                (slot, None)
            }
        })
    }

    /// Returns the worker to the pool if it may run again; otherwise kills it and queues its
    /// replacement.
    fn release(&self, slot: SlotGuard<'_>, worker: Worker) {
        if worker.is_reusable() {
            slot.return_idle(worker);
            return;
        }
        worker.kill();
        self.enqueue_task(if self.shared.config.spares {
            Task::Replace { worker, key: slot.reserve() }
        } else {
            drop(slot);
            Task::Reap(worker)
        });
    }

    fn enqueue_task(&self, task: Task) {
        if let Err(TrySendError::Full(task) | TrySendError::Disconnected(task)) =
            self.tasks.try_send(task)
        {
            if let Task::Replace { key, .. } = &task
                && let Some(request) = self.shared.pool.take_reserved(key)
            {
                self.shared.pool.release_slot(&request);
            }
            // Dropping the worker reaps it; it gets no spare.
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
    /// Starts a worker and compiles `source` in it, for a purpose. A cancellation kills the worker.
    pub(crate) fn start_worker(
        &self,
        source: &Arc<Source>,
        purpose: Purpose<'_>,
        cancellation: &Cancellation,
    ) -> Result<Worker, Failure> {
        if cancellation.is_cancelled() {
            return Err(cancellation_failure());
        }
        let lost = |error: EngineError| Failure::WorkerLost { reason: error.to_string() };
        let kind = purpose.zygote(source);
        let zygote = self.zygotes.of(kind).map_err(lost)?;
        self.counters.starts.fetch_add(1, Ordering::Relaxed);
        let compile = &self.config.compile;
        let mut started = Worker::start(&zygote, source, purpose, compile, cancellation);
        if started.is_err() && zygote.is_lost() {
            // The zygote was killed by another process; try once with a new one.
            let zygote = self.zygotes.of(kind).map_err(lost)?;
            started = Worker::start(&zygote, source, purpose, compile, cancellation);
        }
        if started.as_ref().is_err_and(|error| !error.replied) {
            self.count_kill();
        }
        started.map_err(|StartError { failure, .. }| match cancellation.is_cancelled() {
            true => cancellation_failure(),
            false => failure,
        })
    }

    fn count_kill(&self) {
        self.counters.kills.fetch_add(1, Ordering::Relaxed);
    }
}

/// One slot of the pool, released when it is dropped.
struct SlotGuard<'a> {
    pool: &'a Pool<Worker>,
    request: &'a AcquireRequest,
    held: bool,
}

impl SlotGuard<'_> {
    /// Leaves the worker in the slot for the next call.
    fn return_idle(mut self, worker: Worker) {
        self.held = false;
        drop(self.pool.release(self.request, worker));
    }

    /// Reserves the slot for the next worker of its key.
    fn reserve(mut self) -> Key {
        self.held = false;
        self.pool.reserve(self.request);
        self.request.key.clone()
    }
}

impl Drop for SlotGuard<'_> {
    fn drop(&mut self) {
        if self.held {
            self.pool.release_slot(self.request);
        }
    }
}

fn clock_failure(error: nix::Error) -> Failure {
    Failure::WorkerLost { reason: format!("the host's clock cannot be read: {error}") }
}

fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
