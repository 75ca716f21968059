//! Bytes as a worker would send them: every result that the platform accepts satisfies its invariants.

use std::time::Duration;

use writ_engine::fuzzing::{answer, is_worker_request};
use writ_engine::{Budget, Call, FailedRun, Failure, Method, Outcome};
use writ_model::RawJson;

const OUTPUT_BYTES_MAX: usize = 256;

/// Holds what the platform believes of these bytes of a worker to the budget of the run.
///
/// # Panics
/// When a promise is broken: the bytes are a finding.
pub fn check(data: &[u8]) {
    let budget = Budget {
        time: Duration::from_secs(1),
        output_bytes_max: OUTPUT_BYTES_MAX,
        ..Budget::default()
    };
    let stateful = data.len().is_multiple_of(2);
    let call = Call {
        rule_id: "fuzz:1.0-test".to_owned(),
        settings: RawJson::empty_object(),
        parameters: RawJson::empty_object(),
        method: Method::Eval { input_data: RawJson::null() },
        now_ms: 0,
        seed: 0,
        context: stateful.then(RawJson::empty_object),
        coverage: false,
    };
    // As raw bytes, and as the payload of a valid frame: a mutator seldom guesses a length.
    let mut frame = u32::try_from(data.len()).unwrap_or(u32::MAX).to_le_bytes().to_vec();
    frame.extend_from_slice(data);
    for bytes in [data, &frame] {
        match answer(bytes, &call, &budget).unwrap() {
            Some(Ok(outcome)) => assert_valid(&outcome, stateful),
            Some(Err(failed)) => assert_reportable(&failed),
            None => {}
        }
    }
    // The worker may accept it or not; it must not panic.
    let _ = is_worker_request(data);
}

fn assert_valid(outcome: &Outcome, stateful: bool) {
    assert!(outcome.output.as_str().len() <= OUTPUT_BYTES_MAX);
    assert!(RawJson::parse(outcome.output.as_str()).is_ok(), "{:?}", outcome.output);
    assert!(outcome.printed.len() <= OUTPUT_BYTES_MAX);
    assert!(stateful || outcome.context.is_none(), "{:?}", outcome.context);
    for value in outcome.context.iter().flat_map(|change| change.set.values()) {
        assert!(RawJson::parse(value.as_str()).is_ok(), "{value:?}");
    }
}

/// Asserts that the failure is one that a worker may report.
fn assert_reportable(FailedRun { failure, printed }: &FailedRun) {
    assert!(printed.len() <= OUTPUT_BYTES_MAX);
    let is_platform_failure = matches!(
        failure,
        Failure::TimedOut { .. }
            | Failure::WorkerLost { .. }
            | Failure::Busy { .. }
            | Failure::Compile(_)
    );
    assert!(!is_platform_failure, "{failure:?}");
}
