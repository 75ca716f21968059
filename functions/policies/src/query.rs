//! `POST /policy/query`: searches the registry with a Mongo filter.

use http::Method;
use writ_edge::{AccessLevel, Dialect, ListParams, QUERY_PARAMS, Reply, Request, RouteSpec};
use writ_model::Error;
use writ_ports::QueryPolicies;

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "policy.query",
    method: Method::POST,
    path: "/policy/query",
    access_level: AccessLevel::Read,
    dialect: Dialect::Writ,
    summary: "Searches policies with a Mongo filter.",
    body: Some("Filter"),
    data: "PolicyRulePage",
    success: 200,
    params: QUERY_PARAMS,
};

/// Answers one page of policies.
pub(crate) async fn handle(ports: &impl QueryPolicies, request: Request) -> Result<Reply, Error> {
    let asked = ListParams::of(&request, &[])?;
    let page = ports.query_policies(&request.caller.identity.workspace, &asked.query).await?;
    Reply::page(&page, asked.projection.as_ref())
}
