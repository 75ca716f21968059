//! The one error that the rooms above the pure ones speak.
//!
//! It says what the caller may see; what only the log may see is kept apart in [`Error::log`].
//! The edge alone turns it into an HTTP reply.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Diagnostic;

/// What kind of thing went wrong. The name is part of the API: the last part of a problem's
/// `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The request is malformed; `location` says where.
    InvalidRequest,
    /// Nobody known is calling.
    Unauthenticated,
    /// The caller is known and may not do this; `rule` says which rule decided.
    Forbidden,
    /// There is no such thing in the caller's workspace.
    NotFound,
    /// Something of that name exists already, or changed at the same moment.
    Conflict,
    /// A record does not hold what running it again would take.
    NotRepeatable,
    /// The caller's `If-Match` names another revision than the stored one.
    Stale,
    /// The body is too large.
    TooLarge,
    /// The body is not declared as JSON.
    UnsupportedMediaType,
    /// A value does not fit its schema; `violations` lists where.
    SchemaViolation,
    /// The policy's code does not compile; `diagnostics` lists where.
    PolicyDoesNotCompile,
    /// The policy raised an exception.
    PolicyRaised,
    /// The policy returned what is no JSON.
    PolicyOutputNotJson,
    /// The policy returned too much.
    PolicyOutputTooLarge,
    /// The policy ran out of time and was stopped.
    PolicyTimedOut,
    /// The policy ran out of memory.
    PolicyOutOfMemory,
    /// The policy nested calls too deep.
    PolicyTooDeep,
    /// The policy ended its interpreter.
    PolicyCrashed,
    /// The policy would keep more than a context holds.
    PolicyContextTooLarge,
    /// The policy's pre-check refused the input.
    PrecheckRefused,
    /// The policy's pre-check gave no answer.
    PrecheckFailed,
    /// A limit refused the run; `retry_after_s` says when to come back.
    Limited,
    /// The executor lost the run.
    ExecutorFault,
    /// The platform cannot serve this now; `retry_after_s` says when to come back.
    Unavailable,
    /// The platform did not answer in time.
    TimedOut,
    /// A defect or an outage of the platform itself.
    Internal,
}

impl ErrorKind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 26] = [
        Self::InvalidRequest,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::Conflict,
        Self::NotRepeatable,
        Self::Stale,
        Self::TooLarge,
        Self::UnsupportedMediaType,
        Self::SchemaViolation,
        Self::PolicyDoesNotCompile,
        Self::PolicyRaised,
        Self::PolicyOutputNotJson,
        Self::PolicyOutputTooLarge,
        Self::PolicyTimedOut,
        Self::PolicyOutOfMemory,
        Self::PolicyTooDeep,
        Self::PolicyCrashed,
        Self::PolicyContextTooLarge,
        Self::PrecheckRefused,
        Self::PrecheckFailed,
        Self::Limited,
        Self::ExecutorFault,
        Self::Unavailable,
        Self::TimedOut,
        Self::Internal,
    ];

    /// The name, as the API spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::NotRepeatable => "not_repeatable",
            Self::Stale => "stale",
            Self::TooLarge => "too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::SchemaViolation => "schema_violation",
            Self::PolicyDoesNotCompile => "policy_does_not_compile",
            Self::PolicyRaised => "policy_raised",
            Self::PolicyOutputNotJson => "policy_output_not_json",
            Self::PolicyOutputTooLarge => "policy_output_too_large",
            Self::PolicyTimedOut => "policy_timed_out",
            Self::PolicyOutOfMemory => "policy_out_of_memory",
            Self::PolicyTooDeep => "policy_too_deep",
            Self::PolicyCrashed => "policy_crashed",
            Self::PolicyContextTooLarge => "policy_context_too_large",
            Self::PrecheckRefused => "precheck_refused",
            Self::PrecheckFailed => "precheck_failed",
            Self::Limited => "limited",
            Self::ExecutorFault => "executor_fault",
            Self::Unavailable => "unavailable",
            Self::TimedOut => "timed_out",
            Self::Internal => "internal",
        }
    }
}

/// One place where a value does not fit its schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// Which value: `input_data`, `parameters`, `settings` or `output`.
    pub subject: String,
    /// Where in it, as a JSON Pointer (RFC 6901); empty for the whole value.
    pub path: String,
    /// The schema's rule that refused it, as `pattern` or `required`.
    pub rule: String,
    /// What is wrong.
    pub message: String,
}

/// What went wrong, for the caller; and what else the log should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub struct Error {
    /// What kind of thing.
    pub kind: ErrorKind,
    /// One sentence: what is wrong and what to do; lowercase, no period.
    pub message: String,
    /// Where in the request: a JSON Pointer, a header, a query parameter.
    #[serde(rename = "place", default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Everything that does not fit a schema.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<Violation>,
    /// Everything that a compiler said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<Diagnostic>,
    /// One-based line of the policy that raised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The policy's own traceback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceback: Option<String>,
    /// The rule of the platform's access policy that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Seconds until another try may succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u32>,
    /// For the log alone: never sent, never stored.
    #[serde(skip)]
    pub log: Option<String>,
}

impl Error {
    /// An error of some kind with a message for the caller.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            location: None,
            violations: Vec::new(),
            diagnostics: Vec::new(),
            line: None,
            traceback: None,
            rule: None,
            retry_after_s: None,
            log: None,
        }
    }

    /// A malformed request.
    #[must_use]
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidRequest, message)
    }

    /// A thing that is not there.
    #[must_use]
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// A defect or outage: the caller learns that it happened, the log learns what.
    #[must_use]
    pub fn internal(log: impl fmt::Display) -> Self {
        let mut error = Self::new(
            ErrorKind::Internal,
            "the platform failed to serve this request; the log of this request id says why",
        );
        error.log = Some(log.to_string());
        error
    }

    /// Values that do not fit their schemas.
    #[must_use]
    pub fn violations(violations: Vec<Violation>) -> Self {
        let message = match violations.as_slice() {
            [] => "a value does not fit its schema".to_owned(),
            [one] => format!("at `{}{}`: {}", one.subject, one.path, one.message),
            [first, rest @ ..] => format!(
                "at `{}{}`: {} (and {} more)",
                first.subject,
                first.path,
                first.message,
                rest.len()
            ),
        };
        Self { violations, ..Self::new(ErrorKind::SchemaViolation, message) }
    }

    /// The same error at a place of the request.
    #[must_use]
    pub fn at(mut self, location: impl Into<String>) -> Self {
        self.location = Some(location.into());
        self
    }

    /// The same error with what the log should know.
    #[must_use]
    pub fn log(mut self, detail: impl fmt::Display) -> Self {
        self.log = Some(detail.to_string());
        self
    }

    /// The same error with when to come back.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Some(location) => write!(f, "{location}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_named_as_it_is_serialised() {
        for kind in ErrorKind::ALL {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{}\"", kind.name()));
        }
    }

    #[test]
    fn what_is_for_the_log_never_leaves() {
        let text = serde_json::to_string(&Error::internal("password is hunter2")).unwrap();
        assert!(!text.contains("hunter2"), "{text}");
    }
}
