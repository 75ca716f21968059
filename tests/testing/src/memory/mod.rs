//! The ports in memory, with the results that the store over DynamoDB gives: the contract of the
//! ports ([`crate::contract`]) runs on both.

mod access;
mod callbacks;
mod contexts;
mod engine;
mod executions;
mod faults;
mod gc;
mod idempotency;
mod jobs;
mod policies;
mod query;
mod schedules;
mod signals;
mod time;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use writ_model::run::Call;
use writ_model::{
    Digest, Error, Execution, Job, LastFire, PolicyUri, Schedule, SignalKind, Timestamp, Workspace,
};
use writ_pipeline::{
    Commit, CompiledPolicy, Execute, ExecutionReport, ExecutionRequest, LoadPolicy, Pipeline,
    PolicyCache, Replay, ReplayReport, ReplayRequest,
};
use writ_ports::{CallbackSecrets, GcReport, PolicyHead, Revision, StoredContext, Token};

pub use engine::Answer;
pub use idempotency::{KEPT_REPLY_S, LAPSE_MS};
pub use schedules::TimerChange;
pub use signals::REDRIVE_STEP;

use crate::{CallbackReceiver, ManualClock, SeededIds};
use faults::Faults;

/// A platform in memory: tables, a queue of job signals, an engine with scripted answers, a clock
/// that stands still.
///
/// Calls complete at once unless [`MemoryPlatform::yield_before_calls`] says otherwise, so a future
/// over it is ready at its first poll.
pub struct MemoryPlatform {
    clock: ManualClock,
    ids: SeededIds,
    receiver: CallbackReceiver,
    policy_cache: PolicyCache,
    faults: Mutex<Faults>,
    tables: Mutex<Tables>,
}

/// Everything that is stored, and what a test may ask for afterwards.
#[derive(Default)]
struct Tables {
    policies: BTreeMap<(Workspace, PolicyUri), PolicyHead>,
    bodies: BTreeMap<(Workspace, Digest), Arc<str>>,
    revisions: BTreeMap<(Workspace, String), BTreeMap<u64, Revision>>,
    contexts: BTreeMap<(Workspace, String), StoredContext>,
    executions: BTreeMap<(Workspace, String), Execution>,
    /// The keys of `executions` in the order of their writes.
    recorded: Vec<(Workspace, String)>,
    jobs: BTreeMap<(Workspace, String), Job>,
    secrets: BTreeMap<Workspace, CallbackSecrets>,
    schedules: BTreeMap<(Workspace, String), Schedule>,
    fires: Vec<LastFire>,
    timers: Vec<TimerChange>,
    tokens: BTreeMap<String, Token>,
    keys: idempotency::Keys,
    signals: Vec<(String, SignalKind, Duration)>,
    dead_letters: BTreeMap<Workspace, u64>,
    slept: Vec<Duration>,
    answers: BTreeMap<String, VecDeque<Answer>>,
    evaluated: Vec<Call>,
    refusal: Option<Error>,
    uploads: VecDeque<Result<GcReport, Error>>,
    expired: VecDeque<Result<GcReport, Error>>,
    gc_horizons: Vec<Timestamp>,
}

impl Default for MemoryPlatform {
    fn default() -> Self {
        Self::with_clock(ManualClock::default())
    }
}

impl MemoryPlatform {
    /// An empty platform on this clock.
    #[must_use]
    pub fn with_clock(clock: ManualClock) -> Self {
        Self {
            clock,
            ids: SeededIds::default(),
            receiver: CallbackReceiver::default(),
            policy_cache: PolicyCache::default(),
            faults: Mutex::default(),
            tables: Mutex::default(),
        }
    }

    /// The clock that the platform reads; a test moves it.
    #[must_use]
    pub fn clock(&self) -> &ManualClock {
        &self.clock
    }

    /// The receiver of this platform's callbacks.
    #[must_use]
    pub fn receiver(&self) -> &CallbackReceiver {
        &self.receiver
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LoadPolicy for MemoryPlatform {
    async fn load_policy(
        &self,
        workspace: &Workspace,
        uri: &PolicyUri,
    ) -> Result<Arc<CompiledPolicy>, Error> {
        Pipeline::registry(self, &self.policy_cache).load(workspace, uri).await
    }
}

impl Execute for MemoryPlatform {
    async fn execute(&self, request: ExecutionRequest) -> Result<ExecutionReport, Error> {
        Pipeline::registry(self, &self.policy_cache).execute(request).await
    }

    async fn execute_for(
        &self,
        request: ExecutionRequest,
        commit: &impl Commit,
    ) -> Result<ExecutionReport, Error> {
        Pipeline::registry(self, &self.policy_cache).execute_for(request, commit).await
    }
}

impl Replay for MemoryPlatform {
    async fn replay(&self, request: ReplayRequest) -> Result<ReplayReport, Error> {
        Pipeline::registry(self, &self.policy_cache).replay(request).await
    }
}

/// The key of a table that is divided by workspace.
fn key(workspace: &Workspace, id: &str) -> (Workspace, String) {
    (workspace.clone(), id.to_owned())
}
