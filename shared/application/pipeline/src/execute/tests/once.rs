//! A request that is sent again under its idempotency key, after its first reply was lost.

use writ_model::{DerivedId, Error, ErrorKind, Timestamp, Workspace};

use super::super::ExecutionReport;
use super::platform::{Platform, answer, keeping, raised};

/// The id by the key `k`.
fn id(is_retry: bool) -> DerivedId {
    DerivedId::new(Timestamp::from_ms(1_000), &["k"], is_retry)
}

/// Sends `input` under the key `k`: first, or after an earlier request with it.
fn try_send(platform: &Platform, input: &str, is_retry: bool) -> Result<ExecutionReport, Error> {
    let mut request = platform.request(input);
    request.derived_id = Some(id(is_retry));
    platform.execute_request(request)
}

fn send(platform: &Platform, input: &str, is_retry: bool) -> ExecutionReport {
    try_send(platform, input, is_retry).unwrap()
}

/// As [`send`], and the process ends after the pre-check was committed.
fn send_and_end_before_the_record(platform: &Platform, input: &str) {
    platform.memory.fail_calls_for("record_execution", &id(false).id);
    try_send(platform, input, false).unwrap_err();
    platform.memory.end_faults();
    assert_eq!(platform.recorded().len(), 1);
}

fn counter() -> Platform {
    let answers = (1..9).map(|n| keeping(&n.to_string(), &format!(r#"{{"set":{{"n":{n}}}}}"#)));
    Platform::default().with("a", r#""metadata":{"state":true}"#, answers)
}

#[test]
fn a_retry_after_the_commit_is_answered_with_the_record_and_runs_nothing() {
    let platform = counter();
    let first = send(&platform, "{}", false);
    let second = send(&platform, "{}", true);
    assert_eq!((first.is_stored, second.is_stored), (false, true));
    assert_eq!(first.execution, second.execution);
    assert_eq!((platform.recorded().len(), platform.calls().len()), (1, 1));
    assert_eq!(platform.context().version, 1);
}

#[test]
fn of_two_requests_that_run_at_once_one_keeps_its_context_and_both_get_its_record() {
    let platform = counter();
    let first = send(&platform, "{}", false);
    // The second one has begun before the first was committed: it looks for no record.
    let second = send(&platform, "{}", false);
    assert_eq!(first.execution, second.execution);
    assert!(second.is_stored);
    assert_eq!((platform.recorded().len(), platform.calls().len()), (1, 2));
    assert_eq!(platform.context().version, 1);
}

#[test]
fn a_retry_before_the_commit_runs() {
    let platform = counter();
    let report = send(&platform, "{}", true);
    assert_eq!((report.is_stored, platform.recorded().len()), (false, 1));
}

#[test]
fn without_a_key_each_run_has_an_id_of_its_own() {
    let platform = counter();
    let ids = [(); 2].map(|()| platform.execute("{}").unwrap().execution.execution_id);
    assert_ne!(ids[0], ids[1]);
}

/// A policy with a pre-check that keeps a context, and a failure policy.
fn surrounded(check: &str) -> Platform {
    let fields = r#""metadata":{"precheck_policy_uri":"check:1-x","failure_policy_uri":"after:1-x","mask":["/input_data/pin"]}"#;
    Platform::default()
        .with("a", fields, [Err(raised("no")), Err(raised("no"))])
        .with("check", r#""metadata":{"state":true}"#, [keeping(check, r#"{"set":{"n":1}}"#)])
        .with("after", r#""tags":"""#, [answer("1")])
}

#[test]
fn a_retry_between_the_precheck_and_the_run_checks_once() {
    let platform = surrounded(r#"{"allowed":true}"#);
    send_and_end_before_the_record(&platform, "{}");
    let checked = platform.recorded()[0].execution_id.clone();
    send(&platform, "{}", true);
    let names = platform.recorded().into_iter().map(|record| record.policy_rule_uri.to_string());
    assert_eq!(names.collect::<Vec<_>>(), ["check:1-x", "a:1-x", "after:1-x"]);
    let precheck = platform.recorded()[1].precheck.clone().unwrap();
    assert_eq!(precheck.execution_id, Some(checked));
    let context = platform.memory.context(&Workspace::default(), "id-of-check:1-x");
    assert_eq!(context.version, 1);
}

#[test]
fn an_answer_of_a_precheck_that_is_masked_in_its_record_is_not_taken_for_an_input() {
    let platform = surrounded(r#"{"allowed":true,"input_data":{"pin":"5678"}}"#);
    send_and_end_before_the_record(&platform, r#"{"pin":"1234"}"#);
    let calls = platform.calls().len();
    let error = send(&platform, r#"{"pin":"1234"}"#, true).execution.error.unwrap();
    assert_eq!((error.kind, platform.calls().len()), (ErrorKind::PrecheckFailed, calls));
}
