//! Exit codes of the process, and the one mapping of errors to them.

use std::process::ExitCode;

use strum::VariantArray;
use writ_model::{Error, ErrorKind};

/// The exit code of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray)]
pub(crate) enum Exit {
    Success,
    Failed,
    Usage,
    NotFound,
    Conflict,
    Forbidden,
    Invalid,
    Unavailable,
    Internal,
    Cancelled,
    Unfinished,
}

impl Exit {
    /// The number and its meaning. Both are part of the interface: a number keeps its meaning.
    fn meaning(self) -> (u8, &'static str) {
        match self {
            Self::Success => (0, "success"),
            Self::Failed => (
                1,
                "the policy or its pre-check failed, a test failed, a replay or a plan differs, a line \
                 of a file of jobs was refused",
            ),
            Self::Usage => (2, "the command line is wrong"),
            Self::NotFound => (3, "the resource or the file does not exist"),
            Self::Conflict => {
                (4, "the resource exists already, has changed meanwhile, or cannot be replayed")
            }
            Self::Forbidden => (5, "the caller is not authenticated or not authorized"),
            Self::Invalid => {
                (6, "an input is malformed, does not fit its schema, or does not compile")
            }
            Self::Unavailable => (7, "the server cannot be reached or is not available"),
            Self::Internal => (8, "an internal error of the platform or of this program"),
            Self::Cancelled => (9, "the job was cancelled"),
            Self::Unfinished => (10, "the job had not ended when the wait timed out"),
        }
    }

    /// The table of exit codes for the help.
    pub(crate) fn table() -> String {
        let mut text = "Exit codes:\n".to_owned();
        for exit in Self::VARIANTS {
            let (number, meaning) = exit.meaning();
            text.push_str(&format!("  {number:<2} {meaning}\n"));
        }
        text
    }

    /// Maps a platform error to the exit code of the command.
    pub(crate) fn for_error(error: &Error) -> Self {
        match error.kind {
            ErrorKind::SchemaViolation if is_output_violation(error) => Self::Failed,
            ErrorKind::PolicyRaised
            | ErrorKind::PolicyOutputNotJson
            | ErrorKind::PolicyOutputTooLarge
            | ErrorKind::PolicyTimedOut
            | ErrorKind::PolicyOutOfMemory
            | ErrorKind::PolicyTooDeep
            | ErrorKind::PolicyCrashed
            | ErrorKind::PolicyContextTooLarge
            | ErrorKind::PrecheckRefused
            | ErrorKind::PrecheckFailed => Self::Failed,
            ErrorKind::NotFound => Self::NotFound,
            ErrorKind::Conflict | ErrorKind::NotRepeatable | ErrorKind::Stale => Self::Conflict,
            ErrorKind::Unauthenticated | ErrorKind::Forbidden => Self::Forbidden,
            ErrorKind::InvalidRequest
            | ErrorKind::TooLarge
            | ErrorKind::UnsupportedMediaType
            | ErrorKind::SchemaViolation
            | ErrorKind::PolicyDoesNotCompile => Self::Invalid,
            ErrorKind::Limited
            | ErrorKind::ExecutorFault
            | ErrorKind::Unavailable
            | ErrorKind::TimedOut => Self::Unavailable,
            ErrorKind::Internal => Self::Internal,
        }
    }
}

/// Whether only the policy's output breaks a schema, and no input of the caller.
fn is_output_violation(error: &Error) -> bool {
    !error.violations.is_empty()
        && error.violations.iter().all(|violation| violation.subject == "output")
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.meaning().0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use writ_model::Violation;

    #[test]
    fn every_kind_of_error_has_its_exit_code() {
        let expected = [
            ("invalid_request", 6),
            ("unauthenticated", 5),
            ("forbidden", 5),
            ("not_found", 3),
            ("conflict", 4),
            ("not_repeatable", 4),
            ("stale", 4),
            ("too_large", 6),
            ("unsupported_media_type", 6),
            ("schema_violation", 6),
            ("policy_does_not_compile", 6),
            ("policy_raised", 1),
            ("policy_output_not_json", 1),
            ("policy_output_too_large", 1),
            ("policy_timed_out", 1),
            ("policy_out_of_memory", 1),
            ("policy_too_deep", 1),
            ("policy_crashed", 1),
            ("policy_context_too_large", 1),
            ("precheck_refused", 1),
            ("precheck_failed", 1),
            ("limited", 7),
            ("executor_fault", 7),
            ("unavailable", 7),
            ("timed_out", 7),
            ("internal", 8),
        ];
        let actual = ErrorKind::ALL
            .map(|kind| (kind.name(), Exit::for_error(&Error::new(kind, "x")).meaning().0));
        assert_eq!(actual, expected);
    }

    #[test]
    fn a_wrong_output_is_the_policys_failure_and_a_wrong_input_the_callers() {
        let violation = |subject: &str| Violation {
            subject: subject.to_owned(),
            path: "/allowed".to_owned(),
            rule: "type".to_owned(),
            message: "is not a boolean".to_owned(),
        };
        assert_eq!(Exit::for_error(&Error::violations(vec![violation("output")])), Exit::Failed);
        assert_eq!(
            Exit::for_error(&Error::violations(vec![violation("input_data")])),
            Exit::Invalid
        );
    }

    #[test]
    fn the_help_lists_every_code_once_in_order() {
        let table = Exit::table();
        let numbers: Vec<_> =
            table.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
        assert_eq!(numbers, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]);
    }
}
