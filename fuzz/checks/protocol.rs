//! Bytes as a worker would send them: what the platform believes of them keeps every promise.

use std::time::Duration;

use writ_engine::fuzzing::{answer, is_worker_request};
use writ_engine::{Budget, Call, Failed, Failure, Method, Outcome};
use writ_model::RawJson;

const OUTPUT_BYTES_MAX: usize = 256;

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
    // As it comes, and as the content of an honest frame: a mutator seldom guesses a length.
    let mut frame = u32::try_from(data.len()).unwrap_or(u32::MAX).to_le_bytes().to_vec();
    frame.extend_from_slice(data);
    for bytes in [data, &frame] {
        match answer(bytes, &call, &budget).unwrap() {
            Some(Ok(outcome)) => keeps_its_promises(&outcome, stateful),
            Some(Err(failed)) => may_be_reported(&failed),
            None => {}
        }
    }
    // It reads it, or it does not.
    let _ = is_worker_request(data);
}

fn keeps_its_promises(outcome: &Outcome, stateful: bool) {
    assert!(outcome.output.as_str().len() <= OUTPUT_BYTES_MAX);
    assert!(RawJson::parse(outcome.output.as_str()).is_ok(), "{:?}", outcome.output);
    assert!(outcome.printed.len() <= OUTPUT_BYTES_MAX);
    assert!(stateful || outcome.context.is_none(), "{:?}", outcome.context);
    for value in outcome.context.iter().flat_map(|change| change.set.values()) {
        assert!(RawJson::parse(value.as_str()).is_ok(), "{value:?}");
    }
}

/// What only the platform can know, no worker gets to say.
fn may_be_reported(Failed { failure, printed }: &Failed) {
    assert!(printed.len() <= OUTPUT_BYTES_MAX);
    let platforms = matches!(
        failure,
        Failure::TimedOut { .. }
            | Failure::WorkerLost { .. }
            | Failure::Busy { .. }
            | Failure::Compile(_)
    );
    assert!(!platforms, "{failure:?}");
}
