//! `GET /executions/{id}`: reads one record.

use http::Method;
use writ_edge::{AccessLevel, Dialect, Reply, Request, RouteSpec};
use writ_model::Error;
use writ_ports::GetExecution;

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "execution.get",
    method: Method::GET,
    path: "/executions/{id}",
    access_level: AccessLevel::Read,
    dialect: Dialect::Writ,
    summary: "Reads the record of one run.",
    body: None,
    data: "Execution",
    success: 200,
    params: &[],
};

/// Answers the record.
pub(crate) async fn handle(ports: &impl GetExecution, request: Request) -> Result<Reply, Error> {
    let id = request.param("id");
    let execution = ports.get_execution(&request.caller.identity.workspace, id).await?;
    let execution =
        execution.ok_or_else(|| Error::not_found(format!("there is no execution `{id}`")))?;
    Ok(Reply::data(&serde_json::to_string(&execution).map_err(Error::internal)?))
}
