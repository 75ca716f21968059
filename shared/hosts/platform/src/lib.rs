//! Every port, over one store, one machine and the engines of a home.
//!
//! Both homes serve the same routes over the same [`Platform`]; what they give it differs: the
//! store's client, and whether there are engines. A program that runs no policy has none, and then
//! a route that would need one does not compile.

use std::sync::Arc;
use std::time::Duration;

use writ_callbacks::Caller;
use writ_model::run::{Budget, Call, Checked, Failed, Failure, Outcome, Source};
use writ_model::{
    Digest, Error, Execution, Job, JobHint, JobState, Language, PolicyUri, Schedule, Submission,
    Timestamp, Workspace,
};
use writ_pipeline::{
    Commit, Execute, Executed, Order, Registry, ReplayOrder, Replayed, Shelf, Shelved,
};
use writ_ports::{
    Admission, Admit, Announce, Backlog, Begun, CallBack, CallbackSecrets, Called, ChangeJob,
    ChangeSchedule, ClaimId, Clock, CollectUploads, Committed, ContextWrite, CountHints,
    CountWaiting, CreatePolicy, DeletePolicy, DeleteSchedule, DueJobs, DuePage, DueSchedules,
    DueSchedulesPage, EndJob, EngineUse, Evaluate, GetBody, GetExecution, GetJob, GetPolicy,
    GetRevisions, GetSchedule, GetToken, Idempotency, IdempotencyKey, Ids, JobEnd,
    KeepCallbackSecrets, KeepContext, KeptContext, ListTokens, Metered, NewRevision, NextJobs,
    OutgoingCall, Page, PlanFires, PolicyHead, PutJob, PutSchedule, PutToken, Query,
    QueryExecutions, QueryJobs, QueryPolicies, QuerySchedules, RecordExecution, Redrive, Redriven,
    RemoveExpired, ReplacePolicy, Revision, RevisionPage, RevokeToken, Sleep, StoredReply, Swept,
    Token, Unlimited,
};
use writ_job_runner::Attempt;
use writ_store::Store;
use writ_os::System;

/// What [`Platform`] has in place of engines where nothing is run.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoEngine;

/// What [`Platform`] has in place of a queue where nobody is told anything.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoOutside;

/// Whom a platform tells things: its runners by a queue, others by callbacks.
#[derive(Clone, Debug)]
pub struct Outside<Q> {
    /// Where hints go.
    pub queue: Q,
    /// Who calls back.
    pub caller: Caller,
}

/// The platform: a store, the engines, whom it tells things, the machine's clock and chance.
#[derive(Debug)]
pub struct Platform<E, O = NoOutside> {
    store: Store,
    engines: E,
    outside: O,
    shelf: Shelf,
}

impl<E> Platform<E> {
    /// Puts a platform together that tells nobody anything.
    #[must_use]
    pub fn new(store: Store, engines: E) -> Self {
        Self { store, engines, outside: NoOutside, shelf: Shelf::default() }
    }

    /// The same platform with a queue and callbacks.
    #[must_use]
    pub fn telling<Q>(self, outside: Outside<Q>) -> Platform<E, Outside<Q>> {
        Platform { store: self.store, engines: self.engines, outside, shelf: self.shelf }
    }
}

impl<E, O> Platform<E, O> {
    /// Its engines.
    pub fn engines(&self) -> &E {
        &self.engines
    }
}

/// Ports that the store implements.
macro_rules! through_the_store {
    ($($port:ident { $($method:ident($($argument:ident: $type:ty),*) -> $reply:ty;)+ })+) => {
        $(impl<E: Send + Sync, O: Send + Sync> $port for Platform<E, O> {
            $(async fn $method(&self, $($argument: $type),*) -> Result<$reply, Error> {
                self.store.$method($($argument),*).await
            })+
        })+
    };
}

