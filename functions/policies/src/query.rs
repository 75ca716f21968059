//! `POST /policy/query`: searches the registry with a Mongo filter.

use http::Method;
use writ_edge::{AccessLevel, ListParams, QUERY_PARAMS, Reply, Request, RouteSpec};
use writ_model::Error;
use writ_ports::{QueryPolicies, ports};

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "policy.query",
    method: Method::POST,
    path: "/policy/query",
    access_level: AccessLevel::Read,
    summary: "Searches policies with a Mongo filter.",
    body: Some("Filter"),
    data: "PolicyRulePage",
    params: QUERY_PARAMS,
    ..RouteSpec::DEFAULT
};

ports! {
    pub trait Ports = QueryPolicies;
}

/// Answers one page of policies.
pub(crate) async fn handle(ports: &impl Ports, request: Request) -> Result<Reply, Error> {
    let asked = ListParams::of(&request, &[])?;
    let page = ports.query_policies(&request.caller.identity.workspace, &asked.query).await?;
    Reply::page(&page, asked.projection.as_ref())
}
