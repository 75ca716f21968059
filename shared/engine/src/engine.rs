//! The door to all policy languages.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use writ_model::Language;

use crate::ability::{SandboxReport, probe};
use crate::config::{EngineConfig, EngineError};
use crate::host::{Deadline, Lost, Worker};
use crate::pool::{Bounds, Grant, Key, Pool, Refused};
use crate::tender::{Chore, tend};
use crate::zygotes::Zygotes;
use crate::{Budget, Call, Checked, Failure, Outcome, Source, worker};

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
    chores: SyncSender<Chore>,
    tender: Mutex<Option<JoinHandle<()>>>,
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
    /// budget, or dead by their own doing or somebody else's.
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
        let (chores, queue) = std::sync::mpsc::sync_channel(bounds.workers_max);
        let shared = Arc::new(Shared {
            zygotes: Zygotes::new(config.allow_weak_sandbox),
            config,
            pool: Pool::new(bounds),
            counters: Counters::default(),
        });
        let tended = Arc::clone(&shared);
        let tender = std::thread::Builder::new()
            .name("writ-tender".to_owned())
            .spawn(move || tend(&tended, &queue))
            .map_err(EngineError::Thread)?;
        Ok(Self { shared, report, chores, tender: Mutex::new(Some(tender)) })
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
        let (_place, _) = self.acquire(&key)?;
        let worker = self.shared.start_worker(&Arc::new(source.clone()))?;
        let checked = worker.checked().clone();
        worker.kill();
        self.delegate(Chore::Bury(worker));
        Ok(checked)
    }

    /// Runs a call in a worker of this workspace, policy (the call's `rule_id`) and source. Waits
    /// for one as long as the engine's patience, compiles under its compile budget if none is
    /// warm, and then gives the call its own budget.
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
    ) -> Result<Outcome, Failure> {
        let key = Key {
            workspace: Some(workspace.to_owned()),
            policy: Some(call.rule_id.clone()),
            language: source.language,
            digest: source.digest.clone(),
        };
        let mut deadline = None;
        // Ends: each further turn has used up an idle worker, and a new worker ends it.
        loop {
            let (place, idle) = self.acquire(&key)?;
            let was_idle = idle.is_some();
            let mut worker = match idle {
                Some(worker) => worker,
                None => self.shared.start_worker(&Arc::new(source.clone()))?,
            };
            let deadline = match deadline {
                Some(deadline) => deadline,
                None => *deadline.insert(Deadline::after(budget.time).map_err(clock)?),
            };
            let used = worker.runs() > 0;
            match worker.run(call, budget, &deadline) {
                // What earlier runs have left behind must not count against this one.
                Ok(Err(Failure::OutOfMemory { .. }))
                | Err(Lost::Failed(Failure::OutOfMemory { .. }))
                    if used => {}
                // It died while it was idle, and the call has not run.
                Err(Lost::Unsent) if was_idle => {}
                Ok(result) => {
                    self.put_back(place, worker, &result);
                    return result;
                }
                Err(Lost::Failed(failure)) => {
                    self.shared.count_kill();
                    return Err(failure);
                }
                Err(Lost::Unsent) => {
                    self.shared.count_kill();
                    let reason = "it was killed before it got the call".to_owned();
                    return Err(Failure::WorkerLost { reason });
                }
            }
            self.shared.count_kill();
        }
    }

    /// Ends every process that the engine has started; calls in progress fail, and all further
    /// ones.
    pub fn shutdown(&self) {
        drop(self.shared.pool.close());
        self.shared.zygotes.close();
        let tender = self.tender.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(tender) = tender {
            // Fails only if the tender has ended already.
            let _ = self.chores.send(Chore::Stop);
            if tender.join().is_err() {
                tracing::error!("the engine's thread panicked");
            }
        }
    }

    fn acquire<'a>(&'a self, key: &'a Key) -> Result<(Place<'a>, Option<Worker>), Failure> {
        let asked = Instant::now();
        let patience = self.shared.config.patience;
        let grant = self.shared.pool.acquire(key, patience).map_err(|refused| match refused {
            Refused::Busy => Failure::Busy { waited_ms: whole_ms(asked.elapsed()) },
            Refused::Closed => Failure::WorkerLost { reason: EngineError::ShutDown.to_string() },
        })?;
        let place = Place { pool: &self.shared.pool, key, held: true };
        Ok(match grant {
            Grant::Idle(worker) => {
                self.shared.counters.reuses.fetch_add(1, Ordering::Relaxed);
                (place, Some(worker))
            }
            Grant::Place { evicted } => {
                if let Some(evicted) = evicted {
                    evicted.kill();
                    self.delegate(Chore::Bury(evicted));
                }
                (place, None)
            }
        })
    }

    /// Keeps the worker if it may run again; otherwise ends it and has the next one prepared.
    fn put_back(&self, place: Place<'_>, worker: Worker, result: &Result<Outcome, Failure>) {
        let full = matches!(result, Err(Failure::OutOfMemory { .. }));
        if worker.is_reusable() && worker.runs() < RUNS_MAX && !full {
            place.keep(worker);
            return;
        }
        worker.kill();
        self.delegate(if self.shared.config.spares {
            Chore::Replace { worker, key: place.reserve() }
        } else {
            drop(place);
            Chore::Bury(worker)
        });
    }

    fn delegate(&self, chore: Chore) {
        if let Err(TrySendError::Full(chore) | TrySendError::Disconnected(chore)) =
            self.chores.try_send(chore)
        {
            if let Chore::Replace { key, .. } = &chore
                && self.shared.pool.take_reserved(key)
            {
                self.shared.pool.retire(key);
            }
            // Dropping a worker buries it; a spare can do without.
            drop(chore);
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.shutdown();
    }
}

impl Shared {
    /// A worker that has compiled `source`.
    pub(crate) fn start_worker(&self, source: &Arc<Source>) -> Result<Worker, Failure> {
        let lost = |error: EngineError| Failure::WorkerLost { reason: error.to_string() };
        let zygote = self.zygotes.of(source.language).map_err(lost)?;
        self.counters.starts.fetch_add(1, Ordering::Relaxed);
        let mut started = Worker::start(&zygote, source, &self.config.compile);
        if started.is_err() && zygote.is_lost() {
            // Somebody has killed the zygote; its successor does as well.
            let zygote = self.zygotes.of(source.language).map_err(lost)?;
            started = Worker::start(&zygote, source, &self.config.compile);
        }
        if started.as_ref().is_err_and(|failure| !matches!(failure, Failure::Compile(_))) {
            self.count_kill();
        }
        started
    }

    fn count_kill(&self) {
        self.counters.kills.fetch_add(1, Ordering::Relaxed);
    }
}

/// One place in the pool, given back when it is dropped.
struct Place<'a> {
    pool: &'a Pool<Worker>,
    key: &'a Key,
    held: bool,
}

impl Place<'_> {
    /// Leaves the worker in its place for the next call.
    fn keep(mut self, worker: Worker) {
        self.held = false;
        drop(self.pool.release(self.key.clone(), worker));
    }

    /// Leaves the place to the next worker of its key.
    fn reserve(mut self) -> Key {
        self.held = false;
        self.pool.reserve(self.key.clone());
        self.key.clone()
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if self.held {
            self.pool.retire(self.key);
        }
    }
}

fn clock(error: nix::Error) -> Failure {
    Failure::WorkerLost { reason: format!("the host's clock cannot be read: {error}") }
}

fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
