//! What a policy keeps from one run to the next.

use writ_model::{ErrorKind, ExecutionStatus};
use writ_ports::StoredContext;

use super::platform::{Answer, Platform, answer, json, keeping, raised};
use crate::ReplayInputs;

fn stateful(answers: impl IntoIterator<Item = Answer>) -> Platform {
    let fields = r#""metadata":{"state":true},"policy_output_schema":{"n":{"type":"number"}}"#;
    Platform::default().with("a", fields, answers)
}

#[test]
fn a_run_sees_what_the_last_one_kept_and_both_are_recorded() {
    let platform = stateful([keeping(r#"{"n":1}"#, r#"{"set":{"n":1}}"#), answer(r#"{"n":2}"#)]);
    platform.execute("{}").unwrap();
    assert_eq!(platform.context().value.as_str(), r#"{"n":1}"#);
    platform.execute("{}").unwrap();
    let [first, second] = platform.recorded().try_into().unwrap();
    let seen = |execution: &writ_model::Execution| {
        let context = execution.context.clone().unwrap();
        (context.version, context.read.as_str().to_owned(), context.change.set.len())
    };
    assert_eq!(seen(&first), (0, "{}".to_owned(), 1));
    assert_eq!(seen(&second), (1, r#"{"n":1}"#.to_owned(), 0));
    let calls = platform.calls();
    assert_eq!(calls[1].context.as_ref().unwrap().as_str(), r#"{"n":1}"#);
    assert_eq!(platform.context().version, 1);
}

#[test]
fn a_run_that_met_another_runs_change_runs_again_on_it_and_is_recorded_once() {
    let platform = stateful([
        keeping(r#"{"n":1}"#, r#"{"set":{"n":1}}"#),
        keeping(r#"{"n":8}"#, r#"{"set":{"n":8}}"#),
    ]);
    platform.rival(r#"{"n":7}"#);
    let execution = platform.execute("{}").unwrap().execution;
    assert_eq!(execution.output.unwrap().as_str(), r#"{"n":8}"#);
    assert_eq!(platform.recorded().len(), 1);
    let calls = platform.calls();
    assert_eq!(calls[1].context.as_ref().unwrap().as_str(), r#"{"n":7}"#);
    assert_eq!((calls[0].seed, calls[0].now_ms), (calls[1].seed, calls[1].now_ms));
    assert_eq!(platform.context().value.as_str(), r#"{"n":8}"#);
}

#[test]
fn a_run_that_is_always_outrun_fails_and_keeps_nothing() {
    let answers = (0..100).map(|_| keeping(r#"{"n":1}"#, r#"{"set":{"n":1}}"#));
    let platform = stateful(answers);
    platform.rivals(r#"{"n":7}"#);
    let execution = platform.execute("{}").unwrap().execution;
    assert_eq!(execution.status, ExecutionStatus::Failed);
    let error = execution.error.unwrap();
    assert_eq!((error.kind, error.retry_after_s), (ErrorKind::Unavailable, Some(1)));
    assert_eq!(platform.context().value.as_str(), r#"{"n":7}"#);
    assert_eq!(platform.recorded().len(), 1);
}

#[test]
fn a_failed_run_keeps_nothing() {
    let wrong = keeping(r#"{"n":"one"}"#, r#"{"set":{"n":1}}"#);
    let huge = format!(r#"{{"set":{{"n":"{}"}}}}"#, "x".repeat(writ_model::CONTEXT_BYTES_MAX));
    let cases = [
        (wrong, ErrorKind::SchemaViolation),
        (Err(raised("no")), ErrorKind::PolicyRaised),
        (keeping(r#"{"n":1}"#, &huge), ErrorKind::PolicyContextTooLarge),
    ];
    for (answer, kind) in cases {
        let platform = stateful([answer]);
        let execution = platform.execute("{}").unwrap().execution;
        assert_eq!(execution.error.unwrap().kind, kind);
        assert_eq!(platform.context(), StoredContext::default());
        assert!(execution.context.unwrap().change.is_empty());
    }
}

#[test]
fn a_policy_that_was_removed_while_it_ran_keeps_nothing_and_the_record_says_so() {
    let answers = [keeping(r#"{"n":1}"#, r#"{"set":{"n":1}}"#)];
    let platform = stateful(answers).without_policies_at_commit();
    let error = platform.execute("{}").unwrap().execution.error.unwrap();
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert_eq!(platform.recorded().len(), 1);
}

#[test]
fn a_stateless_policy_is_given_no_context_and_keeps_none() {
    let platform =
        Platform::default().with("a", r#""metadata":{}"#, [keeping("1", r#"{"set":{"n":1}}"#)]);
    let execution = platform.execute("{}").unwrap().execution;
    assert_eq!((execution.context, platform.calls()[0].context.clone()), (None, None));
    assert_eq!(platform.context(), StoredContext::default());
}

#[test]
fn a_run_on_an_earlier_runs_context_leaves_the_real_one_alone() {
    let platform = stateful([keeping(r#"{"n":1}"#, r#"{"set":{"n":1}}"#)]);
    let mut request = platform.request("{}");
    let context = StoredContext { version: 9, value: json(r#"{"n":0}"#) };
    request.replay_inputs = Some(ReplayInputs { now: platform_time(), seed: 1, context });
    let execution = platform.execute_request(request).unwrap().execution;
    assert_eq!(platform.calls()[0].context.as_ref().unwrap().as_str(), r#"{"n":0}"#);
    assert_eq!(execution.context.unwrap().version, 9);
    assert_eq!(platform.context(), StoredContext::default());
}

fn platform_time() -> writ_model::Timestamp {
    writ_model::Timestamp::from_ms(1)
}

#[test]
fn what_is_masked_in_a_context_is_masked_where_it_was_read_and_where_it_was_set() {
    let fields = r#""metadata":{"state":true,"mask":["/context/pin","/context/deep/pin"]}"#;
    let change = r#"{"set":{"pin":1234,"deep":{"pin":1234,"other":5}}}"#;
    let platform = Platform::default().with("a", fields, [keeping("1", change)]);
    platform.change_context(r#"{"pin":1234,"n":6}"#);
    platform.execute("{}").unwrap();
    let [record] = platform.recorded().try_into().unwrap();
    let text = serde_json::to_string(&record.context).unwrap();
    assert!(!text.contains("1234") && text.contains(r#""n":6"#) && text.contains(r#""other":5"#));
    assert_eq!(record.masked, ["/context/pin", "/context/deep/pin"]);
    assert!(platform.context().value.as_str().contains("1234"));
}
