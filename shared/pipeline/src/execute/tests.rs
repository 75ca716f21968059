use std::future::Future;
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use writ_model::run::{Checked, Failure, Source};
use writ_model::{Cause, ErrorKind, Language, PolicyUri, Workspace};
use writ_ports::{Admission, Projection, Unlimited};

use super::*;

/// A platform of one policy, whose engine answers what it is told to.
struct Platform {
    body: String,
    digest: Digest,
    answer: Result<&'static str, Failure>,
    admits: bool,
    records: Mutex<Vec<Execution>>,
    calls: Mutex<Vec<Call>>,
}

impl Platform {
    fn answering(answer: Result<&'static str, Failure>) -> Self {
        let body = r#"{"name":"a","version":"1","release_tag":"x","code":"","code_type":"rego","policy_input_schema":{"n":{"type":"number"}},"policy_output_schema":{"allow":{"type":"boolean"}},"policy_parameters":{"p":1},"metadata":{"mask":["/input_data/pin"]}}"#;
        Self {
            digest: Digest::of(body.as_bytes()),
            body: body.to_owned(),
            answer,
            admits: true,
            records: Mutex::default(),
            calls: Mutex::default(),
        }
    }

    fn execute(&self, input: &str) -> Result<Executed, Error> {
        let order = Order {
            workspace: Workspace::default(),
            identity: "tester".to_owned(),
            principal_kind: "local".to_owned(),
            on_behalf_of: None,
            policy_rule_uri: "a:1-x".parse().unwrap(),
            input_data: RawJson::parse(input).unwrap(),
            parameters: None,
            executor_id: "builtin".to_owned(),
            cause: Cause::Request,
            parent: None,
            idempotency_key: None,
            trace_id: None,
            fixed: None,
        };
        let shelf = Shelf::default();
        match pin!(execute(self, self, &shelf, order)).poll(&mut Context::from_waker(Waker::noop()))
        {
            Poll::Ready(result) => result,
            Poll::Pending => panic!("no port here waits"),
        }
    }

    fn recorded(&self) -> Vec<Execution> {
        self.records.lock().unwrap().clone()
    }
}

impl PolicySource for Platform {
    fn name(&self) -> &'static str {
        "test"
    }

    async fn acquire(&self, workspace: &Workspace, uri: &PolicyUri) -> Result<Handle, Error> {
        let digest = self.digest.clone();
        Ok(Handle { workspace: workspace.clone(), uri: uri.clone(), version: 3, digest })
    }

    async fn projection(&self, handle: &Handle, _: Surface) -> Result<Projection, Error> {
        let digest = handle.digest.clone();
        Ok(Projection { version: handle.version, digest, body: self.body.as_str().into() })
    }

    async fn release(&self, _: Handle) {}
}

impl Evaluate for Platform {
    async fn check(&self, _: Source) -> Result<Checked, Failure> {
        Ok(Checked::default())
    }

    async fn evaluate(
        &self,
        _: &str,
        _: Source,
        call: Call,
        _: Budget,
    ) -> Result<Outcome, Failure> {
        self.calls.lock().unwrap().push(call);
        self.answer.clone().map(|output| Outcome {
            output: RawJson::parse(output).unwrap(),
            printed: "said".to_owned(),
            context: None,
            coverage: None,
            engine_us: 7,
        })
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
        if !self.admits {
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

impl Clock for Platform {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(1_000)
    }
}

impl Ids for Platform {
    fn id(&self, _: Timestamp) -> String {
        "e1".to_owned()
    }

    fn seed(&self) -> u64 {
        42
    }

    fn secret(&self) -> Result<[u8; 32], Error> {
        Ok([0; 32])
    }
}

#[test]
fn a_run_is_recorded_with_all_that_it_read() {
    let platform = Platform::answering(Ok(r#"{"allow":true}"#));
    let executed = platform.execute(r#"{"n": 1.0}"#).unwrap();
    let [record] = platform.recorded().try_into().unwrap();
    assert_eq!(record, executed.execution);
    assert_eq!(record.status, ExecutionStatus::Succeeded);
    assert_eq!((record.revision, record.seed, record.policy_time.as_ms()), (3, 42, 1_000));
    assert_eq!(
        (record.input_data.as_str(), record.parameters.as_str()),
        (r#"{"n": 1.0}"#, r#"{"p":1}"#)
    );
    let [call] = <[Call; 1]>::try_from(platform.calls.lock().unwrap().clone()).unwrap();
    assert_eq!((call.seed, call.now_ms, call.rule_id.as_str()), (42, 1_000, "a:1-x"));
}

#[test]
fn what_fails_is_recorded_as_failed_and_never_as_a_success() {
    let raised = Failure::Raised {
        kind: "KeyError".to_owned(),
        message: "'ip'".to_owned(),
        line: Some(4),
        traceback: String::new(),
    };
    let cases = [
        (r#"{"n": "x"}"#, Ok(r#"{"allow":true}"#), ErrorKind::SchemaViolation, 0),
        ("{}", Ok(r#"{"allow":"yes"}"#), ErrorKind::SchemaViolation, 1),
        ("{}", Err(raised), ErrorKind::PolicyRaised, 1),
        ("{}", Err(Failure::TimedOut { budget_ms: 1 }), ErrorKind::PolicyTimedOut, 1),
        (
            "{}",
            Err(Failure::WorkerLost { reason: "killed".to_owned() }),
            ErrorKind::ExecutorFault,
            1,
        ),
    ];
    for (input, answer, kind, calls) in cases {
        let platform = Platform::answering(answer);
        platform.execute(input).unwrap();
        let [record] = platform.recorded().try_into().unwrap();
        assert_eq!(record.status, ExecutionStatus::Failed);
        assert_eq!((record.output, record.error.map(|error| error.kind)), (None, Some(kind)));
        assert_eq!(platform.calls.lock().unwrap().len(), calls, "{kind:?}");
    }
}

#[test]
fn a_body_of_another_digest_never_runs() {
    let mut platform = Platform::answering(Ok("{}"));
    platform.body.push(' ');
    assert_eq!(platform.execute("{}").unwrap_err().kind, ErrorKind::Internal);
    assert!(platform.calls.lock().unwrap().is_empty());
}

#[test]
fn a_refused_run_neither_runs_nor_is_recorded() {
    let mut platform = Platform::answering(Ok("{}"));
    platform.admits = false;
    assert_eq!(platform.execute("{}").unwrap_err().retry_after_s, Some(3));
    assert!(platform.calls.lock().unwrap().is_empty() && platform.recorded().is_empty());
}

#[test]
fn what_is_masked_reaches_the_policy_and_not_the_record() {
    let platform = Platform::answering(Err(Failure::Raised {
        kind: "ValueError".to_owned(),
        message: "1234".to_owned(),
        line: Some(2),
        traceback: "1234".to_owned(),
    }));
    let executed = platform.execute(r#"{"pin": 1234}"#).unwrap();
    let [record] = platform.recorded().try_into().unwrap();
    assert!(!serde_json::to_string(&record).unwrap().contains("1234"));
    assert_eq!(record.masked, ["/input_data/pin"]);
    assert!(executed.execution.error.unwrap().message.contains("1234"));
}
