//! What the process says to its caller by its exit code; the one place that maps errors to it.

use std::process::ExitCode;

use writ_model::{Error, ErrorKind};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    const ALL: [Self; 11] = [
        Self::Success,
        Self::Failed,
        Self::Usage,
        Self::NotFound,
        Self::Conflict,
        Self::Forbidden,
        Self::Invalid,
        Self::Unavailable,
        Self::Internal,
        Self::Cancelled,
        Self::Unfinished,
    ];

    /// The number, and what it means. Part of the interface: a number never changes its meaning.
    fn meaning(self) -> (u8, &'static str) {
        match self {
            Self::Success => (0, "done"),
            Self::Failed => (
                1,
                "the policy or its pre-check failed, a test failed, a replay or a plan differs, a line \
                 of a file of jobs was refused",
            ),
            Self::Usage => (2, "the command line is wrong"),
            Self::NotFound => (3, "there is no such thing, or no such file"),
            Self::Conflict => {
                (4, "it exists already, changed in the meantime, or cannot be run again")
            }
            Self::Forbidden => (5, "the caller is not known, or may not do this"),
            Self::Invalid => {
                (6, "what was given is malformed, does not fit its schema, or does not compile")
            }
            Self::Unavailable => (7, "the server does not answer, or cannot serve this now"),
            Self::Internal => (8, "a defect or an outage of the platform or of this program"),
            Self::Cancelled => (9, "the job was cancelled"),
            Self::Unfinished => (10, "the job was not over when waiting for it was"),
        }
    }

    /// The exit codes as the help shows them.
    pub(crate) fn table() -> String {
        let mut text = "Exit codes:\n".to_owned();
        for exit in Self::ALL {
            let (number, meaning) = exit.meaning();
            text.push_str(&format!("  {number:<2} {meaning}\n"));
        }
        text
    }

    /// How a command ends that ran into `error`.
    pub(crate) fn of(error: &Error) -> Self {
        match error.kind {
            ErrorKind::SchemaViolation if is_the_policys_own(error) => Self::Failed,
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

/// Whether the policy's output, and nothing that the caller gave, breaks a schema.
fn is_the_policys_own(error: &Error) -> bool {
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
        let actual =
            ErrorKind::ALL.map(|kind| (kind.name(), Exit::of(&Error::new(kind, "x")).meaning().0));
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
        assert_eq!(Exit::of(&Error::violations(vec![violation("output")])), Exit::Failed);
        assert_eq!(Exit::of(&Error::violations(vec![violation("input_data")])), Exit::Invalid);
    }

    #[test]
    fn the_help_lists_every_code_once_in_order() {
        let table = Exit::table();
        let numbers: Vec<_> =
            table.lines().skip(1).filter_map(|line| line.split_whitespace().next()).collect();
        assert_eq!(numbers, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]);
    }
}
