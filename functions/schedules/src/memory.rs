//! The ports in memory, and requests, for the tests of this room. Each call gives way first, so that
//! a test decides who goes on, and who never does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::{Value, json};
use writ_edge::{Caller, Reply, Request};
use writ_model::{
    Digest, Error, ErrorKind, FireOutcome, Identity, Job, JobSignal, JobState, LastFire,
    PolicyRule, PolicyUri, PrincipalKind, Role, Schedule, Submission, Timestamp, Workspace,
};
use writ_pipeline::{CompiledPolicy, LoadPolicy, Pipeline, PolicyCache};
use writ_ports::{
    CallbackRequest, CancelTimer, ChangeSchedule, Clock, DeleteSchedule, DeliveryResult,
    DueSchedules, DueSchedulesPage, GetBody, GetJob, GetPolicy, GetSchedule, Ids, JobNotifier,
    Page, PolicyHead, PutJob, PutSchedule, Query, QuerySchedules, ScheduleTimer, SendCallback,
};
use writ_schedules::document;

/// Takes an `ip`, which it masks.
pub(crate) const POLICY: &str = r#"{"name": "list", "version": "1", "release_tag": "x",
    "code": "package a\n", "code_type": "rego", "metadata": {"mask": ["/input_data/secret"]},
    "policy_input_schema": {"ip": {"type": "string", "required": true}}}"#;

/// A URL that may not be called.
pub(crate) const DIRTY: &str = "http://10.0.0.1/";

/// Some Monday, 09:20:00.
const BEGIN_MS: i64 = 1_790_587_200_000;

/// A platform's schedules and what they made.
pub(crate) struct Memory {
    policy_cache: PolicyCache,
    inner: Mutex<Inner>,
}

struct Inner {
    now_ms: i64,
    count: u64,
    /// Calls that fail from now on.
    failing: u32,
    policies: BTreeMap<PolicyUri, (PolicyHead, Arc<str>)>,
    schedules: BTreeMap<(Workspace, String), Schedule>,
    jobs: BTreeMap<String, Submission>,
    missed: Vec<LastFire>,
    planned: Vec<String>,
}

impl Default for Memory {
    fn default() -> Self {
        let inner = Inner {
            now_ms: BEGIN_MS,
            count: 0,
            failing: 0,
            policies: BTreeMap::new(),
            schedules: BTreeMap::new(),
            jobs: BTreeMap::new(),
            missed: Vec::new(),
            planned: Vec::new(),
        };
        let memory = Self { policy_cache: PolicyCache::default(), inner: Mutex::new(inner) };
        memory.register(POLICY);
        memory
    }
}

/// Whose schedules a test is about.
pub(crate) fn own() -> Workspace {
    "a".parse().unwrap()
}

impl Memory {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// Gives way, and fails where the test says so.
    async fn enter(&self) -> Result<MutexGuard<'_, Inner>, Error> {
        tokio::task::yield_now().await;
        let mut inner = self.inner();
        if inner.failing > 0 {
            inner.failing -= 1;
            return Err(Error::internal("the store is down"));
        }
        Ok(inner)
    }

    pub(crate) fn register(&self, body: &str) {
        let uri = PolicyRule::from_json(body).unwrap().policy_rule_uri;
        let head = PolicyHead {
            policy_id: "p1".to_owned(),
            uri: uri.clone(),
            revision: 1,
            digest: Digest::of(body.as_bytes()),
            created_at: self.now(),
            updated_at: self.now(),
        };
        self.inner().policies.insert(uri, (head, body.into()));
    }

    pub(crate) fn forget_policies(&self) {
        self.inner().policies.clear();
    }

    /// The next calls fail.
    pub(crate) fn fail(&self, calls: u32) {
        self.inner().failing = calls;
    }

    pub(crate) fn go_on(&self, ms: i64) {
        self.inner().now_ms += ms;
    }

    pub(crate) fn schedule(&self, name: &str) -> Schedule {
        self.inner().schedules.get(&(own(), name.to_owned())).unwrap().clone()
    }

    /// The jobs that were made, by their ids.
    pub(crate) fn jobs(&self) -> BTreeMap<String, Submission> {
        self.inner().jobs.clone()
    }

    /// What was ever written as missed.
    pub(crate) fn missed(&self) -> Vec<LastFire> {
        self.inner().missed.clone()
    }

    /// What was planned and forgotten.
    pub(crate) fn planned(&self) -> Vec<String> {
        self.inner().planned.clone()
    }
}

/// A request of an operator.
pub(crate) fn request(name: &str, body: &str) -> Request {
    Request {
        method: Method::POST,
        path: String::new(),
        params: vec![("name".to_owned(), name.to_owned())],
        query: Vec::new(),
        headers: HeaderMap::new(),
        body: Bytes::from(body.to_owned()),
        caller: Caller {
            identity: Identity {
                subject: "ada".to_owned(),
                workspace: own(),
                role: Role::Operator,
            },
            principal_kind: PrincipalKind::Token,
        },
        rule: String::new(),
        request_id: String::new(),
    }
}

/// The `data` of a reply of success.
pub(crate) fn data(reply: &Reply) -> Value {
    let mut body: Value = serde_json::from_str(&reply.body).unwrap();
    body["data"].take()
}

/// A body with what every schedule has, and these members over it.
pub(crate) fn body(members: Value) -> String {
    let mut body = json!({
        "name": "nightly",
        "schedule_expression": "rate(5 minutes)",
        "target": {"policy": {"policy_rule_uri": "list:1-x", "input_data": {"ip": "10.0.0.1"}}},
    });
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    body.to_string()
}