through_the_store! {
    GetPolicy { get_policy(workspace: &Workspace, uri: &PolicyUri) -> Option<PolicyHead>; }
    GetBody { get_body(workspace: &Workspace, digest: &Digest) -> Option<Arc<str>>; }
    CreatePolicy { create_policy(workspace: &Workspace, new: NewRevision<'_>) -> (); }
    ReplacePolicy {
        replace_policy(workspace: &Workspace, old: &PolicyHead, new: NewRevision<'_>) -> ();
    }
    DeletePolicy { delete_policy(workspace: &Workspace, head: &PolicyHead) -> (); }
    QueryPolicies { query_policies(workspace: &Workspace, query: &Query) -> Page; }
    GetRevisions {
        list_revisions(
            workspace: &Workspace, policy_id: &str, limit: usize, next_token: Option<&str>
        ) -> RevisionPage;
        get_revision(workspace: &Workspace, policy_id: &str, revision: u64) -> Option<Revision>;
    }
    RecordExecution { record_execution(execution: &Execution) -> (); }
    KeepContext {
        get_context(workspace: &Workspace, policy_id: &str) -> KeptContext;
        commit_context(execution: &Execution, context: ContextWrite<'_>) -> Committed;
    }
    GetExecution {
        get_execution(workspace: &Workspace, execution_id: &str) -> Option<Execution>;
    }
    QueryExecutions { query_executions(workspace: &Workspace, query: &Query) -> Page; }
    PutJob { put_job(submission: &Submission, state: &JobState) -> (); }
    GetJob { get_job(workspace: &Workspace, job_id: &str) -> Option<Job>; }
    QueryJobs { query_jobs(workspace: &Workspace, query: &Query) -> Page; }
    CountWaiting { count_before(workspace: &Workspace, rank: &str, most: usize) -> usize; }
    ChangeJob { change_job(submission: &Submission, state: &JobState) -> bool; }
    EndJob { end_job(end: JobEnd<'_>) -> Committed; }
    NextJobs { next_jobs(workspace: &Workspace, limit: usize) -> Vec<String>; }
    DueJobs { due_jobs(before: Timestamp, next: Option<&str>) -> DuePage; }
    PutSchedule { put_schedule(schedule: &Schedule) -> (); }
    GetSchedule { get_schedule(workspace: &Workspace, name: &str) -> Option<Schedule>; }
    ChangeSchedule { change_schedule(schedule: &Schedule) -> bool; }
    DeleteSchedule { delete_schedule(schedule: &Schedule) -> bool; }
    QuerySchedules { query_schedules(workspace: &Workspace, query: &Query) -> Page; }
    DueSchedules { due_schedules(before: Timestamp, next: Option<&str>) -> DueSchedulesPage; }
    KeepCallbackSecrets {
        get_callback_secrets(workspace: &Workspace) -> CallbackSecrets;
        put_callback_secrets(workspace: &Workspace, secrets: &CallbackSecrets) -> bool;
    }
    Idempotency {
        begin(key: &IdempotencyKey, now: Timestamp) -> Begun;
        finish(
            key: &IdempotencyKey, claim: &ClaimId, reply: &StoredReply, now: Timestamp
        ) -> ();
        abandon(key: &IdempotencyKey, claim: &ClaimId) -> ();
    }
    GetToken { get_token(token_id: &str) -> Option<Token>; }
    PutToken { put_token(token: &Token) -> (); }
    ListTokens { list_tokens(workspace: &Workspace) -> Vec<Token>; }
    RevokeToken { revoke_token(workspace: &Workspace, token_id: &str) -> bool; }
    CollectUploads { collect_uploads(before: Timestamp) -> Swept; }
    RemoveExpired { remove_expired(before: Timestamp) -> Swept; }
}

impl<E: Send + Sync, O: Send + Sync> Clock for Platform<E, O> {
    fn now(&self) -> Timestamp {
        System.now()
    }

    fn ticks_us(&self) -> u64 {
        System.ticks_us()
    }
}

impl<E: Send + Sync, O: Send + Sync> Ids for Platform<E, O> {
    fn id(&self, now: Timestamp) -> String {
        System.id(now)
    }

    fn seed(&self) -> u64 {
        System.seed()
    }

    fn secret(&self) -> Result<[u8; 32], Error> {
        System.secret()
    }
}

impl<E: Send + Sync, O: Send + Sync> Admit for Platform<E, O> {
    async fn admit(
        &self,
        workspace: &Workspace,
        identity: &str,
        policy: &PolicyUri,
        execution_id: &str,
    ) -> Result<Admission, Error> {
        Unlimited.admit(workspace, identity, policy, execution_id).await
    }

    async fn release(&self, admission: Admission) -> Result<(), Error> {
        Unlimited.release(admission).await
    }
}

impl Metered for NoEngine {
    fn engine_use(&self) -> EngineUse {
        EngineUse::default()
    }
}

impl<E: Metered, O: Send + Sync> Metered for Platform<E, O> {
    fn engine_use(&self) -> EngineUse {
        self.engines.engine_use()
    }
}

impl<E: Evaluate, O: Send + Sync> Evaluate for Platform<E, O> {
    async fn check(&self, source: Source) -> Result<Checked, Failure> {
        self.engines.check(source).await
    }

    async fn evaluate(
        &self,
        workspace: &str,
        source: Source,
        call: Call,
        budget: Budget,
    ) -> Result<Outcome, Failed> {
        self.engines.evaluate(workspace, source, call, budget).await
    }

    fn version(&self, language: Language) -> &'static str {
        self.engines.version(language)
    }
}

impl<E: Evaluate, O: Send + Sync> Execute for Platform<E, O> {
    async fn execute(&self, order: Order) -> Result<Execution, Error> {
        let executed = writ_pipeline::execute(&Registry(self), self, &self.shelf, order).await?;
        Ok(told(executed))
    }

    async fn replay(&self, order: ReplayOrder) -> Result<Replayed, Error> {
        writ_pipeline::replay(self, &self.shelf, order).await
    }
}

impl<E: Evaluate, O: Send + Sync> Attempt for Platform<E, O> {
    async fn attempt(&self, order: Order, commit: &impl Commit) -> Result<Execution, Error> {
        let source = Registry(self);
        writ_pipeline::execute_for(&source, self, &self.shelf, order, commit).await.map(told)
    }
}

impl<E: Send + Sync, O: Send + Sync> Shelved for Platform<E, O> {
    fn shelf(&self) -> &Shelf {
        &self.shelf
    }
}

/// The execution; what became of its failure policy goes into the log.
fn told(executed: Executed) -> Execution {
    if let Some(error) = executed.unfollowed {
        let execution_id = &executed.execution.execution_id;
        tracing::warn!(%execution_id, %error, log = error.log, "no failure policy followed");
    }
    executed.execution
}

impl<E: Send + Sync, O: Send + Sync> Sleep for Platform<E, O> {
    async fn sleep(&self, time: Duration) {
        System.sleep(time).await;
    }
}

impl<E: Send + Sync, Q: Announce> Announce for Platform<E, Outside<Q>> {
    async fn announce(&self, hints: &[JobHint], delay: Duration) -> Result<(), Error> {
        self.outside.queue.announce(hints, delay).await
    }
}

impl<E: Send + Sync, Q: PlanFires> PlanFires for Platform<E, Outside<Q>> {
    async fn plan_fires(&self, schedule: &Schedule) -> Result<(), Error> {
        self.outside.queue.plan_fires(schedule).await
    }

    async fn forget_fires(&self, workspace: &Workspace, name: &str) -> Result<(), Error> {
        self.outside.queue.forget_fires(workspace, name).await
    }
}

impl<E: Send + Sync, Q: CountHints> CountHints for Platform<E, Outside<Q>> {
    fn backlog(&self) -> Backlog {
        self.outside.queue.backlog()
    }
}

impl<E: Send + Sync, Q: Redrive> Redrive for Platform<E, Outside<Q>> {
    async fn redrive(&self) -> Result<Redriven, Error> {
        self.outside.queue.redrive().await
    }
}

impl<E: Send + Sync, Q: Send + Sync> CallBack for Platform<E, Outside<Q>> {
    fn check_callback(&self, url: &str) -> Result<(), Error> {
        self.outside.caller.check_callback(url)
    }

    async fn call_back(&self, call: OutgoingCall<'_>) -> Called {
        self.outside.caller.call_back(call).await
    }
}
