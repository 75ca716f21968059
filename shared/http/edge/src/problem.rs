//! Problem documents (RFC 9457): the one module that gives an error its HTTP status and its document.

use http::{HeaderName, StatusCode, header};
use serde::Serialize;
use writ_model::{Diagnostic, Error, ErrorKind, Violation};

use crate::Reply;

/// The media type of every failure.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// Names the execution that a failure is about.
pub(crate) const EXECUTION_ID: HeaderName = HeaderName::from_static("x-execution-id");

/// How long a caller should wait where the error does not know better.
const RETRY_AFTER_S: u32 = 1;

/// The HTTP status of a kind of error.
#[must_use]
pub fn status_of(kind: ErrorKind) -> StatusCode {
    match kind {
        // Code that does not compile is refused when it is registered: the request is wrong.
        ErrorKind::InvalidRequest | ErrorKind::PolicyDoesNotCompile => StatusCode::BAD_REQUEST,
        ErrorKind::Unauthenticated => StatusCode::UNAUTHORIZED,
        ErrorKind::Forbidden | ErrorKind::PrecheckRefused => StatusCode::FORBIDDEN,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Conflict | ErrorKind::NotRepeatable => StatusCode::CONFLICT,
        ErrorKind::Stale => StatusCode::PRECONDITION_FAILED,
        ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorKind::SchemaViolation
        | ErrorKind::PolicyRaised
        | ErrorKind::PolicyOutputNotJson
        | ErrorKind::PolicyOutputTooLarge
        | ErrorKind::PolicyOutOfMemory
        | ErrorKind::PolicyTooDeep
        | ErrorKind::PolicyCrashed
        | ErrorKind::PolicyContextTooLarge
        | ErrorKind::PrecheckFailed => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorKind::Limited => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        ErrorKind::ExecutorFault => StatusCode::BAD_GATEWAY,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::PolicyTimedOut | ErrorKind::TimedOut => StatusCode::GATEWAY_TIMEOUT,
    }
}

/// What a kind of error is called; the same for every occurrence.
#[must_use]
pub fn title_of(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidRequest => "The request is malformed",
        ErrorKind::Unauthenticated => "Authentication required",
        ErrorKind::Forbidden => "The caller may not do this",
        ErrorKind::NotFound => "Not found",
        ErrorKind::Conflict => "The request conflicts with what is there",
        ErrorKind::NotRepeatable => "The record cannot be run again",
        ErrorKind::Stale => "Precondition failed",
        ErrorKind::TooLarge => "The body is too large",
        ErrorKind::UnsupportedMediaType => "The body is not declared as JSON",
        ErrorKind::SchemaViolation => "A value does not fit its schema",
        ErrorKind::PolicyDoesNotCompile => "The policy does not compile",
        ErrorKind::PolicyRaised => "The policy raised an exception",
        ErrorKind::PolicyOutputNotJson => "The policy returned what is no JSON",
        ErrorKind::PolicyOutputTooLarge => "The policy returned too much",
        ErrorKind::PolicyTimedOut => "The policy ran out of time",
        ErrorKind::PolicyOutOfMemory => "The policy ran out of memory",
        ErrorKind::PolicyTooDeep => "The policy nested calls too deep",
        ErrorKind::PolicyCrashed => "The policy ended its interpreter",
        ErrorKind::PolicyContextTooLarge => "The policy would keep too much",
        ErrorKind::PrecheckRefused => "The policy's pre-check refused the input",
        ErrorKind::PrecheckFailed => "The policy's pre-check gave no answer",
        ErrorKind::Limited => "A limit refused the run",
        ErrorKind::ExecutorFault => "The executor lost the run",
        ErrorKind::Unavailable => "The platform cannot serve this now",
        ErrorKind::TimedOut => "The platform did not answer in time",
        ErrorKind::Internal => "The platform failed",
    }
}

/// The members of a problem document, in the order in which they are read.
#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    success: bool,
    // The same sentence again, for clients of the platform's predecessors.
    message: &'a str,
    #[serde(rename = "place", skip_serializing_if = "Option::is_none")]
    location: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    violations: &'a [Violation],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    diagnostics: &'a [Diagnostic],
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceback: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    request_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    execution_id: Option<&'a str>,
}

impl<'a> Document<'a> {
    fn new(
        name: &str,
        title: &'a str,
        status: StatusCode,
        detail: &'a str,
        request_id: &'a str,
    ) -> Self {
        Self {
            r#type: format!("urn:writ:error:{name}"),
            title,
            status: status.as_u16(),
            detail,
            success: false,
            message: detail,
            location: None,
            violations: &[],
            diagnostics: &[],
            line: None,
            traceback: None,
            rule: None,
            request_id,
            execution_id: None,
        }
    }

    fn into_reply(self, status: StatusCode) -> Reply {
        // INVARIANT: strings, numbers and lists of them always serialise.
        let body = serde_json::to_string(&self).unwrap_or_default();
        Reply { status, headers: Vec::new(), content_type: PROBLEM_JSON, body }
    }
}

