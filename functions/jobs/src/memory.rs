//! The ports in memory, and requests, for the tests of this room.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use writ_edge::{Caller, Reply, Request};
use writ_jobs::{
    AttemptEnd, LeaseRequest, Runner, cancel, complete, document, enqueue, lease, queue_key,
};
use writ_model::{
    Attempt, AttemptOutcome, Cause, Digest, Error, ErrorKind, Execution, ExecutorId, Identity, Job,
    JobSignal, JobState, JobStatus, PolicyRule, PolicyUri, PrincipalKind, RawJson, Role,
    SignalKind, Submission, Timestamp, Workspace,
};
use writ_pipeline::{CompiledPolicy, LoadPolicy, Pipeline, PolicyCache};
use writ_ports::{
    CallbackRequest, CallbackSecretStore, CallbackSecrets, ChangeJob, Clock, CountQueued,
    DeliveryResult, GetBody, GetExecution, GetJob, GetPolicy, Ids, JobNotifier, Page, PolicyHead,
    PutJob, Query, QueryJobs, Redrive, RedriveReport, SendCallback, Sleep,
};

/// A URL that may not be called.
pub(crate) const DIRTY: &str = "http://10.0.0.1/";

/// Hints that one step puts back.
const STEP: u64 = 10;

/// How somebody else moves a job.
type Move = fn(&Submission, &JobState, Timestamp) -> JobState;

/// A platform's jobs; its time goes by when somebody sleeps, its chance counts.
pub(crate) struct Memory {
    policy_cache: PolicyCache,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    now_us: i64,
    count: u64,
    is_down: bool,
    policy: Option<(PolicyHead, Arc<str>)>,
    jobs: BTreeMap<(Workspace, String), Job>,
    executions: BTreeMap<String, Execution>,
    announced: Vec<(String, SignalKind, Duration)>,
    slept: Vec<Duration>,
    rivals: VecDeque<(String, Move)>,
    at_sleep: Option<(usize, String, Move)>,
    dead_letters: u64,
    secrets: CallbackSecrets,
}

impl Default for Memory {
    fn default() -> Self {
        let inner = Inner { now_us: 1_790_000_000_000_000, ..Inner::default() };
        Self { policy_cache: PolicyCache::default(), inner: Mutex::new(inner) }
    }
}

/// Whose jobs a test is about, unless it says.
fn own() -> Workspace {
    "a".parse().unwrap()
}