impl Clock for Memory {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.inner().now_ms)
    }
}

impl Ids for Memory {
    fn id(&self, now: Timestamp) -> String {
        format!("{:016}-{:012}", now.as_ms(), self.seed())
    }

    fn seed(&self) -> u64 {
        let mut inner = self.inner();
        inner.count += 1;
        inner.count
    }

    fn secret(&self) -> Result<[u8; 32], Error> {
        Ok([7; 32])
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
        _: &Workspace,
        uri: &PolicyUri,
    ) -> Result<Option<PolicyHead>, Error> {
        Ok(self.enter().await?.policies.get(uri).map(|(head, _)| head.clone()))
    }
}

impl GetBody for Memory {
    async fn get_body(&self, _: &Workspace, digest: &Digest) -> Result<Option<Arc<str>>, Error> {
        let inner = self.enter().await?;
        let found = inner.policies.values().find(|(head, _)| head.digest == *digest);
        Ok(found.map(|(_, body)| Arc::clone(body)))
    }
}

impl PutJob for Memory {
    async fn put_job(&self, submission: &Submission, _: &JobState) -> Result<(), Error> {
        let mut inner = self.enter().await?;
        if inner.jobs.contains_key(&submission.job_id) {
            return Err(Error::new(ErrorKind::Conflict, "there is such a job already"));
        }
        inner.jobs.insert(submission.job_id.clone(), submission.clone());
        Ok(())
    }
}

impl GetJob for Memory {
    async fn get_job(&self, _: &Workspace, job_id: &str) -> Result<Option<Job>, Error> {
        let submission = self.enter().await?.jobs.get(job_id).cloned();
        Ok(submission.map(|submission| Job {
            state: writ_jobs::enqueue(&submission),
            submission,
            output: None,
        }))
    }
}

impl JobNotifier for Memory {
    async fn notify(&self, _: &[JobSignal], _: Duration) -> Result<(), Error> {
        self.enter().await.map(drop)
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

impl PutSchedule for Memory {
    async fn put_schedule(&self, schedule: &Schedule) -> Result<(), Error> {
        let mut inner = self.enter().await?;
        let key = (schedule.workspace.clone(), schedule.name.clone());
        if inner.schedules.contains_key(&key) {
            return Err(Error::new(ErrorKind::Conflict, "there is such a schedule already"));
        }
        inner.schedules.insert(key, schedule.clone());
        Ok(())
    }
}

impl GetSchedule for Memory {
    async fn get_schedule(
        &self,
        workspace: &Workspace,
        name: &str,
    ) -> Result<Option<Schedule>, Error> {
        let key = (workspace.clone(), name.to_owned());
        Ok(self.enter().await?.schedules.get(&key).cloned())
    }
}

impl ChangeSchedule for Memory {
    async fn change_schedule(&self, schedule: &Schedule) -> Result<bool, Error> {
        let mut inner = self.enter().await?;
        let key = (schedule.workspace.clone(), schedule.name.clone());
        let Some(kept) = inner.schedules.get_mut(&key) else { return Ok(false) };
        if kept.schedule_id != schedule.schedule_id
            || kept.state.version + 1 != schedule.state.version
        {
            return Ok(false);
        }
        let newest = schedule.state.last_fires.first();
        let is_new = newest != kept.state.last_fires.first();
        let missed = newest.filter(|fire| is_new && fire.outcome == FireOutcome::Missed).cloned();
        *kept = schedule.clone();
        inner.missed.extend(missed);
        Ok(true)
    }
}

impl DeleteSchedule for Memory {
    async fn delete_schedule(&self, schedule: &Schedule) -> Result<bool, Error> {
        let mut inner = self.enter().await?;
        let key = (schedule.workspace.clone(), schedule.name.clone());
        let is_same = inner.schedules.get(&key) == Some(schedule);
        if is_same {
            inner.schedules.remove(&key);
        }
        Ok(is_same)
    }
}

impl QuerySchedules for Memory {
    async fn query_schedules(&self, workspace: &Workspace, query: &Query) -> Result<Page, Error> {
        let inner = self.enter().await?;
        let all = inner.schedules.values().filter(|one| one.workspace == *workspace);
        let items: Vec<_> = all.map(|one| document(one).unwrap()).collect();
        let matches = |text: &String| query.filter.matches(&serde_json::from_str(text).unwrap());
        let items: Vec<_> = items.into_iter().filter(matches).take(query.limit).collect();
        Ok(Page { reads: items.len(), items, next_token: None })
    }
}

impl DueSchedules for Memory {
    async fn due_schedules(
        &self,
        before: Timestamp,
        _: Option<&str>,
    ) -> Result<DueSchedulesPage, Error> {
        let inner = self.enter().await?;
        let is_due = |one: &&Schedule| one.state.due_at.is_some_and(|due| due <= before);
        let due = inner.schedules.values().filter(is_due);
        let schedules = due.map(|one| (one.workspace.clone(), one.name.clone())).collect();
        Ok(DueSchedulesPage { schedules, next: None })
    }
}

impl ScheduleTimer for Memory {
    async fn schedule_timer(&self, schedule: &Schedule) -> Result<(), Error> {
        self.enter().await?.planned.push(format!("{} {:?}", schedule.name, schedule.revision));
        Ok(())
    }
}

impl CancelTimer for Memory {
    async fn cancel_timer(&self, _: &Workspace, name: &str) -> Result<(), Error> {
        self.enter().await?.planned.push(format!("{name} gone"));
        Ok(())
    }
}
