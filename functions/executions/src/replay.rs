//! `POST /executions/{id}/replay`: runs a record again and compares.

use http::Method;
use serde_json::json;
use writ_edge::{AccessLevel, Reply, Request, RouteSpec};
use writ_model::Error;
use writ_pipeline::{Replay, ReplayRequest};
use writ_ports::ports;

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "execution.replay",
    method: Method::POST,
    path: "/executions/{id}/replay",
    access_level: AccessLevel::Execute,
    summary: "Runs a record again on the same revision, input, time and seed, and says what differs.",
    data: "Replay",
    ..RouteSpec::DEFAULT
};

ports! {
    pub trait Ports = Replay;
}

/// Answers whether the second run gave the same, and its own record's id.
pub(crate) async fn handle(ports: &impl Ports, request: Request) -> Result<Reply, Error> {
    let identity = &request.caller.identity;
    let order = ReplayRequest {
        workspace: identity.workspace.clone(),
        execution_id: request.param("id").to_owned(),
        identity: identity.subject.clone(),
        principal_kind: request.caller.principal_kind,
        derived_id: request.derived_id.clone(),
    };
    let replayed = ports.replay(order).await?;
    let id = json!(replayed.execution.execution_id).to_string();
    let data = json!({
        "same": replayed.differences.is_empty(),
        "differences": replayed.differences,
        "execution_id": replayed.execution.execution_id,
    });
    Ok(Reply::data_with(&data.to_string(), &[("execution_id", &id)]))
}
