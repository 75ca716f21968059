//! `GET /policy/{uri}/revisions`: lists a policy's revisions, newest first.

use http::Method;
use writ_edge::{AccessLevel, PAGE_PARAMS, Reply, Request, RouteSpec};
use writ_model::Error;
use writ_ports::{GetPolicy, GetRevisions, ports};

use crate::get;

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "policy.revisions",
    method: Method::GET,
    path: "/policy/{uri}/revisions",
    access_level: AccessLevel::Read,
    summary: "Lists the revisions of a policy, through all its renames, newest first.",
    data: "RevisionPage",
    params: PAGE_PARAMS,
    ..RouteSpec::DEFAULT
};

ports! {
    pub trait Ports = GetPolicy + GetRevisions;
}

/// Answers one page of revisions.
pub(crate) async fn handle(ports: &impl Ports, request: Request) -> Result<Reply, Error> {
    let head = get::head(ports, &request).await?;
    let workspace = &request.caller.identity.workspace;
    let (limit, token) = (request.limit()?, request.next_token());
    let page = ports.list_revisions(workspace, &head.policy_id, limit, token.as_deref()).await?;
    let data = serde_json::to_string(&page.revisions).map_err(Error::internal)?;
    Ok(Reply::list(&data, page.next_token.as_deref()))
}
