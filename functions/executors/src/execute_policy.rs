//! `POST /executor/{executor_id}/execute_policy`: runs a policy and waits for its output.

use http::Method;
use serde::Deserialize;
use writ_edge::{AccessLevel, ON_BEHALF_OF, Reply, Request, RouteSpec};
use writ_model::{Error, PolicyUri, RawJson};
use writ_pipeline::{Execute, ExecutionRequest, known_executor};
use writ_ports::ports;

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "executor.execute_policy",
    method: Method::POST,
    path: "/executor/{executor_id}/execute_policy",
    access_level: AccessLevel::Execute,
    summary: "Runs a policy on an executor and waits for its output; `builtin` is the platform itself.",
    body: Some("ExecutePolicyRequest"),
    data: "Output",
    params: &[ON_BEHALF_OF],
    ..RouteSpec::DEFAULT
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    policy_rule_uri: String,
    input_data: RawJson,
    #[serde(default)]
    parameters: Option<RawJson>,
}

ports! {
    pub trait Ports = Execute;
}

/// Answers what the policy returned; the record's id stands beside it, on failure too.
pub(crate) async fn handle(ports: &impl Ports, request: Request) -> Result<Reply, Error> {
    known_executor(&request.param("executor_id").to_owned().into())?;
    let body: Body = request.parse()?;
    let policy_rule_uri: PolicyUri =
        body.policy_rule_uri.parse().map_err(|error: writ_model::UriError| {
            Error::invalid(error.to_string()).at("/policy_rule_uri")
        })?;
    let identity = &request.caller.identity;
    let order = ExecutionRequest {
        on_behalf_of: request.on_behalf_of()?,
        parameters: body.parameters,
        derived_id: request.derived_id.clone(),
        idempotency_key: request.header("idempotency-key").map(str::to_owned),
        trace_id: request.trace_id().map(str::to_owned),
        ..ExecutionRequest::new(
            identity.workspace.clone(),
            identity.subject.clone(),
            request.caller.principal_kind,
            policy_rule_uri,
            body.input_data,
        )
    };
    let report = ports.execute(order).await?;
    Ok(match report.is_stored {
        false => Reply::execution(&report.execution, &request.request_id),
        true => Reply::recorded_execution(&report.record, &request.request_id),
    })
}
