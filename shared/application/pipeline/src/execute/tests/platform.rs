//! The test kit's platform with policies and the answers of its engine.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use writ_model::run::{Call, FailedRun, Failure, Outcome};
use writ_model::{PrincipalKind, RawJson, Timestamp, Workspace};
use writ_ports::{GetPolicy, PolicyHead, StoredContext};
use writ_testing::{ManualClock, MemoryPlatform};

use super::super::*;
use crate::{PolicyCache, RegistrySource};

pub(super) use writ_testing::Answer;

/// The id of the policy `a:1-x`.
const ID: &str = "id-of-a:1-x";

/// A platform in the default workspace at the second 1 of the Unix epoch.
pub(super) struct Platform {
    pub(super) memory: MemoryPlatform,
}

impl Default for Platform {
    fn default() -> Self {
        let clock = ManualClock::starting_at(Timestamp::from_ms(1_000));
        Self { memory: MemoryPlatform::with_clock(clock) }
    }
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
    /// One policy `a:1-x` at its third revision, and the engine's answer.
    pub(super) fn answering(answer: Answer) -> Self {
        let fields = r#""policy_input_schema":{"n":{"type":"number"}},"policy_output_schema":{"allow":{"type":"boolean"}},"policy_parameters":{"p":1},"metadata":{"mask":["/input_data/pin"]}"#;
        Self::default().with("a", fields, []).with("a", fields, []).with("a", fields, [answer])
    }

    /// One policy more, `{name}:1-x` with these fields, or its next revision.
    pub(super) fn with(
        self,
        name: &str,
        fields: &str,
        answers: impl IntoIterator<Item = Answer>,
    ) -> Self {
        let body = format!(
            r#"{{"name":"{name}","version":"1","release_tag":"x","code":"","code_type":"rego",{fields}}}"#
        );
        self.memory.register(&Workspace::default(), &body);
        self.memory.script_answers(&format!("{name}:1-x"), answers);
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
        let (source, cache) = (RegistrySource(&self.memory), PolicyCache::default());
        let pipeline = Pipeline::new(&source, &self.memory, &cache);
        let mut context = Context::from_waker(Waker::noop());
        match pin!(pipeline.execute(request)).poll(&mut context) {
            Poll::Ready(result) => result,
            Poll::Pending => panic!("no port here waits"),
        }
    }

    pub(super) fn recorded(&self) -> Vec<Execution> {
        self.memory.records()
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        self.memory.evaluated()
    }

    /// The head of the policy `a:1-x`.
    pub(super) fn head(&self) -> PolicyHead {
        let (own, uri) = (Workspace::default(), "a:1-x".parse().unwrap());
        match pin!(self.memory.get_policy(&own, &uri)).poll(&mut Context::from_waker(Waker::noop()))
        {
            Poll::Ready(head) => head.unwrap().unwrap(),
            Poll::Pending => panic!("no port here waits"),
        }
    }

    /// The context of the policy `a:1-x`.
    pub(super) fn context(&self) -> StoredContext {
        self.memory.context(&Workspace::default(), ID)
    }

    /// Another run leaves this context behind.
    pub(super) fn change_context(&self, value: &str) {
        self.memory.change_context(&Workspace::default(), ID, value);
    }

    /// Another run leaves this context behind right before the next commit.
    pub(super) fn rival(&self, value: &'static str) {
        let own = Workspace::default();
        self.memory.before("commit_context", move |ports| ports.change_context(&own, ID, value));
    }

    /// As [`Platform::rival`], before each commit.
    pub(super) fn rivals(&self, value: &'static str) {
        let own = Workspace::default();
        let change = move |ports: &MemoryPlatform| ports.change_context(&own, ID, value);
        self.memory.before_each("commit_context", change);
    }

    /// The policies are removed right before the next commit.
    pub(super) fn without_policies_at_commit(self) -> Self {
        self.memory.before("commit_context", MemoryPlatform::remove_policies);
        self
    }
}