impl Memory {
    /// With one policy.
    pub(crate) fn with(body: &str) -> Self {
        let memory = Self::default();
        let now = memory.now();
        let head = PolicyHead {
            policy_id: "p1".to_owned(),
            uri: PolicyRule::from_json(body).unwrap().policy_rule_uri,
            revision: 1,
            digest: Digest::of(body.as_bytes()),
            created_at: now,
            updated_at: now,
        };
        memory.inner().policy = Some((head, body.into()));
        memory
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// The time in so many milliseconds.
    pub(crate) fn after(&self, ms: i64) -> Timestamp {
        Timestamp::from_ms(self.now().as_ms() + ms)
    }

    /// From now on the queue takes nothing and nobody counts.
    pub(crate) fn break_down(&self) {
        self.inner().is_down = true;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.inner().jobs.is_empty()
    }

    /// Which jobs were announced, why, and with which delay.
    pub(crate) fn announced(&self) -> Vec<(String, SignalKind, Duration)> {
        self.inner().announced.clone()
    }

    pub(crate) fn slept_ms(&self) -> Vec<u128> {
        self.inner().slept.iter().map(Duration::as_millis).collect()
    }

    /// The job of that id.
    pub(crate) fn job(&self, job_id: &str) -> Job {
        self.inner().jobs.get(&(own(), job_id.to_owned())).unwrap().clone()
    }

    fn keep(&self, submission: Submission, state: JobState) {
        let key = (submission.workspace.clone(), submission.job_id.clone());
        self.inner().jobs.insert(key, Job { submission, state, output: None });
    }

    /// A job that waits.
    pub(crate) fn queue(&self, job_id: &str) {
        self.queue_in("a", job_id);
    }

    /// A job that waits in another workspace.
    pub(crate) fn queue_in(&self, workspace: &str, job_id: &str) {
        let submission = submission(workspace, job_id, self.now());
        let state = enqueue(&submission);
        self.keep(submission, state);
    }

    /// A job that waits and whose end somebody wants to hear of.
    pub(crate) fn queue_calling(&self, job_id: &str, url: &str) {
        let submission = Submission {
            callback_url: Some(url.to_owned()),
            ..submission("a", job_id, self.now())
        };
        let state = enqueue(&submission);
        self.keep(submission, state);
    }

    /// A job that is over.
    pub(crate) fn ended(&self, job_id: &str, status: JobStatus) {
        let kind = match status {
            JobStatus::Failed => Some(ErrorKind::PolicyRaised),
            JobStatus::TimedOut => Some(ErrorKind::PolicyTimedOut),
            _ => None,
        };
        self.run(job_id, status, kind);
    }

    /// A job that failed because its runners were lost.
    pub(crate) fn lost(&self, job_id: &str) {
        self.run(job_id, JobStatus::Failed, Some(ErrorKind::ExecutorFault));
    }

    fn run(&self, job_id: &str, status: JobStatus, kind: Option<ErrorKind>) {
        let now = self.now();
        let submission = Submission { max_attempts: Some(1), ..submission("a", job_id, now) };
        let runner = Runner { executor_id: ExecutorId::BUILTIN, node_id: None };
        let grant = LeaseRequest { fencing_token: "f".to_owned(), execution_id: "e1".to_owned() };
        let state = lease(&submission, &enqueue(&submission), &runner, grant, now).unwrap();
        let error = kind.map(|kind| Error::new(kind, "no"));
        let ended = AttemptEnd { error: error.as_ref(), execution_id: None, started_at: None };
        let state = match status {
            JobStatus::Cancelled => cancel(&submission, &state, "ben", now).unwrap(),
            _ => complete(&submission, &state, "f", &ended, now, 0).unwrap(),
        };
        assert_eq!(state.job_status, status);
        self.keep(submission, state);
    }

    /// The job's attempts, by what each printed; one that is lost left no record.
    pub(crate) fn attempted(&self, job_id: &str, printed: &[Option<&str>]) {
        let now = self.now();
        let mut inner = self.inner();
        inner.executions.clear();
        let mut attempts = Vec::new();
        for (number, printed) in (1_u32..).zip(printed) {
            let execution_id = format!("e{number}");
            attempts.push(Attempt {
                attempt: number,
                execution_id: execution_id.clone(),
                executor_id: ExecutorId::BUILTIN,
                node_id: None,
                admitted_at: now,
                ended_at: Some(now),
                outcome: Some(printed.map_or(AttemptOutcome::Lost, |_| AttemptOutcome::Failed)),
                error: None,
            });
            if let Some(printed) = printed {
                inner.executions.insert(execution_id.clone(), execution(&execution_id, printed));
            }
        }
        inner.jobs.get_mut(&(own(), job_id.to_owned())).unwrap().state.attempts = attempts;
    }

    /// Somebody else moves the job right before the next change of it is written.
    pub(crate) fn rival(&self, job_id: &str, moves: Move) {
        self.inner().rivals.push_back((job_id.to_owned(), moves));
    }

    /// Somebody moves the job during the sleep of that number, from 1.
    pub(crate) fn at_sleep(&self, number: usize, job_id: &str, moves: Move) {
        self.inner().at_sleep = Some((number, job_id.to_owned(), moves));
    }

    pub(crate) fn dead_letters(&self, count: u64) {
        self.inner().dead_letters = count;
    }
}

impl Inner {
    fn moved(&mut self, job_id: &str, moves: Move) {
        let now = Timestamp::from_ms(self.now_us / 1_000);
        let job = self.jobs.get_mut(&(own(), job_id.to_owned())).unwrap();
        job.state = moves(&job.submission, &job.state, now);
    }

