//! `POST /executions/query`: searches the decision log with a Mongo filter.

use http::Method;
use writ_edge::{AccessLevel, Dialect, ListParams, QUERY_PARAMS, Reply, Request, RouteSpec};
use writ_model::Error;
use writ_ports::QueryExecutions;

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "execution.query",
    method: Method::POST,
    path: "/executions/query",
    access_level: AccessLevel::Read,
    dialect: Dialect::Writ,
    summary: "Searches the records of runs with a Mongo filter, newest first.",
    body: Some("Filter"),
    data: "ExecutionPage",
    success: 200,
    params: QUERY_PARAMS,
};

/// Answers one page of records.
pub(crate) async fn handle(ports: &impl QueryExecutions, request: Request) -> Result<Reply, Error> {
    let asked = ListParams::of(&request, &[])?;
    let page = ports.query_executions(&request.caller.identity.workspace, &asked.query).await?;
    Reply::page(&page, asked.projection.as_ref())
}
