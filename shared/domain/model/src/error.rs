//! The error type of the crates above the pure ones.
//!
//! Its fields hold what the caller may see; [`Error::log`] holds the detail that only the log gets.
//! `writ-edge` alone maps it to an HTTP response.

use std::fmt;

use serde::{Deserialize, Serialize};
use strum::{EnumCount, EnumString, IntoStaticStr, VariantArray};

use crate::Diagnostic;
use crate::enums::to_array;

/// What kind of thing went wrong. The name is part of the API: the last part of a problem's
/// `type`.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    EnumCount,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum ErrorKind {
    /// The request is malformed; `location` points to the invalid part.
    InvalidRequest,
    /// The request has no valid credentials.
    Unauthenticated,
    /// The access policy denies the request; `rule` names the rule that decided.
    Forbidden,
    /// The resource does not exist in the caller's workspace.
    NotFound,
    /// A resource of that name exists already, or was changed concurrently.
    Conflict,
    /// The execution record lacks data that a replay needs.
    NotRepeatable,
    /// The caller's `If-Match` does not match the stored revision.
    Stale,
    /// The request body exceeds its size limit.
    TooLarge,
    /// The request body is not declared as JSON.
    UnsupportedMediaType,
    /// A value does not conform to its schema; `violations` lists the locations.
    SchemaViolation,
    /// The policy's code does not compile; `diagnostics` lists the findings.
    PolicyDoesNotCompile,
    /// The policy raised an exception.
    PolicyRaised,
    /// The policy returned a value that JSON cannot represent.
    PolicyOutputNotJson,
    /// The policy's output exceeds its size limit.
    PolicyOutputTooLarge,
    /// The policy exceeded its time limit and was stopped.
    PolicyTimedOut,
    /// The policy exceeded its memory limit.
    PolicyOutOfMemory,
    /// The policy exceeded its limit of nested calls.
    PolicyTooDeep,
    /// The policy terminated its interpreter, for example by a stack overflow.
    PolicyCrashed,
    /// The policy's context would exceed its size limit.
    PolicyContextTooLarge,
    /// The policy's pre-check rejected the input.
    PrecheckRefused,
    /// The policy's pre-check failed to return a decision.
    PrecheckFailed,
    /// A rate or concurrency limit rejected the run; `retry_after_s` says when to retry.
    Limited,
    /// The executor lost the run, for example because its worker died.
    ExecutorFault,
    /// The platform cannot serve the request now; `retry_after_s` says when to retry.
    Unavailable,
    /// The platform did not respond in time.
    TimedOut,
    /// A defect or an outage of the platform itself; the cause is in the log.
    Internal,
}

impl ErrorKind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; Self::COUNT] = to_array(Self::VARIANTS);

    /// Returns the name that the API uses.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// One location at which a value does not conform to its schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The value that was checked: `input_data`, `parameters`, `settings` or `output`.
    pub subject: String,
    /// The location in the value, as a JSON Pointer (RFC 6901); empty for the whole value.
    pub path: String,
    /// The keyword of the schema that the value violates, such as `pattern` or `required`.
    pub rule: String,
    /// The problem in one sentence; never quotes the value.
    pub message: String,
}

/// An error for the caller, with detail for the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub struct Error {
    /// The kind of the error, which decides its HTTP status.
    pub kind: ErrorKind,
    /// The problem and its remedy in one sentence: lowercase, no period.
    pub message: String,
    /// The location in the request: a JSON Pointer, a header or a query parameter. `None` where the
    /// error concerns no single part.
    #[serde(rename = "place", default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// All violations of a schema.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub violations: Vec<Violation>,
    /// All findings of a compiler.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<Diagnostic>,
    /// The one-based line of the policy's code that raised the exception.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The policy's own traceback, as its language prints it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceback: Option<String>,
    /// The id of the rule in the platform's access policy that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Seconds after which a retry may succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u32>,
    /// Detail for the log only: never sent, never stored.
    #[serde(skip)]
    pub log: Option<String>,
}

impl Error {
    /// Creates an error with a message for the caller.
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

    /// Creates an error for a malformed request.
    #[must_use]
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidRequest, message)
    }

    /// Creates an error for a resource that does not exist.
    #[must_use]
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// Creates an error for a defect or outage: the caller gets a generic message, the log gets
    /// `log`.
    #[must_use]
    pub fn internal(log: impl fmt::Display) -> Self {
        let mut error = Self::new(
            ErrorKind::Internal,
            "the platform failed to serve this request; the log of this request id says why",
        );
        error.log = Some(log.to_string());
        error
    }

    /// Creates an error for values that do not conform to their schemas.
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

    /// Sets the location in the request.
    #[must_use]
    pub fn at(mut self, location: impl Into<String>) -> Self {
        self.location = Some(location.into());
        self
    }

    /// Sets the detail for the log.
    #[must_use]
    pub fn log(mut self, detail: impl fmt::Display) -> Self {
        self.log = Some(detail.to_string());
        self
    }

    /// Sets the seconds after which a retry may succeed.
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
