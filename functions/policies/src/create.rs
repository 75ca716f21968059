//! `POST /policy`: registers a policy.

use http::Method;
use http::header::ETAG;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use writ_edge::{AccessLevel, Reply, Request, RouteSpec};
use writ_model::{Diagnostic, Digest, Error, PolicyRule};
use writ_ports::{
    Clock, CreatePolicy, Evaluate, GetBody, GetPolicy, GetRevisions, Ids, NewRevision, PolicyHead,
    ports,
};

use crate::get;
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
    data: "StoredPolicyRule",
    success: 201,
    ..RouteSpec::DEFAULT
};

ports! {
    pub trait Ports = Clock + CreatePolicy + Evaluate + GetBody + GetPolicy + GetRevisions + Ids;
}

/// Answers the stored policy.
pub(crate) async fn handle(ports: &impl Ports, request: Request) -> Result<Reply, Error> {
    request.json()?;
    let mut policy = PolicyRule::from_json(request.text()?)?;
    policy.settle_schema_formats();
    if let Some(policy_id) = request.retried_id()
        && let Some(reply) = find_created(ports, &request, policy_id).await?
    {
        return Ok(reply);
    }
    let workspace = &request.caller.identity.workspace;
    let warnings = validate(ports, workspace, &policy).await?;
    let body = policy.to_body()?;
    let now = ports.now();
    let head = PolicyHead {
        policy_id: request.new_id(ports, now),
        uri: policy.policy_rule_uri.clone(),
        revision: 1,
        digest: Digest::of(body.as_bytes()),
        created_at: now,
        updated_at: now,
    };
    let reply = created_reply(&head, &body, &warnings)?;
    let author = &request.caller.identity.subject;
    let new = NewRevision { head, policy: &policy, body: &body, author };
    let Err(error) = ports.create_policy(workspace, new).await else { return Ok(reply) };
    match request.conflicting_id(&error) {
        Some(policy_id) => find_created(ports, &request, policy_id).await?.ok_or(error),
        None => Err(error),
    }
}

/// The reply to an earlier request with the same key that registered the policy of this id, whatever
/// became of the policy since.
async fn find_created(
    ports: &(impl GetBody + GetRevisions),
    request: &Request,
    policy_id: &str,
) -> Result<Option<Reply>, Error> {
    let workspace = &request.caller.identity.workspace;
    let Some(first) = ports.get_revision(workspace, policy_id, 1).await? else { return Ok(None) };
    let head = PolicyHead {
        policy_id: policy_id.to_owned(),
        uri: first.policy_rule_uri,
        revision: first.revision,
        digest: first.digest,
        created_at: first.created_at,
        updated_at: first.created_at,
    };
    let body = get::body(ports, request, &head).await?;
    created_reply(&head, &body, &[]).map(Some)
}

fn created_reply(head: &PolicyHead, body: &str, warnings: &[Diagnostic]) -> Result<Reply, Error> {
    let location = format!("/policy/{}", utf8_percent_encode(&head.uri.to_string(), SEGMENT));
    Ok(stored_reply(body, warnings)?.created(location).header(ETAG, head.etag()))
}
