//! `GET /policy/{uri}/revisions/{n}`: reads one revision of a policy.

use http::Method;
use writ_edge::{AccessLevel, Reply, Request, RouteSpec};
use writ_model::{Error, with_defaults};
use writ_ports::{GetBody, GetPolicy, GetRevisions, ports};

use crate::get;

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "policy.revision",
    method: Method::GET,
    path: "/policy/{uri}/revisions/{n}",
    access_level: AccessLevel::Read,
    summary: "Reads one revision of a policy, as it was stored then.",
    data: "PolicyRuleAtRevision",
    ..RouteSpec::DEFAULT
};

ports! {
    pub trait Ports = GetBody + GetPolicy + GetRevisions;
}

/// Answers the body of the revision, and what is known of it as `revision`.
pub(crate) async fn handle(ports: &impl Ports, request: Request) -> Result<Reply, Error> {
    let number: u64 = request.param("n").parse().map_err(|_| {
        let message = format!("`{}` is no revision number; they count from 1", request.param("n"));
        Error::invalid(message).at("path")
    })?;
    let head = get::head(ports, &request).await?;
    let workspace = &request.caller.identity.workspace;
    let revision =
        ports.get_revision(workspace, &head.policy_id, number).await?.ok_or_else(|| {
            Error::not_found(format!(
                "`{}` has no revision {number}; the newest is {}",
                head.uri, head.revision
            ))
        })?;
    let body = ports.get_body(workspace, &revision.digest).await?.ok_or_else(|| {
        Error::internal(format!("revision {number} of `{}` has no body", head.uri))
    })?;
    let spec = serde_json::to_string(&revision).map_err(Error::internal)?;
    Ok(Reply::data_with(&with_defaults(&body)?, &[("revision", &spec)]))
}
