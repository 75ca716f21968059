//! Every port, over one store, one machine and the engines of a host.
//!
//! Both deployment targets serve the same routes over the same [`Platform`]. They differ in the store's
//! client, and in whether there are engines. A program that runs no policy has none, and then a route
//! that would need one does not compile.

use std::sync::Arc;
use std::time::Duration;

use writ_callbacks::WebhookClient;
use writ_model::run::{Budget, Call, CheckReport, Document, FailedRun, Failure, Outcome, Source};
use writ_model::{
    Digest, Error, Execution, Job, JobSignal, JobState, Language, PolicyUri, Schedule, Submission,
    Timestamp, Workspace,
};
use writ_os::Os;
use writ_pipeline::{
    Commit, CompiledPolicy, Execute, ExecutionReport, ExecutionRequest, LoadPolicy, Pipeline,
    PolicyCache, RegistrySource, Replay, ReplayReport, ReplayRequest,
};
use writ_ports::{
    Admission, Admit, Backlog, CallbackRequest, CallbackSecretStore, CallbackSecrets, CancelTimer,
    ChangeJob, ChangeSchedule, ClaimId, Clock, CollectUploads, CommitResult, CompleteJob,
    ContextStore, ContextWrite, CountQueued, CountSignals, CreatePolicy, DeletePolicy,
    DeleteSchedule, DeliveryResult, DueJobs, DuePage, DueSchedules, DueSchedulesPage,
    EngineMetrics, EngineUsage, Evaluate, GcReport, GetBody, GetExecution, GetJob, GetPolicy,
    GetRevisions, GetSchedule, GetToken, Idempotency, IdempotencyKey, Ids, JobCompletion,
    JobNotifier, KeyState, ListTokens, NewRevision, Page, PeekQueue, PolicyHead, PutJob,
    PutSchedule, PutToken, Query, QueryExecutions, QueryJobs, QueryPolicies, QuerySchedules,
    RecordExecution, Redrive, RedriveReport, RemoveExpired, ReplacePolicy, Revision, RevisionPage,
    RevokeToken, ScheduleTimer, SendCallback, Sleep, StoredContext, StoredReply, Token, Unlimited,
    ValidateDocuments,
};
use writ_store::Store;

/// What [`Platform`] has in place of engines where nothing is run.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoEngine;

/// What [`Platform`] has in place of a queue and callbacks where it sends nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoOutbound;

/// What a platform sends: job signals to its runners and callbacks to receivers.
#[derive(Clone, Debug)]
pub struct Outbound<Q> {
    /// The queue that job signals are sent to.
    pub queue: Q,
    /// The client that sends callbacks.
    pub webhook_client: WebhookClient,
}

/// The platform: a store, the engines, what it sends, the machine's clock and random numbers.
#[derive(Debug)]
pub struct Platform<E, O = NoOutbound> {
    store: Store,
    engines: E,
    outbound: O,
    policy_cache: PolicyCache,
}

impl<E> Platform<E> {
    /// A platform that sends neither job signals nor callbacks.
    #[must_use]
    pub fn new(store: Store, engines: E) -> Self {
        Self { store, engines, outbound: NoOutbound, policy_cache: PolicyCache::default() }
    }

    /// The same platform with a queue and callbacks.
    #[must_use]
    pub fn with_outbound<Q>(self, outbound: Outbound<Q>) -> Platform<E, Outbound<Q>> {
        Platform {
            store: self.store,
            engines: self.engines,
            outbound,
            policy_cache: self.policy_cache,
        }
    }
}

impl<E, O> Platform<E, O> {
    /// The engines that run its policies.
    pub fn engines(&self) -> &E {
        &self.engines
    }

