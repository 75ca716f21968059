//! `GET /executions/{id}`: reads one record.

use http::Method;
use writ_edge::{AccessLevel, Reply, Request, RouteSpec};
use writ_model::Error;
use writ_ports::{GetExecution, ports};

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "execution.get",
    method: Method::GET,
    path: "/executions/{id}",
    access_level: AccessLevel::Read,
    summary: "Reads the record of one run.",
    data: "Execution",
    ..RouteSpec::DEFAULT
};

ports! {
    pub trait Ports = GetExecution;
}

/// Answers the record of the run.
pub(crate) async fn handle(ports: &impl Ports, request: Request) -> Result<Reply, Error> {
    let id = request.param("id");
    let execution = ports.get_execution(&request.caller.identity.workspace, id).await?;
    let execution =
        execution.ok_or_else(|| Error::not_found(format!("there is no execution `{id}`")))?;
    Ok(Reply::data(&serde_json::to_string(&execution).map_err(Error::internal)?))
}
