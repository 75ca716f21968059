//! A platform in memory with an engine that gives prepared answers.

use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use writ_model::run::{Budget, Call, CheckReport, FailedRun, Failure, Outcome, Source};
use writ_model::{
    Digest, ErrorKind, Language, PolicyUri, PrincipalKind, RawJson, Timestamp, Workspace,
};
use writ_ports::{Admission, CommitResult, ContextWrite, Projection, StoredContext, Unlimited};

use super::super::*;
use crate::PolicyCache;

/// What the engine answers to one call.
pub(super) type Answer = Result<Outcome, FailedRun>;

/// Policies by name, answers by name in their order, and everything that happened.
#[derive(Default)]
pub(super) struct Platform {
    pub(super) bodies: BTreeMap<String, String>,
    pub(super) answers: Mutex<BTreeMap<String, VecDeque<Answer>>>,
    pub(super) refuses: bool,
    pub(super) kept: Mutex<StoredContext>,
    /// What other runs leave behind, one after the other, just before this one commits.
    pub(super) rivals: Mutex<VecDeque<&'static str>>,
    pub(super) is_gone: bool,
    pub(super) records: Mutex<Vec<Execution>>,
    pub(super) calls: Mutex<Vec<Call>>,
}

pub(super) fn json(text: &str) -> RawJson {
    RawJson::parse(text).unwrap()
}

pub(super) fn answer(output: &str) -> Answer {
    Ok(Outcome {
        output: json(output),
        printed: "said".to_owned(),
        context: None,
        coverage: None,
        engine_us: 7,
    })
}

/// An answer that changes the context.
pub(super) fn keeping(output: &str, change: &str) -> Answer {
    let change = serde_json::from_str(change).unwrap();
    answer(output).map(|outcome| Outcome { context: Some(change), ..outcome })
}

/// A failure with what was printed before.
pub(super) fn raised(message: &str) -> FailedRun {
    let failure = Failure::Raised {
        kind: "ValueError".to_owned(),
        message: message.to_owned(),
        line: Some(2),
        traceback: message.to_owned(),
    };
    FailedRun { failure, printed: "said".to_owned() }
}

impl Platform {
    /// One policy `a:1-x`, and the engine's answer.
    pub(super) fn answering(answer: Answer) -> Self {
        let fields = r#""policy_input_schema":{"n":{"type":"number"}},"policy_output_schema":{"allow":{"type":"boolean"}},"policy_parameters":{"p":1},"metadata":{"mask":["/input_data/pin"]}"#;
        Self::default().with("a", fields, [answer])
    }

    /// One policy more: `{name}:1-x` with these fields.
    pub(super) fn with(
        mut self,
        name: &str,
        fields: &str,
        answers: impl IntoIterator<Item = Answer>,
    ) -> Self {
        let body = format!(
            r#"{{"name":"{name}","version":"1","release_tag":"x","code":"","code_type":"rego",{fields}}}"#
        );
        self.bodies.insert(format!("{name}:1-x"), body);
        let answers = answers.into_iter().collect();
        self.answers.get_mut().unwrap().insert(format!("{name}:1-x"), answers);
        self
    }

    pub(super) fn request(&self, input: &str) -> ExecutionRequest {
        let uri = "a:1-x".parse().unwrap();
        ExecutionRequest::new(
            Workspace::default(),
            "tester".into(),
            PrincipalKind::Local,
            uri,
            json(input),
        )
    }

    pub(super) fn execute(&self, input: &str) -> Result<ExecutionReport, Error> {
        self.execute_request(self.request(input))
    }

    pub(super) fn execute_request(
        &self,
        request: ExecutionRequest,
    ) -> Result<ExecutionReport, Error> {
        let cache = PolicyCache::default();
        let pipeline = Pipeline::new(self, self, &cache);
        let mut context = Context::from_waker(Waker::noop());
        match pin!(pipeline.execute(request)).poll(&mut context) {
            Poll::Ready(result) => result,
            Poll::Pending => panic!("no port here waits"),
        }
    }

    pub(super) fn recorded(&self) -> Vec<Execution> {
        self.records.lock().unwrap().clone()
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }
}

impl PolicySource for Platform {
    fn name(&self) -> &'static str {
        "test"
    }

    async fn acquire(&self, workspace: &Workspace, uri: &PolicyUri) -> Result<Handle, Error> {
        let body = self.bodies.get(&uri.to_string());
        let body = body.ok_or_else(|| Error::not_found(format!("there is no policy `{uri}`")))?;
        Ok(Handle {
            workspace: workspace.clone(),
            uri: uri.clone(),
            revision: 3,
            digest: Digest::of(body.trim_end().as_bytes()),
            policy_id: uri.to_string(),
        })
    }

    async fn projection(&self, handle: &Handle) -> Result<Projection, Error> {
        Ok(Projection { body: self.bodies[&handle.uri.to_string()].as_str().into() })
    }

    async fn release(&self, _: Handle) {}
}

impl Evaluate for Platform {
    async fn check(&self, _: Source) -> Result<CheckReport, Failure> {
        Ok(CheckReport::default())
    }

    async fn evaluate(&self, _: &str, _: Source, call: Call, _: Budget) -> Answer {
        let mut answers = self.answers.lock().unwrap();
        let answer = answers.get_mut(&call.rule_id).unwrap().pop_front().unwrap();
        self.calls.lock().unwrap().push(call);
        answer
    }

    fn version(&self, _: Language) -> &'static str {
        "test 1"
    }
}

impl Admit for Platform {
    async fn admit(
        &self,
        workspace: &Workspace,
        identity: &str,
        policy: &PolicyUri,
        execution_id: &str,
    ) -> Result<Admission, Error> {
        if self.refuses {
            return Err(Error::new(ErrorKind::Limited, "no slot is free").retry_after(3));
        }
        Unlimited.admit(workspace, identity, policy, execution_id).await
    }

    async fn release(&self, admission: Admission) -> Result<(), Error> {
        Unlimited.release(admission).await
    }
}

impl RecordExecution for Platform {
    async fn record_execution(&self, execution: &Execution) -> Result<(), Error> {
        self.records.lock().unwrap().push(execution.clone());
        Ok(())
    }
}

impl ContextStore for Platform {
    async fn get_context(&self, _: &Workspace, _: &str) -> Result<StoredContext, Error> {
        Ok(self.kept.lock().unwrap().clone())
    }

    async fn commit_context(
        &self,
        execution: &Execution,
        write: ContextWrite<'_>,
    ) -> Result<CommitResult, Error> {
        if self.is_gone {
            return Ok(CommitResult::PolicyDeleted);
        }
        let mut kept = self.kept.lock().unwrap();
        if let Some(value) = self.rivals.lock().unwrap().pop_front() {
            *kept = StoredContext { version: kept.version + 1, value: json(value) };
        }
        if kept.version != write.version {
            return Ok(CommitResult::ContextConflict);
        }
        *kept = StoredContext { version: kept.version + 1, value: write.value.clone() };
        self.records.lock().unwrap().push(execution.clone());
        Ok(CommitResult::Done { is_final: true })
    }
}

impl Clock for Platform {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(1_000)
    }
}

impl Ids for Platform {
    fn id(&self, _: Timestamp) -> String {
        format!("e{}", self.records.lock().unwrap().len() + self.calls.lock().unwrap().len())
    }

    fn seed(&self) -> u64 {
        42
    }

    fn secret(&self) -> Result<[u8; 32], Error> {
        Ok([0; 32])
    }
}
