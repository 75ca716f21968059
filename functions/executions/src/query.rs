//! `POST /executions/query`: searches the decision log with a Mongo filter.

use http::Method;
use writ_edge::{AccessLevel, ListParams, QUERY_PARAMS, Reply, Request, RouteSpec};
use writ_model::Error;
use writ_ports::{QueryExecutions, ports};

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "execution.query",
    method: Method::POST,
    path: "/executions/query",
    access_level: AccessLevel::Read,
    summary: "Searches the records of runs with a Mongo filter, newest first.",
    body: Some("Filter"),
    data: "ExecutionPage",
    params: QUERY_PARAMS,
    ..RouteSpec::DEFAULT
};

ports! {
    pub trait Ports = QueryExecutions;
}

/// Answers one page of records.
pub(crate) async fn handle(ports: &impl Ports, request: Request) -> Result<Reply, Error> {
    let asked = ListParams::of(&request, &[])?;
    let page = ports.query_executions(&request.caller.identity.workspace, &asked.query).await?;
    Reply::page(&page, asked.projection.as_ref())
}