    /// The pipeline over this platform's own registry.
    fn pipeline(&self) -> Pipeline<'_, RegistrySource<'_, Self>, Self>
    where
        E: Send + Sync,
        O: Send + Sync,
    {
        Pipeline::registry(self, &self.policy_cache)
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
    ContextStore {
        get_context(workspace: &Workspace, policy_id: &str) -> StoredContext;
        commit_context(execution: &Execution, context: ContextWrite<'_>) -> CommitResult;
    }
    GetExecution {
        get_execution(workspace: &Workspace, execution_id: &str) -> Option<Execution>;
    }
    QueryExecutions { query_executions(workspace: &Workspace, query: &Query) -> Page; }
    PutJob { put_job(submission: &Submission, state: &JobState) -> (); }
    GetJob { get_job(workspace: &Workspace, job_id: &str) -> Option<Job>; }
    QueryJobs { query_jobs(workspace: &Workspace, query: &Query) -> Page; }
    CountQueued { count_before(workspace: &Workspace, queue_key: &str, most: usize) -> usize; }
    ChangeJob { change_job(submission: &Submission, state: &JobState) -> bool; }
    CompleteJob { complete_job(end: JobCompletion<'_>) -> CommitResult; }
    PeekQueue { peek_queue(workspace: &Workspace, limit: usize) -> Vec<String>; }
    DueJobs { due_jobs(before: Timestamp, next: Option<&str>) -> DuePage; }
    PutSchedule { put_schedule(schedule: &Schedule) -> (); }
    GetSchedule { get_schedule(workspace: &Workspace, name: &str) -> Option<Schedule>; }
    ChangeSchedule { change_schedule(schedule: &Schedule) -> bool; }
    DeleteSchedule { delete_schedule(schedule: &Schedule) -> bool; }
    QuerySchedules { query_schedules(workspace: &Workspace, query: &Query) -> Page; }
    DueSchedules { due_schedules(before: Timestamp, next: Option<&str>) -> DueSchedulesPage; }
    CallbackSecretStore {
        get_callback_secrets(workspace: &Workspace) -> CallbackSecrets;
        put_callback_secrets(workspace: &Workspace, secrets: &CallbackSecrets) -> bool;
    }
    Idempotency {
        begin(key: &IdempotencyKey, now: Timestamp) -> KeyState;
        finish(
            key: &IdempotencyKey, claim: &ClaimId, reply: &StoredReply, now: Timestamp
        ) -> ();
        release(key: &IdempotencyKey, claim: &ClaimId) -> ();
        abandon(key: &IdempotencyKey, claim: &ClaimId) -> ();
    }
    GetToken { get_token(token_id: &str) -> Option<Token>; }
    PutToken { put_token(token: &Token) -> (); }
    ListTokens { list_tokens(workspace: &Workspace) -> Vec<Token>; }
    RevokeToken { revoke_token(workspace: &Workspace, token_id: &str) -> bool; }
    CollectUploads { collect_uploads(before: Timestamp) -> GcReport; }
    RemoveExpired { remove_expired(before: Timestamp) -> GcReport; }
}

impl<E: Send + Sync, O: Send + Sync> Clock for Platform<E, O> {
    fn now(&self) -> Timestamp {
        Os.now()
    }

    fn ticks_us(&self) -> u64 {
        Os.ticks_us()
    }
}

impl<E: Send + Sync, O: Send + Sync> Ids for Platform<E, O> {
    fn id(&self, now: Timestamp) -> String {
        Os.id(now)
    }

    fn seed(&self) -> u64 {
        Os.seed()
    }

    fn secret(&self) -> Result<[u8; 32], Error> {
        Os.secret()
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

impl EngineMetrics for NoEngine {
    fn engine_use(&self) -> EngineUsage {
        EngineUsage::default()
    }
}

impl<E: EngineMetrics, O: Send + Sync> EngineMetrics for Platform<E, O> {
    fn engine_use(&self) -> EngineUsage {
        self.engines.engine_use()
    }
}

impl<E: Evaluate, O: Send + Sync> Evaluate for Platform<E, O> {
    async fn check(
        &self,
        workspace: &Workspace,
        source: Source,
        documents: Vec<Document>,
    ) -> Result<CheckReport, Failure> {
        self.engines.check(workspace, source, documents).await
    }

    async fn evaluate(
        &self,
        workspace: &str,
        source: Source,
        call: Call,
        budget: Budget,
    ) -> Result<Outcome, FailedRun> {
        self.engines.evaluate(workspace, source, call, budget).await
    }

    fn version(&self, language: Language) -> &'static str {
        self.engines.version(language)
    }
}

impl<E: ValidateDocuments, O: Send + Sync> ValidateDocuments for Platform<E, O> {
    async fn validate_documents(
        &self,
        workspace: &Workspace,
        source: Source,
        documents: Vec<Document>,
    ) -> Result<(), Failure> {
        self.engines.validate_documents(workspace, source, documents).await
    }
}

impl<E: Send + Sync, O: Send + Sync> LoadPolicy for Platform<E, O> {
    async fn load_policy(
        &self,
        workspace: &Workspace,
        uri: &PolicyUri,
    ) -> Result<Arc<CompiledPolicy>, Error> {
        self.pipeline().load(workspace, uri).await
    }
}

impl<E: Evaluate, O: Send + Sync> Execute for Platform<E, O> {
    async fn execute(&self, request: ExecutionRequest) -> Result<ExecutionReport, Error> {
        self.pipeline().execute(request).await.inspect(log_followup_error)
    }

    async fn execute_for(
        &self,
        request: ExecutionRequest,
        commit: &impl Commit,
    ) -> Result<ExecutionReport, Error> {
        self.pipeline().execute_for(request, commit).await.inspect(log_followup_error)
    }
}

impl<E: Evaluate, O: Send + Sync> Replay for Platform<E, O> {
    async fn replay(&self, request: ReplayRequest) -> Result<ReplayReport, Error> {
        self.pipeline().replay(request).await
    }
}

/// Logs an error of the failure policy, which is none of the run's caller.
fn log_followup_error(report: &ExecutionReport) {
    if let Some(error) = &report.followup_error {
        let execution_id = &report.execution.execution_id;
        tracing::warn!(%execution_id, %error, log = error.log, "no failure policy followed");
    }
}

impl<E: Send + Sync, O: Send + Sync> Sleep for Platform<E, O> {
    async fn sleep(&self, time: Duration) {
        Os.sleep(time).await;
    }
}

impl<E: Send + Sync, Q: JobNotifier> JobNotifier for Platform<E, Outbound<Q>> {
    async fn notify(&self, signals: &[JobSignal], delay: Duration) -> Result<(), Error> {
        self.outbound.queue.notify(signals, delay).await
    }
}

impl<E: Send + Sync, Q: ScheduleTimer> ScheduleTimer for Platform<E, Outbound<Q>> {
    async fn schedule_timer(&self, schedule: &Schedule) -> Result<(), Error> {
        self.outbound.queue.schedule_timer(schedule).await
    }
}

impl<E: Send + Sync, Q: CancelTimer> CancelTimer for Platform<E, Outbound<Q>> {
    async fn cancel_timer(&self, workspace: &Workspace, name: &str) -> Result<(), Error> {
        self.outbound.queue.cancel_timer(workspace, name).await
    }
}

impl<E: Send + Sync, Q: CountSignals> CountSignals for Platform<E, Outbound<Q>> {
    fn backlog(&self) -> Backlog {
        self.outbound.queue.backlog()
    }
}

impl<E: Send + Sync, Q: Redrive> Redrive for Platform<E, Outbound<Q>> {
    async fn redrive(&self, workspace: &Workspace) -> Result<RedriveReport, Error> {
        self.outbound.queue.redrive(workspace).await
    }
}

impl<E: Send + Sync, Q: Send + Sync> SendCallback for Platform<E, Outbound<Q>> {
    fn check_callback(&self, url: &str) -> Result<(), Error> {
        self.outbound.webhook_client.check_callback(url)
    }

    async fn send_callback(&self, call: CallbackRequest<'_>) -> DeliveryResult {
        self.outbound.webhook_client.send_callback(call).await
    }
}
