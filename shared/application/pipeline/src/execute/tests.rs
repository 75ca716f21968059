mod context;
mod once;
mod platform;
mod printed;
mod surroundings;

use writ_model::run::{Call, Failure};
use writ_model::{Error, ErrorKind, ExecutionStatus, Workspace};

use self::platform::{Platform, answer, raised};

#[test]
fn a_run_is_recorded_with_all_that_it_read() {
    let platform = Platform::answering(answer(r#"{"allow":true}"#));
    let executed = platform.execute(r#"{"n": 1.0}"#).unwrap();
    let [record] = platform.recorded().try_into().unwrap();
    assert_eq!(record, executed.execution);
    assert_eq!(record.status, ExecutionStatus::Succeeded);
    assert_eq!((record.revision, record.seed, record.policy_time.as_ms()), (3, 42, 1_000));
    assert_eq!(
        (record.input_data.as_str(), record.parameters.as_str()),
        (r#"{"n": 1.0}"#, r#"{"p":1}"#)
    );
    let [call] = <[Call; 1]>::try_from(platform.calls()).unwrap();
    assert_eq!((call.seed, call.now_ms, call.rule_id.as_str()), (42, 1_000, "a:1-x"));
    assert_eq!((call.context, record.context), (None, None));
}

#[test]
fn a_record_tells_the_callers_parameters_from_the_stored_ones() {
    let platform = Platform::answering(answer(r#"{"allow":true}"#));
    let mut request = platform.request("{}");
    request.parameters = Some(platform::json(r#"{"q": 2}"#));
    let record = platform.execute_request(request).unwrap().record;
    assert_eq!(record.parameters.as_str(), r#"{"p":1,"q":2}"#);
    assert_eq!(record.overridden, ["q"]);
}

#[test]
fn what_fails_is_recorded_as_failed_and_never_as_a_success() {
    let cases = [
        (r#"{"n": "x"}"#, answer(r#"{"allow":true}"#), ErrorKind::SchemaViolation, 0),
        ("{}", answer(r#"{"allow":"yes"}"#), ErrorKind::SchemaViolation, 1),
        ("{}", Err(raised("'ip'")), ErrorKind::PolicyRaised, 1),
        ("{}", Err(Failure::TimedOut { budget_ms: 1 }.into()), ErrorKind::PolicyTimedOut, 1),
        (
            "{}",
            Err(Failure::WorkerLost { reason: "killed".to_owned() }.into()),
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
        assert_eq!(platform.calls().len(), calls, "{kind:?}");
    }
}

#[test]
fn a_body_of_another_digest_never_runs() {
    let platform = Platform::answering(answer("{}"));
    let head = platform.head();
    platform.memory.corrupt_body(&Workspace::default(), &head.digest);
    assert_eq!(platform.execute("{}").unwrap_err().kind, ErrorKind::Internal);
    assert!(platform.calls().is_empty());
}

#[test]
fn a_refused_run_neither_runs_nor_is_recorded() {
    let platform = Platform::answering(answer("{}"));
    let refusal = Error::new(ErrorKind::Limited, "no slot is free").retry_after(3);
    platform.memory.refuse_admission(refusal);
    assert_eq!(platform.execute("{}").unwrap_err().retry_after_s, Some(3));
    assert!(platform.calls().is_empty() && platform.recorded().is_empty());
}

#[test]
fn what_is_masked_reaches_the_policy_and_not_the_record() {
    let platform = Platform::answering(Err(raised("1234")));
    let executed = platform.execute(r#"{"pin": 1234}"#).unwrap();
    let [record] = platform.recorded().try_into().unwrap();
    assert!(!serde_json::to_string(&record).unwrap().contains("1234"));
    assert_eq!(record.masked, ["/input_data/pin"]);
    assert!(executed.execution.error.unwrap().message.contains("1234"));
}
