//! `POST /policy`: registers a policy.

use http::Method;
use http::header::ETAG;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use writ_edge::{AccessLevel, Reply, Request, RouteSpec};
use writ_model::{Digest, Error, PolicyRule};
use writ_ports::{Clock, CreatePolicy, Evaluate, GetPolicy, Ids, NewRevision, PolicyHead, ports};

use crate::validate::{stored_reply, validate};

/// What stands in a path segment as it is.
const SEGMENT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "policy.create",
    method: Method::POST,
    path: "/policy",
    access_level: AccessLevel::MutatePolicy,
    summary: "Registers a policy after compiling its code and its schemas.",
    body: Some("NewPolicyRule"),
    data: "PolicyRule",
    success: 201,
    ..RouteSpec::DEFAULT
};

ports! {
    pub trait Ports = Clock + CreatePolicy + Evaluate + GetPolicy + Ids;
}

/// Answers the stored policy.
pub(crate) async fn handle(ports: &impl Ports, request: Request) -> Result<Reply, Error> {
    request.json()?;
    let policy = PolicyRule::from_json(request.text()?)?;
    let workspace = &request.caller.identity.workspace;
    let warnings = validate(ports, workspace, &policy).await?;
    let body = policy.to_body()?;
    let now = ports.now();
    let head = PolicyHead {
        policy_id: ports.id(now),
        uri: policy.policy_rule_uri.clone(),
        revision: 1,
        digest: Digest::of(body.as_bytes()),
        created_at: now,
        updated_at: now,
    };
    let location = format!("/policy/{}", utf8_percent_encode(&head.uri.to_string(), SEGMENT));
    let etag = head.etag();
    let author = &request.caller.identity.subject;
    let new = NewRevision { head, policy: &policy, body: &body, author };
    ports.create_policy(workspace, new).await?;
    Ok(stored_reply(&body, &warnings)?.created(location).header(ETAG, etag))
}
