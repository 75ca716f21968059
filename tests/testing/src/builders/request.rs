//! Requests as the edge hands them to a handler, and what replies hold.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use serde_json::Value;
use writ_edge::{Caller, Reply, Request};
use writ_model::{Identity, PrincipalKind, Role};

use super::workspace;

/// `alice` with this role in the workspace `a`.
#[must_use]
pub fn caller(principal_kind: PrincipalKind, role: Role) -> Caller {
    let identity = Identity { subject: "alice".to_owned(), workspace: workspace("a"), role };
    Caller { identity, principal_kind }
}

/// A `POST /` without a body from `alice`, an admin of the workspace `a` with a token. Handlers read
/// neither method nor path.
#[must_use]
pub fn request() -> Request {
    Request {
        method: Method::POST,
        path: "/".to_owned(),
        params: Vec::new(),
        query: Vec::new(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
        caller: caller(PrincipalKind::Token, Role::Admin),
        rule: "the-rule".to_owned(),
        request_id: "r1".to_owned(),
        derived_id: None,
    }
}

/// Changes of a request, each of which returns it.
pub trait RequestExt: Sized {
    /// With this body, in place of another one.
    #[must_use]
    fn with_body(self, body: &str) -> Self;

    /// With a segment of its path, as the route `/jobs/{job_id}` has `job_id`.
    #[must_use]
    fn with_param(self, name: &str, value: &str) -> Self;

    /// With a query parameter more.
    #[must_use]
    fn with_query(self, name: &str, value: &str) -> Self;

    /// With a header, over one of the same name.
    #[must_use]
    fn with_header(self, name: &'static str, value: &str) -> Self;

    /// From this caller instead.
    #[must_use]
    fn with_caller(self, caller: Caller) -> Self;
}

impl RequestExt for Request {
    fn with_body(mut self, body: &str) -> Self {
        self.body = Bytes::copy_from_slice(body.as_bytes());
        self
    }

    fn with_param(mut self, name: &str, value: &str) -> Self {
        self.params.push((name.to_owned(), value.to_owned()));
        self
    }

    fn with_query(mut self, name: &str, value: &str) -> Self {
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.insert(name, HeaderValue::from_str(value).unwrap());
        self
    }

    fn with_caller(mut self, caller: Caller) -> Self {
        self.caller = caller;
        self
    }
}

/// The body of a reply of success.
///
/// # Panics
/// When the reply is none.
#[must_use]
pub fn body(reply: &Reply) -> Value {
    let body: Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!(body["success"], true, "{body}");
    body
}

/// The `data` of a reply of success.
///
/// # Panics
/// When the reply is none.
#[must_use]
pub fn data(reply: &Reply) -> Value {
    body(reply)["data"].take()
}
