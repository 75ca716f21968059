//! Attempts through the real pipeline, with an engine that draws each outcome at random.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use writ_model::run::{Budget, Call, CheckReport, Document, FailedRun, Failure, Outcome, Source};
use writ_model::{
    ContextChange, Digest, Error, ErrorKind, Execution, Language, PolicyUri, RawJson, Workspace,
};
use writ_pipeline::{Commit, Execute, ExecutionReport, ExecutionRequest, Pipeline, PolicyCache};
use writ_ports::{
    Admission, Admit, CommitResult, ContextStore, ContextWrite, Evaluate, GetExecution, Handle,
    PolicySource, Projection, RecordExecution, StoredContext,
};

use crate::node::{Node, Service};
use crate::store::ContextUpdate;
use crate::world::{World, lock};

/// The policy that counts its runs in its context.
pub(crate) const COUNTER: &str = "counter:1-x";
/// The policy that has no context.
pub(crate) const STATELESS: &str = "plain:1-x";
/// The policy that has [`FAILURE_POLICY`] as its failure policy.
pub(crate) const WITH_FAILURE_POLICY: &str = "watched:1-x";
pub(crate) const FAILURE_POLICY: &str = "after:1-x";

const POLICIES: [(&str, &str, &str); 4] = [
    (COUNTER, "counter", r#"{"state":true}"#),
    (STATELESS, "plain", "{}"),
    (WITH_FAILURE_POLICY, "watched", r#"{"failure_policy_uri":"after:1-x"}"#),
    (FAILURE_POLICY, "after", "{}"),
];

/// A policy as its source returns it.
#[derive(Clone)]
struct StoredPolicy {
    uri: PolicyUri,
    digest: Digest,
    body: Arc<str>,
}

thread_local! {
    static POLICY: BTreeMap<&'static str, StoredPolicy> = POLICIES.iter().map(|policy| {
        let (uri, name, metadata) = policy;
        let body = format!(
            r#"{{"name":"{name}","version":"1","release_tag":"x","code":"","code_type":"rego","metadata":{metadata}}}"#
        );
        let digest = Digest::of(body.as_bytes());
        (*uri, StoredPolicy { uri: uri.parse().unwrap(), digest, body: body.into() })
    }).collect();
    static CACHE: RefCell<Arc<PolicyCache>> = RefCell::default();
}

fn policy(uri: &str) -> Option<StoredPolicy> {
    POLICY.with(|policies| policies.get(uri).cloned())
}

impl Execute for Node {
    async fn execute(&self, request: ExecutionRequest) -> Result<ExecutionReport, Error> {
        let cache = cache();
        Pipeline::new(self, self, &cache).execute(request).await
    }

    async fn execute_for(
        &self,
        request: ExecutionRequest,
        commit: &impl Commit,
    ) -> Result<ExecutionReport, Error> {
        let cache = cache();
        Pipeline::new(self, self, &cache).execute_for(request, commit).await
    }
}

fn cache() -> Arc<PolicyCache> {
    CACHE.with(|cache| Arc::clone(&cache.borrow()))
}

impl PolicySource for Node {
    fn name(&self) -> &'static str {
        "builtin"
    }

    async fn acquire(&self, workspace: &Workspace, uri: &PolicyUri) -> Result<Handle, Error> {
        let name = uri.to_string();
        let stored = self.call(Service::Store, "acquire", move |_| policy(&name)).await?;
        let stored =
            stored.ok_or_else(|| Error::not_found(format!("there is no policy `{uri}`")))?;
        Ok(Handle {
            workspace: workspace.clone(),
            uri: stored.uri,
            revision: 1,
            digest: stored.digest,
            policy_id: uri.to_string(),
        })
    }

    async fn projection(&self, handle: &Handle) -> Result<Projection, Error> {
        let stored = policy(&handle.uri.to_string());
        let stored = stored.ok_or_else(|| Error::internal("a policy is missing"))?;
        Ok(Projection { body: stored.body })
    }

    async fn release(&self, _: Handle) {}
}

impl Evaluate for Node {
    async fn check(
        &self,
        _: &Workspace,
        _: Source,
        _: Vec<Document>,
    ) -> Result<CheckReport, Failure> {
        Ok(CheckReport::default())
    }