impl Reply {
    /// What a caller gets for an error. What the error has for the log alone goes there, from here.
    ///
    /// `execution_id` names the run that failed, where there was one: its record is kept.
    #[must_use]
    pub fn problem(error: &Error, request_id: &str, execution_id: Option<&str>) -> Self {
        if let Some(detail) = &error.log {
            tracing::error!(request_id, kind = error.kind.name(), detail, "a request failed");
        }
        let status = status_of(error.kind);
        let document = Document {
            location: error.location.as_deref(),
            violations: &error.violations,
            diagnostics: &error.diagnostics,
            line: error.line,
            traceback: error.traceback.as_deref(),
            rule: error.rule.as_deref(),
            execution_id,
            ..Document::new(
                error.kind.name(),
                title_of(error.kind),
                status,
                &error.message,
                request_id,
            )
        };
        let mut reply = document.into_reply(status);
        if error.kind == ErrorKind::Unauthenticated {
            reply = reply.header(header::WWW_AUTHENTICATE, "Bearer realm=\"writ\"".to_owned());
        }
        let comes_back = matches!(error.kind, ErrorKind::Limited | ErrorKind::Unavailable);
        if let Some(seconds) = error.retry_after_s.or(comes_back.then_some(RETRY_AFTER_S)) {
            reply = reply.header(header::RETRY_AFTER, seconds.to_string());
        }
        match execution_id {
            Some(id) => reply.header(EXECUTION_ID, id.to_owned()),
            None => reply,
        }
    }

    /// A refusal of the server itself, before any route: no [`ErrorKind`] has this status.
    ///
    /// `name` is the last part of the problem's `type`.
    #[must_use]
    pub fn refusal(status: StatusCode, name: &str, detail: &str, request_id: &str) -> Self {
        let title = status.canonical_reason().unwrap_or("Refused");
        Document::new(name, title, status, detail, request_id).into_reply(status)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn body(reply: &Reply) -> Value {
        serde_json::from_str(&reply.body).unwrap()
    }

    fn named<'a>(reply: &'a Reply, name: &HeaderName) -> Option<&'a str> {
        reply.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn every_kind_is_an_error_with_its_own_type_and_title() {
        let mut titles = std::collections::BTreeSet::new();
        for kind in ErrorKind::ALL {
            let reply = Reply::problem(&Error::new(kind, "why"), "r1", None);
            let body = body(&reply);
            assert!(reply.status.is_client_error() || reply.status.is_server_error(), "{kind:?}");
            assert_eq!(body["type"], format!("urn:writ:error:{}", kind.name()));
            assert_eq!(body["status"], reply.status.as_u16());
            assert!(titles.insert(body["title"].as_str().unwrap().to_owned()), "{kind:?}");
        }
    }

    #[test]
    fn old_and_new_clients_read_the_same_sentence() {
        let body = body(&Reply::problem(&Error::invalid("no").at("/name"), "r1", None));
        assert_eq!(
            body,
            json!({
                "type": "urn:writ:error:invalid_request", "title": "The request is malformed", "status": 400,
                "detail": "no", "success": false, "message": "no", "place": "/name", "request_id": "r1",
            })
        );
    }

    #[test]
    fn a_failed_run_is_named_in_body_and_header() {
        let mut error = Error::new(ErrorKind::PolicyRaised, "the policy raised ValueError: x");
        error.line = Some(7);
        error.traceback = Some("Traceback".to_owned());
        let reply = Reply::problem(&error, "r1", Some("e1"));
        assert_eq!(named(&reply, &EXECUTION_ID), Some("e1"));
        let body = body(&reply);
        assert_eq!((&body["line"], &body["traceback"]), (&json!(7), &json!("Traceback")));
        assert_eq!(body["execution_id"], "e1");
    }

    #[test]
    fn headers_say_how_to_come_back() {
        let limited =
            Reply::problem(&Error::new(ErrorKind::Limited, "x").retry_after(9), "r1", None);
        assert_eq!(named(&limited, &header::RETRY_AFTER), Some("9"));
        let unavailable = Reply::problem(&Error::new(ErrorKind::Unavailable, "x"), "r1", None);
        assert_eq!(named(&unavailable, &header::RETRY_AFTER), Some("1"));
        let unknown = Reply::problem(&Error::new(ErrorKind::Unauthenticated, "x"), "r1", None);
        assert!(named(&unknown, &header::WWW_AUTHENTICATE).unwrap().starts_with("Bearer"));
        let invalid = Reply::problem(&Error::invalid("x"), "r1", None);
        assert_eq!(invalid.headers, []);
    }

    #[test]
    fn what_is_for_the_log_is_not_sent() {
        let reply = Reply::problem(&Error::internal("password is hunter2"), "r1", None);
        assert!(!format!("{reply:?}").contains("hunter2"));
    }
}
