//! `GET /policy/{uri}/revisions`: lists a policy's revisions, newest first.

use http::Method;
use writ_edge::{AccessLevel, Dialect, PAGE_PARAMS, Reply, Request, RouteSpec};
use writ_model::Error;
use writ_ports::{GetPolicy, GetRevisions};

use crate::get;

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "policy.revisions",
    method: Method::GET,
    path: "/policy/{uri}/revisions",
    access_level: AccessLevel::Read,
    dialect: Dialect::Writ,
    summary: "Lists the revisions of a policy, through all its renames, newest first.",
    body: None,
    data: "RevisionPage",
    success: 200,
    params: PAGE_PARAMS,
};

/// Answers one page of revisions.
pub(crate) async fn handle(
    ports: &(impl GetPolicy + GetRevisions),
    request: Request,
) -> Result<Reply, Error> {
    request.refuse_parameters_beyond(PAGE_PARAMS)?;
    let head = get::head(ports, &request).await?;
    let workspace = &request.caller.identity.workspace;
    let (limit, token) = (request.limit()?, request.next_token());
    let page = ports.list_revisions(workspace, &head.policy_id, limit, token.as_deref()).await?;
    let data = serde_json::to_string(&page.revisions).map_err(Error::internal)?;
    Ok(Reply::list(&data, page.next_token.as_deref()))
}
