//! Attempts through the real pipeline, over policies whose engine is chance.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use writ_model::run::{Budget, Call, CheckReport, FailedRun, Failure, Outcome, Source};
use writ_model::{
    ContextChange, Digest, Error, ErrorKind, Execution, Language, PolicyUri, RawJson, Workspace,
};
use writ_pipeline::{Commit, Execute, ExecutionRequest, Pipeline, PolicyCache};
use writ_ports::{
    Admission, Admit, CommitResult, ContextStore, ContextWrite, Evaluate, Handle, PolicySource,
    Projection, RecordExecution, StoredContext,
};

use crate::node::{Node, To};
use crate::store::Keep;
use crate::world::{World, lock};

/// Counts its runs in its context.
pub(crate) const COUNTER: &str = "counter:1-x";
/// Keeps nothing.
pub(crate) const PLAIN: &str = "plain:1-x";
/// Its failure is followed by [`AFTER`].
pub(crate) const WATCHED: &str = "watched:1-x";
pub(crate) const AFTER: &str = "after:1-x";

const POLICIES: [(&str, &str, &str); 4] = [
    (COUNTER, "counter", r#"{"state":true}"#),
    (PLAIN, "plain", "{}"),
    (WATCHED, "watched", r#"{"failure_policy_uri":"after:1-x"}"#),
    (AFTER, "after", "{}"),
];

/// A policy as its source has it.
#[derive(Clone)]
struct Kept {
    uri: PolicyUri,
    digest: Digest,
    body: Arc<str>,
}

thread_local! {
    static POLICY: BTreeMap<&'static str, Kept> = POLICIES.iter().map(|(uri, name, metadata)| {
        let body = format!(
            r#"{{"name":"{name}","version":"1","release_tag":"x","code":"","code_type":"rego","metadata":{metadata}}}"#
        );
        let digest = Digest::of(body.as_bytes());
        (*uri, Kept { uri: uri.parse().unwrap(), digest, body: body.into() })
    }).collect();
    static CACHE: RefCell<Arc<PolicyCache>> = RefCell::default();
}

fn policy(uri: &str) -> Option<Kept> {
    POLICY.with(|policies| policies.get(uri).cloned())
}

impl Execute for Node {
    async fn execute(&self, request: ExecutionRequest) -> Result<Execution, Error> {
        let cache = cache();
        Ok(Pipeline::new(self, self, &cache).execute(request).await?.execution)
    }

    async fn execute_for(
        &self,
        request: ExecutionRequest,
        commit: &impl Commit,
    ) -> Result<Execution, Error> {
        let cache = cache();
        Ok(Pipeline::new(self, self, &cache).execute_for(request, commit).await?.execution)
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
        let kept = self.call(To::Store, "acquire", move |_| policy(&name)).await?;
        let kept = kept.ok_or_else(|| Error::not_found(format!("there is no policy `{uri}`")))?;
        Ok(Handle {
            workspace: workspace.clone(),
            uri: kept.uri,
            revision: 1,
            digest: kept.digest,
            policy_id: uri.to_string(),
        })
    }

    async fn projection(&self, handle: &Handle) -> Result<Projection, Error> {
        let kept = policy(&handle.uri.to_string());
        let kept = kept.ok_or_else(|| Error::internal("a policy is gone"))?;
        Ok(Projection { body: kept.body })
    }

    async fn release(&self, _: Handle) {}
}

impl Evaluate for Node {
    async fn check(&self, _: Source) -> Result<CheckReport, Failure> {
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
        let takes = {
            let mut world = lock(&self.world);
            let rate = world.plan.runs_long;
            let is_long = world.rng.happens(rate);
            let most = if is_long { 420_000 } else { world.plan.run_max };
            world.rng.below(most + 1)
        };
        self.wait(takes.min(budget_ms)).await;
        self.fall().await;
        if takes > budget_ms {
            return Err(Failure::TimedOut { budget_ms }.into());
        }
        let mut world = lock(&self.world);
        if world.goes_wrong(|plan| plan.runs_lost) {
            world.counts.add("run lost");
            return Err(Failure::WorkerLost { reason: "killed".to_owned() }.into());
        }
        let raises = world.plan.raises;
        if world.rng.happens(raises) {
            let failure = Failure::Raised {
                kind: "ValueError".to_owned(),
                message: "no".to_owned(),
                line: None,
                traceback: String::new(),
            };
            return Err(failure.into());
        }
        let changes = world.rng.happens(900);
        Ok(Outcome {
            output: RawJson::parse(r#"{"ok":true}"#).unwrap(),
            printed: String::new(),
            context: call.context.map(|kept| counted(&kept, changes)),
            coverage: None,
            engine_us: 1,
        })
    }

    fn version(&self, _: Language) -> &'static str {
        "chance 1"
    }
}

/// The count goes up by one, or nothing changes.
fn counted(kept: &RawJson, changes: bool) -> ContextChange {
    let count = kept.value().get("n").and_then(|n| n.as_u64()).unwrap_or(0);
    let next = RawJson::parse(&(count + 1).to_string()).unwrap();
    let set = changes.then(|| ("n".to_owned(), next)).into_iter().collect();
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
        let is_refused =
            self.call(To::Store, "admit", |world| world.goes_wrong(|plan| plan.limited));
        if is_refused.await? {
            let seconds = u32::try_from(lock(&self.world).rng.below(90)).unwrap();
            let refused = Error::new(ErrorKind::Limited, "no slot is free");
            return Err(if seconds == 0 { refused } else { refused.retry_after(seconds) });
        }
        Ok(Admission { execution_id: execution_id.to_owned() })
    }

    async fn release(&self, _: Admission) -> Result<(), Error> {
        self.call(To::Store, "release", |_| ()).await
    }
}

impl RecordExecution for Node {
    async fn record_execution(&self, execution: &Execution) -> Result<(), Error> {
        let (write, execution) = (lock(&self.world).new_write(), execution.clone());
        let record = move |world: &mut World| world.commit(write, &execution, None);
        self.call(To::Store, "record", record).await?.map(drop)
    }
}

impl ContextStore for Node {
    async fn get_context(&self, _: &Workspace, policy_id: &str) -> Result<StoredContext, Error> {
        let policy_id = policy_id.to_owned();
        let kept = move |world: &mut World| {
            world.store.contexts.get(&policy_id).cloned().unwrap_or_default()
        };
        self.call(To::Store, "get_context", kept).await
    }

    async fn commit_context(
        &self,
        execution: &Execution,
        context: ContextWrite<'_>,
    ) -> Result<CommitResult, Error> {
        let (write, execution) = (lock(&self.world).new_write(), execution.clone());
        let keep = Keep::from(context);
        let commit = move |world: &mut World| world.commit(write, &execution, Some(&keep));
        self.call(To::Store, "commit_context", commit).await?
    }
}

/// A policy may run so long.
pub(crate) const TIMEOUTS_S: [u32; 4] = [1, 5, 60, 300];