    async fn evaluate(
        &self,
        _: &str,
        _: Source,
        call: Call,
        budget: Budget,
    ) -> Result<Outcome, FailedRun> {
        let budget_ms = u64::try_from(budget.time.as_millis()).unwrap();
        let run_ms = {
            let mut world = lock(&self.world);
            let rate = world.config.long_runs;
            let is_long = world.rng.random_bool(rate);
            let ms_max = if is_long { 420_000 } else { world.config.run_ms_max };
            world.rng.below(ms_max + 1)
        };
        self.wait(run_ms.min(budget_ms)).await;
        self.inject_process_fault().await;
        if run_ms > budget_ms {
            return Err(Failure::TimedOut { budget_ms }.into());
        }
        let mut world = lock(&self.world);
        if world.draw_fault(|config| config.runs_lost) {
            world.counts.add("run lost");
            return Err(Failure::WorkerLost { reason: "killed".to_owned() }.into());
        }
        let policy_errors = world.config.policy_errors;
        if world.rng.random_bool(policy_errors) {
            let failure = Failure::Raised {
                kind: "ValueError".to_owned(),
                message: "no".to_owned(),
                line: None,
                traceback: String::new(),
            };
            return Err(failure.into());
        }
        let is_changed = world.rng.random_bool(900);
        Ok(Outcome {
            output: RawJson::parse(r#"{"ok":true}"#).unwrap(),
            printed: String::new(),
            context: call.context.map(|context| increment(&context, is_changed)),
            coverage: None,
            engine_us: 1,
        })
    }

    fn version(&self, _: Language) -> &'static str {
        "simulation 1"
    }
}

/// Increments the count if `is_changed`.
fn increment(context: &RawJson, is_changed: bool) -> ContextChange {
    let count = context.value().get("n").and_then(|n| n.as_u64()).unwrap_or(0);
    let next = RawJson::parse(&(count + 1).to_string()).unwrap();
    let set = is_changed.then(|| ("n".to_owned(), next)).into_iter().collect();
    ContextChange { set, deleted: BTreeSet::new() }
}

impl Admit for Node {
    async fn admit(
        &self,
        _: &Workspace,
        _: &str,
        _: &PolicyUri,
        execution_id: &str,
    ) -> Result<Admission, Error> {
        let is_refused = self.call(Service::Store, "admit", |world| {
            world.draw_fault(|config| config.admissions_refused)
        });
        if is_refused.await? {
            let seconds = u32::try_from(lock(&self.world).rng.below(90)).unwrap();
            let error = Error::new(ErrorKind::Limited, "no slot is free");
            return Err(if seconds == 0 { error } else { error.retry_after(seconds) });
        }
        Ok(Admission { execution_id: execution_id.to_owned() })
    }

    async fn release(&self, _: Admission) -> Result<(), Error> {
        self.call(Service::Store, "release", |_| ()).await
    }
}

impl RecordExecution for Node {
    async fn record_execution(&self, execution: &Execution) -> Result<(), Error> {
        let (write, execution) = (lock(&self.world).new_write(), execution.clone());
        let record = move |world: &mut World| world.commit_run(write, &execution, None);
        self.call(Service::Store, "record", record).await?.map(drop)
    }
}

impl GetExecution for Node {
    async fn get_execution(&self, _: &Workspace, id: &str) -> Result<Option<Execution>, Error> {
        let id = id.to_owned();
        let record = move |world: &mut World| {
            world.store.records.get(&id).map(|record| record.execution.clone())
        };
        self.call(Service::Store, "get_execution", record).await
    }
}

impl ContextStore for Node {
    async fn get_context(&self, _: &Workspace, policy_id: &str) -> Result<StoredContext, Error> {
        let policy_id = policy_id.to_owned();
        let get = move |world: &mut World| {
            world.store.contexts.get(&policy_id).cloned().unwrap_or_default()
        };
        self.call(Service::Store, "get_context", get).await
    }

    async fn commit_context(
        &self,
        execution: &Execution,
        context: ContextWrite<'_>,
    ) -> Result<CommitResult, Error> {
        let (write, execution) = (lock(&self.world).new_write(), execution.clone());
        let update = ContextUpdate::from(context);
        let commit = move |world: &mut World| world.commit_run(write, &execution, Some(&update));
        self.call(Service::Store, "commit_context", commit).await?
    }
}

/// The timeouts of jobs, in seconds.
pub(crate) const TIMEOUTS_S: [u32; 4] = [1, 5, 60, 300];
