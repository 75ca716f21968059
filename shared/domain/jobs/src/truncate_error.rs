//! Truncation of errors in a job's state. The attempt's execution record has the whole error; a job
//! must fit into one item.

use writ_model::Error;

/// The maximum length of the message of a job's error, in bytes.
const MESSAGE_BYTES_MAX: usize = 4 << 10;

/// The maximum length of the message of an attempt's error, in bytes.
const ATTEMPT_BYTES_MAX: usize = 512;

/// The maximum length of a job's traceback, in bytes. Its end is kept, which shows the failure.
const TRACEBACK_BYTES_MAX: usize = 8 << 10;

/// The maximum number of violations, and of diagnostics, of a job's error.
const FINDINGS_MAX: usize = 20;

/// The mark of truncated text.
const CUT: &str = "...";

/// Truncates an error for the job itself.
pub(crate) fn for_job(error: &Error) -> Error {
    let mut error = error.clone();
    error.message = head(&error.message, MESSAGE_BYTES_MAX);
    error.traceback = error.traceback.map(|text| tail(&text, TRACEBACK_BYTES_MAX));
    error.violations.truncate(FINDINGS_MAX);
    error.diagnostics.truncate(FINDINGS_MAX);
    for violation in &mut error.violations {
        violation.message = head(&violation.message, ATTEMPT_BYTES_MAX);
        violation.path = head(&violation.path, ATTEMPT_BYTES_MAX);
    }
    for diagnostic in &mut error.diagnostics {
        diagnostic.message = head(&diagnostic.message, ATTEMPT_BYTES_MAX);
        diagnostic.help = diagnostic.help.as_ref().map(|help| head(help, ATTEMPT_BYTES_MAX));
    }
    error
}

/// Reduces an error to its kind and message, for one of many attempts.
pub(crate) fn for_attempt(error: &Error) -> Error {
    let message = head(&error.message, ATTEMPT_BYTES_MAX);
    Error { retry_after_s: error.retry_after_s, ..Error::new(error.kind, message) }
}

fn head(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(most.saturating_sub(CUT.len()));
    format!("{}{CUT}", text.get(..end).unwrap_or_default())
}

fn tail(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let begin = text.ceil_char_boundary(text.len() - most.saturating_sub(CUT.len()));
    format!("{CUT}{}", text.get(begin..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use writ_model::{ErrorKind, JobState, Submission, Violation};

    use super::*;
    use crate::bounds::ATTEMPTS_KEPT;
    use crate::fixture::{at, held, lease_request, runner, submission};
    use crate::{AttemptEnd, complete, lease, retry};

    /// An error as large as a policy can cause.
    fn huge() -> Error {
        let long = "\u{1f980}".repeat(4 << 10);
        let violation = Violation {
            subject: "output".to_owned(),
            path: long.clone(),
            rule: "type".to_owned(),
            message: long.clone(),
        };
        Error {
            traceback: Some(long.clone()),
            violations: vec![violation; 2 * FINDINGS_MAX],
            ..Error::new(ErrorKind::PolicyRaised, long)
        }
    }

    #[test]
    fn a_job_stays_small_however_its_attempts_fail() {
        let submission = Submission { max_attempts: Some(10), ..submission() };
        let (mut state, error, mut now) = (held("f", 0), huge(), 0);
        let ended = AttemptEnd { error: Some(&error), execution_id: Some("e"), started_at: None };
        for _ in 0..3 * ATTEMPTS_KEPT {
            state = complete(&submission, &state, "f", &ended, at(now), 0).unwrap();
            now += 1_000_000;
            if state.job_status.is_final() {
                state = retry(&state, at(now)).unwrap();
            }
            state = lease(&submission, &state, &runner(), lease_request("f"), at(now)).unwrap();
        }
        let bytes = |state: &JobState| serde_json::to_string(state).unwrap().len();
        assert!(bytes(&state) < 64 << 10, "{} bytes", bytes(&state));
    }

    proptest! {
        #[test]
        fn a_text_is_cut_where_a_character_ends_and_says_so(text: String, most in 3_usize..40) {
            for cut in [head(&text, most), tail(&text, most)] {
                prop_assert!(cut.len() <= most);
                prop_assert!(cut == text || cut.contains(CUT));
            }
        }
    }
}
