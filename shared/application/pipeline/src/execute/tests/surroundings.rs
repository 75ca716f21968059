//! Pre-checks, failure policies, management commands.

use writ_model::run::Method;
use writ_model::{Cause, ErrorKind, ExecutionStatus};

use super::platform::{Answer, Platform, answer, json, raised};

fn checked(check: Answer, run: Answer) -> Platform {
    Platform::default().with("a", r#""metadata":{"precheck_policy_uri":"check:1-x"}"#, [run]).with(
        "check",
        r#""metadata":{"precheck_policy_uri":"a:1-x"}"#,
        [check],
    )
}

#[test]
fn a_precheck_lets_an_input_through_as_it_was_sent_or_rewritten() {
    let cases = [
        (r#"{"allowed":true}"#, r#"{"n": 1}"#, false),
        (r#"{"allowed":true,"input_data":{"n":1}}"#, r#"{"n": 1}"#, false),
        (r#"{"allowed":true,"input_data":{"n":2}}"#, r#"{"n":2}"#, true),
    ];
    for (check, input, rewrote) in cases {
        let platform = checked(answer(check), answer("1"));
        let execution = platform.execute(r#"{"n": 1}"#).unwrap().execution;
        assert_eq!(
            (execution.status, execution.input_data.as_str()),
            (ExecutionStatus::Succeeded, input)
        );
        let [first, second] = platform.recorded().try_into().unwrap();
        let seen = second.precheck.unwrap();
        assert_eq!(
            (seen.execution_id.as_ref(), seen.rewrote),
            (Some(&first.execution_id), rewrote)
        );
        assert_eq!((first.cause, first.parent), (Cause::Precheck, Some(second.execution_id)));
        assert_eq!(first.input_data.as_str(), r#"{"n": 1}"#);
    }
}

#[test]
fn a_run_begins_only_when_its_precheck_says_so() {
    let cases = [
        (
            answer(r#"{"allowed":false,"reason":"at night"}"#),
            ErrorKind::PrecheckRefused,
            "at night",
        ),
        (answer(r#"{"allowed":"yes"}"#), ErrorKind::PrecheckFailed, "boolean `allowed`"),
        (answer("true"), ErrorKind::PrecheckFailed, "boolean `allowed`"),
        (Err(raised("no")), ErrorKind::PrecheckFailed, "the pre-check `check:1-x`"),
    ];
    for (check, kind, text) in cases {
        let platform = checked(check, answer("1"));
        let error = platform.execute("{}").unwrap().execution.error.unwrap();
        assert_eq!(error.kind, kind);
        assert!(error.message.contains(text), "{error}");
        assert_eq!(platform.calls().len(), 1, "the policy itself has run");
        assert_eq!(platform.recorded().len(), 2);
    }
}

#[test]
fn a_precheck_that_is_not_there_refuses() {
    let platform =
        Platform::default().with("a", r#""metadata":{"precheck_policy_uri":"b:1-x"}"#, []);
    let execution = platform.execute("{}").unwrap().execution;
    assert_eq!(execution.error.unwrap().kind, ErrorKind::PrecheckFailed);
    assert_eq!(execution.precheck.unwrap().execution_id, None);
}

#[test]
fn what_the_policy_masks_is_masked_in_its_prechecks_record() {
    let fields = r#""metadata":{"precheck_policy_uri":"check:1-x","mask":["/input_data/pin"]}"#;
    let check = answer(r#"{"allowed":true,"input_data":{"pin":1234}}"#);
    let platform =
        Platform::default().with("a", fields, [answer("1")]).with("check", r#""tags":"""#, [check]);
    platform.execute(r#"{"pin": 1234}"#).unwrap();
    let records = serde_json::to_string(&platform.recorded()).unwrap();
    assert!(!records.contains("1234"), "{records}");
    let Method::Eval { input_data } = &platform.calls()[1].method else { panic!() };
    assert_eq!(input_data.as_str(), r#"{"pin": 1234}"#);
}

#[test]
fn what_a_request_masks_is_masked_in_every_record_of_the_run() {
    let fields =
        r#""metadata":{"precheck_policy_uri":"check:1-x","failure_policy_uri":"after:1-x"}"#;
    let check = answer(r#"{"allowed":true,"input_data":{"pin":1234}}"#);
    let platform = Platform::default()
        .with("a", fields, [Err(raised("1234"))])
        .with("check", r#""tags":"""#, [check])
        .with("after", r#""tags":"""#, [answer("1")]);
    let mut request = platform.request(r#"{"pin": 1234}"#);
    request.mask = vec!["/input_data/pin".to_owned()];
    platform.execute_request(request).unwrap();
    assert_eq!(platform.recorded().len(), 3);
    let records = serde_json::to_string(&platform.recorded()).unwrap();
    assert!(!records.contains("1234"), "{records}");
}

#[test]
fn what_policy_and_request_mask_both_is_named_once() {
    let fields = r#""metadata":{"mask":["/input_data/pin"]}"#;
    let platform = Platform::default().with("a", fields, [answer("1")]);
    let mut request = platform.request(r#"{"pin": 1234, "x": 1}"#);
    request.mask = ["/input_data/x", "/input_data/pin", "/input_data/x"].map(str::to_owned).into();
    platform.execute_request(request).unwrap();
    assert_eq!(platform.recorded()[0].masked, ["/input_data/pin", "/input_data/x"]);
}

fn followed(run: Answer, follower: Answer) -> Platform {
    let fields = r#""metadata":{"failure_policy_uri":"after:1-x","mask":["/input_data/pin"]},"policy_input_schema":{"n":{"type":"number"}}"#;
    let own = r#""metadata":{"failure_policy_uri":"a:1-x"}"#;
    Platform::default().with("a", fields, [run]).with("after", own, [follower])
}

#[test]
fn a_failed_run_is_followed_once_by_its_failure_policy() {
    let platform = followed(Err(raised("no")), Err(raised("neither")));
    let executed = platform.execute(r#"{"pin": 1234}"#).unwrap();
    assert!(executed.followup_error.is_none());
    let [first, second] = platform.recorded().try_into().unwrap();
    assert_eq!((second.cause, second.parent.as_ref()), (Cause::Failure, Some(&first.execution_id)));
    let input = second.input_data.value();
    assert_eq!(input["policy_rule_uri"], "a:1-x");
    assert_eq!(input["execution_id"], first.execution_id.as_str());
    assert_eq!(input["error"]["kind"], "policy_raised");
    assert_eq!(input["input"]["pin"], "**masked**");
}

#[test]
fn what_did_not_fail_or_never_reached_the_policy_is_not_followed() {
    let cases = [("{}", answer("1")), (r#"{"n": "x"}"#, answer("1"))];
    for (input, run) in cases {
        let platform = followed(run, answer("1"));
        platform.execute(input).unwrap();
        assert_eq!(platform.recorded().len(), 1, "{input}");
    }
}

#[test]
fn a_failure_policy_that_is_not_there_is_told_to_the_log_and_not_to_the_caller() {
    let fields = r#""metadata":{"failure_policy_uri":"b:1-x"}"#;
    let platform = Platform::default().with("a", fields, [Err(raised("no"))]);
    let executed = platform.execute("{}").unwrap();
    assert_eq!(executed.followup_error.unwrap().kind, ErrorKind::NotFound);
    assert_eq!(executed.execution.error.unwrap().kind, ErrorKind::PolicyRaised);
}

#[test]
fn a_command_is_run_when_the_policy_declares_it_and_its_argument_fits() {
    let fields = r#""management_commands_schema":[{"name":"set","schema":{"n":{"type":"number","required":true}}},{"name":"show","schema":[]}],"policy_output_schema":{"n":{"required":true}},"metadata":{"state":true,"precheck_policy_uri":"b:1-x"}"#;
    let command = |action: &str, data: &str| {
        let platform = Platform::default().with("a", fields, [answer("1")]);
        let mut request = platform.request(data);
        request.mgmt_action = Some(action.to_owned());
        let execution = platform.execute_request(request).unwrap().execution;
        assert_eq!(execution.mgmt_action.as_deref(), Some(action));
        (execution, platform.calls())
    };
    let (execution, calls) = command("set", r#"{"n":1}"#);
    assert_eq!(execution.output, Some(json("1")));
    let expected = Method::Management { action: "set".to_owned(), data: json(r#"{"n":1}"#) };
    assert_eq!((&calls[0].method, &calls[0].context), (&expected, &None));
    assert_eq!(command("show", "{}").0.status, ExecutionStatus::Succeeded);

    let (execution, calls) = command("set", "{}");
    let error = execution.error.unwrap();
    assert_eq!((error.kind, calls.len()), (ErrorKind::SchemaViolation, 0));
    assert_eq!(error.violations[0].subject, "mgmt_data");
    let (execution, _) = command("drop", "{}");
    let error = execution.error.unwrap();
    assert_eq!(error.kind, ErrorKind::NotFound);
    assert!(error.message.contains("`drop`; there are `set`, `show`"), "{error}");
}
