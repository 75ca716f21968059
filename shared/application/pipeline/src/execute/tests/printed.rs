//! What a run printed, whether it succeeded or failed.

use writ_model::run::{FailedRun, Failure};
use writ_model::{ErrorKind, MASK};

use super::platform::{Answer, Platform, answer, keeping, raised};
use crate::replay::differences;

const STATEFUL: &str = r#""metadata":{"state":true}"#;

/// The one record of a policy with these fields and this answer of the engine.
fn recorded(fields: &str, answer: Answer, input: &str) -> writ_model::Execution {
    let platform = Platform::default().with("a", fields, [answer]);
    platform.execute(input).unwrap();
    let [record] = platform.recorded().try_into().unwrap();
    record
}

#[test]
fn what_a_failed_run_printed_is_in_its_record() {
    let schema = r#""policy_output_schema":{"n":{"type":"number"}}"#;
    let huge = format!(r#"{{"set":{{"n":"{}"}}}}"#, "x".repeat(writ_model::CONTEXT_BYTES_MAX));
    let timed_out =
        FailedRun { failure: Failure::TimedOut { budget_ms: 1 }, printed: "said".to_owned() };
    let cases = [
        (schema, answer(r#"{"n":1}"#), None),
        (schema, answer(r#"{"n":"one"}"#), Some(ErrorKind::SchemaViolation)),
        (schema, Err(raised("no")), Some(ErrorKind::PolicyRaised)),
        (schema, Err(timed_out), Some(ErrorKind::PolicyTimedOut)),
        (STATEFUL, keeping("1", &huge), Some(ErrorKind::PolicyContextTooLarge)),
    ];
    for (fields, answer, kind) in cases {
        let record = recorded(fields, answer, "{}");
        assert_eq!((record.error.map(|error| error.kind), record.printed.as_str()), (kind, "said"));
    }
}

#[test]
fn what_a_run_printed_whose_effects_could_not_be_kept_is_in_its_record() {
    let change = || keeping("1", r#"{"set":{"n":1}}"#);
    let gone = Platform::default().with("a", STATEFUL, [change()]).without_policies_at_commit();
    let outrun = Platform::default().with("a", STATEFUL, (0..100).map(|_| change()));
    outrun.rivals(r#"{"n":7}"#);
    for platform in [gone, outrun] {
        let execution = platform.execute("{}").unwrap().execution;
        assert!(execution.error.is_some());
        assert_eq!(execution.printed, "said");
    }
}

#[test]
fn what_a_failed_run_printed_is_masked_where_it_may_tell_what_is_masked() {
    let mask = |pointer: &str| format!(r#""metadata":{{"mask":["{pointer}"]}}"#);
    let cases = [
        ("/input_data/pin", r#"{"pin": 1}"#, MASK),
        ("/input_data/pin", "{}", "said"),
        // A failed run has neither an output nor a context that could be compared.
        ("/output/token", "{}", MASK),
        ("/context/token", "{}", MASK),
    ];
    for (pointer, input, printed) in cases {
        let record = recorded(&mask(pointer), Err(raised("no")), input);
        assert_eq!(record.printed, printed, "{pointer} {input}");
    }
    let silent = FailedRun { printed: String::new(), ..raised("no") };
    assert_eq!(recorded(&mask("/output/token"), Err(silent), "{}").printed, "");
}

#[test]
fn a_replay_compares_what_was_printed_unless_the_platform_may_have_cut_it_off() {
    let printing = |failure: Failure, printed: &str| {
        recorded("\"tags\":\"\"", Err(FailedRun { failure, printed: printed.to_owned() }), "{}")
    };
    let cases = [
        (raised("no").failure, true),
        (Failure::NotJson { what: "nan".to_owned() }, true),
        (Failure::TooDeep { budget_depth: 1 }, true),
        (Failure::OutputTooLarge { budget_bytes: 1 }, true),
        (Failure::TimedOut { budget_ms: 1 }, false),
        (Failure::OutOfMemory { budget_bytes: 1 }, false),
        (Failure::Crashed { signal: "SIGSEGV".to_owned() }, false),
    ];
    for (failure, is_compared) in cases {
        let (first, second) = (printing(failure.clone(), "a"), printing(failure.clone(), "ab"));
        let found = differences(&first, &second);
        let expected = if is_compared { vec!["printed: was a, is ab"] } else { vec![] };
        assert_eq!(found, expected, "{failure}");
        assert_eq!(differences(&first, &first), Vec::<String>::new());
    }
}