    fn check_up(&self) -> Result<(), Error> {
        if self.is_down { Err(Error::new(ErrorKind::Unavailable, "down")) } else { Ok(()) }
    }
}

fn submission(workspace: &str, job_id: &str, now: Timestamp) -> Submission {
    Submission {
        job_id: job_id.to_owned(),
        workspace: workspace.parse().unwrap(),
        name: "check".to_owned(),
        executor_id: ExecutorId::BUILTIN,
        policy_rule_uri: "list:1-x".parse().unwrap(),
        policy_rule_parameters: None,
        node_selector: None,
        inputs: RawJson::parse(r#"{"ip": "192.168.1.1"}"#).unwrap(),
        timeout_seconds: 60,
        max_attempts: None,
        not_before: None,
        priority: 5,
        callback_url: None,
        identity: "ana".to_owned(),
        principal_kind: PrincipalKind::Token,
        on_behalf_of: None,
        cause: Cause::Request,
        schedule: None,
        mask: Vec::new(),
        idempotency_key: None,
        trace_id: None,
        submitted_at: now,
    }
}

fn execution(execution_id: &str, printed: &str) -> Execution {
    let record = json!({
        "execution_id": execution_id, "workspace": "a", "identity": "a",
        "principal_kind": "local", "cause": "job", "policy_rule_uri": "list:1-x", "revision": 1,
        "digest": "d", "source": "builtin", "engine": "rego", "engine_version": "v",
        "executor_id": "builtin", "input_data": {}, "parameters": {},
        "started_at": "2026-01-31T09:30:00Z", "policy_time": "2026-01-31T09:30:00Z", "seed": 1,
        "status": "failed", "printed": printed, "duration_us": 1, "engine_us": 1,
    });
    serde_json::from_str(&record.to_string()).unwrap()
}

/// The stored body of `list:1-x`.
pub(crate) fn policy(fields: Value) -> String {
    let mut policy = json!({
        "name": "list", "version": "1", "release_tag": "x", "code_type": "rego", "code": "package list",
    });
    policy.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    PolicyRule::from_json(&policy.to_string()).unwrap().to_body().unwrap()
}

/// A request of Alice of workspace `a`, with these segments of its path.
pub(crate) fn request(params: &[(&str, &str)], body: &str) -> Request {
    let identity = Identity { subject: "alice".to_owned(), workspace: own(), role: Role::Admin };
    Request {
        method: Method::POST,
        path: "/".to_owned(),
        params: params
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        query: Vec::new(),
        headers: HeaderMap::new(),
        body: Bytes::copy_from_slice(body.as_bytes()),
        caller: Caller { identity, principal_kind: PrincipalKind::Token },
        rule: "the-rule".to_owned(),
        request_id: "r1".to_owned(),
    }
}

/// The body of a reply of success.
pub(crate) fn body(reply: &Reply) -> Value {
    let body: Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(body["success"], true);
    body
}

/// The `data` of a reply of success.
pub(crate) fn data(reply: &Reply) -> Value {
    body(reply)["data"].take()
}

impl Clock for Memory {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.inner().now_us / 1_000)
    }

    fn ticks_us(&self) -> u64 {
        self.inner().now_us.try_into().unwrap()
    }
}

impl Sleep for Memory {
    async fn sleep(&self, duration: Duration) {
        let mut inner = self.inner();
        inner.now_us += i64::try_from(duration.as_micros()).unwrap();
        inner.slept.push(duration);
        let number = inner.slept.len();
        if let Some((_, job_id, moves)) = inner.at_sleep.take_if(|(at, ..)| *at == number) {
            inner.moved(&job_id, moves);
        }
    }
}

impl Ids for Memory {
    fn id(&self, now: Timestamp) -> String {
        format!("{}-{}", now.as_ms(), self.seed())
    }

    fn seed(&self) -> u64 {
        let mut inner = self.inner();
        inner.count += 1;
        inner.count
    }

    fn secret(&self) -> Result<[u8; 32], Error> {
        let seed = self.seed().to_be_bytes();
        Ok(std::array::from_fn(|at| seed[at % seed.len()]))
    }
}

impl LoadPolicy for Memory {
    async fn load_policy(
        &self,
        workspace: &Workspace,
        uri: &PolicyUri,
    ) -> Result<Arc<CompiledPolicy>, Error> {
        Pipeline::registry(self, &self.policy_cache).load(workspace, uri).await
    }
}

impl GetPolicy for Memory {
    async fn get_policy(
        &self,
        workspace: &Workspace,
        uri: &PolicyUri,
    ) -> Result<Option<PolicyHead>, Error> {
        let head = self.inner().policy.as_ref().map(|(head, _)| head.clone());
        Ok(head.filter(|head| *workspace == own() && head.uri == *uri))
    }
}

impl GetBody for Memory {
    async fn get_body(&self, _: &Workspace, digest: &Digest) -> Result<Option<Arc<str>>, Error> {
        let policy = self.inner().policy.clone();
        Ok(policy.filter(|(head, _)| head.digest == *digest).map(|(_, body)| body))
    }
}

