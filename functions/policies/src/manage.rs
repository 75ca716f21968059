//! `POST /policy/{uri}/management`: sends a policy a management command.

use http::Method;
use serde::Deserialize;
use writ_edge::{AccessLevel, Reply, Request, RouteSpec};
use writ_model::{Error, RawJson};
use writ_pipeline::{Execute, ExecutionRequest};
use writ_ports::ports;

use crate::get;

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "policy.manage",
    method: Method::POST,
    path: "/policy/{uri}/management",
    access_level: AccessLevel::Execute,
    summary: "Sends a new instance of a policy one of the commands that its \
              `management_commands_schema` declares, and answers what it returns.",
    body: Some("ManagementRequest"),
    data: "Output",
    ..RouteSpec::DEFAULT
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    mgmt_action: Option<String>,
    #[serde(default)]
    mgmt_data: Option<RawJson>,
    #[serde(default)]
    parameters: Option<RawJson>,
}

ports! {
    pub trait Ports = Execute;
}

/// Answers what the command returned; the record's id stands beside it, on failure too.
pub(crate) async fn handle(ports: &impl Ports, request: Request) -> Result<Reply, Error> {
    let body: Body = request.parse()?;
    let action = body.mgmt_action.filter(|action| !action.is_empty());
    let action =
        action.ok_or_else(|| Error::invalid("`mgmt_action` is required").at("/mgmt_action"))?;
    let identity = &request.caller.identity;
    let order = ExecutionRequest {
        mgmt_action: Some(action),
        parameters: body.parameters,
        derived_id: request.derived_id.clone(),
        idempotency_key: request.header("idempotency-key").map(str::to_owned),
        trace_id: request.trace_id().map(str::to_owned),
        ..ExecutionRequest::new(
            identity.workspace.clone(),
            identity.subject.clone(),
            request.caller.principal_kind,
            get::uri(&request)?,
            body.mgmt_data.unwrap_or_else(RawJson::empty_object),
        )
    };
    let report = ports.execute(order).await?;
    Ok(match report.is_stored {
        false => Reply::execution(&report.execution, &request.request_id),
        true => Reply::recorded_execution(&report.record, &request.request_id),
    })
}