impl GetExecution for Memory {
    async fn get_execution(&self, _: &Workspace, id: &str) -> Result<Option<Execution>, Error> {
        Ok(self.inner().executions.get(id).cloned())
    }
}

impl PutJob for Memory {
    async fn put_job(&self, submission: &Submission, state: &JobState) -> Result<(), Error> {
        self.keep(submission.clone(), state.clone());
        Ok(())
    }
}

impl GetJob for Memory {
    async fn get_job(&self, workspace: &Workspace, job_id: &str) -> Result<Option<Job>, Error> {
        Ok(self.inner().jobs.get(&(workspace.clone(), job_id.to_owned())).cloned())
    }
}

/// In the order of ids.
impl QueryJobs for Memory {
    async fn query_jobs(&self, workspace: &Workspace, query: &Query) -> Result<Page, Error> {
        let inner = self.inner();
        let after = query.next_token.clone().unwrap_or_default();
        let found = inner.jobs.values().filter(|job| {
            let is_ahead = job.submission.workspace == *workspace && job.submission.job_id > after;
            let text = document(job, None).unwrap();
            is_ahead && query.filter.matches(&serde_json::from_str(&text).unwrap())
        });
        let found: Vec<_> = found.collect();
        let page = found.get(..query.limit).unwrap_or(&found);
        let last = page.last().filter(|_| page.len() < found.len());
        Ok(Page {
            items: page.iter().map(|job| document(job, None).unwrap()).collect(),
            next_token: last.map(|job| job.submission.job_id.clone()),
            reads: found.len(),
        })
    }
}

impl CountQueued for Memory {
    async fn count_before(
        &self,
        workspace: &Workspace,
        before: &str,
        most: usize,
    ) -> Result<usize, Error> {
        let inner = self.inner();
        inner.check_up()?;
        let waiting = inner.jobs.values().filter(|job| {
            job.state.is_queued
                && job.submission.workspace == *workspace
                && *queue_key(&job.submission, &job.state) < *before
        });
        Ok(waiting.count().min(most))
    }
}

impl ChangeJob for Memory {
    async fn change_job(&self, submission: &Submission, state: &JobState) -> Result<bool, Error> {
        let mut inner = self.inner();
        let is_rivals = |(job_id, _): &mut (String, Move)| *job_id == submission.job_id;
        if let Some((job_id, moves)) = inner.rivals.pop_front_if(is_rivals) {
            inner.moved(&job_id, moves);
        }
        let key = (submission.workspace.clone(), submission.job_id.clone());
        let kept = inner.jobs.get_mut(&key).unwrap();
        let is_next = kept.state.version + 1 == state.version;
        if is_next {
            kept.state = state.clone();
        }
        Ok(is_next)
    }
}

impl JobNotifier for Memory {
    async fn notify(&self, signals: &[JobSignal], delay: Duration) -> Result<(), Error> {
        let mut inner = self.inner();
        inner.check_up()?;
        inner
            .announced
            .extend(signals.iter().map(|signal| (signal.job_id.clone(), signal.kind, delay)));
        Ok(())
    }
}

impl Redrive for Memory {
    async fn redrive(&self) -> Result<RedriveReport, Error> {
        let mut inner = self.inner();
        let signals = inner.dead_letters.min(STEP);
        inner.dead_letters -= signals;
        Ok(RedriveReport { signals, more: inner.dead_letters > 0 })
    }
}

impl SendCallback for Memory {
    fn check_callback(&self, url: &str) -> Result<(), Error> {
        if url == DIRTY { Err(Error::invalid("`10.0.0.1` is private")) } else { Ok(()) }
    }

    async fn send_callback(&self, _: CallbackRequest<'_>) -> DeliveryResult {
        DeliveryResult::Delivered
    }
}

impl CallbackSecretStore for Memory {
    async fn get_callback_secrets(&self, _: &Workspace) -> Result<CallbackSecrets, Error> {
        Ok(self.inner().secrets.clone())
    }

    async fn put_callback_secrets(
        &self,
        _: &Workspace,
        secrets: &CallbackSecrets,
    ) -> Result<bool, Error> {
        self.inner().secrets = secrets.clone();
        Ok(true)
    }
}
