//! `POST /executor/{executor_id}/execute_policy`: runs a policy and waits for its output.

use http::Method;
use serde::Deserialize;
use writ_edge::{About, Dialect, Effect, Param, Reply, Request};
use writ_model::{Error, PolicyUri, RawJson};
use writ_pipeline::{BUILTIN, Execute, Order};

/// What is known of the route.
pub(crate) const ABOUT: About = About {
    name: "executor.execute_policy",
    method: Method::POST,
    path: "/executor/{executor_id}/execute_policy",
    effect: Effect::Execute,
    dialect: Dialect::Writ,
    summary: "Runs a policy on an executor and waits for its output; `builtin` is the platform itself.",
    body: Some("ExecutePolicyRequest"),
    data: "Output",
    success: 200,
    params: &[Param {
        name: "Writ-On-Behalf-Of",
        about: "for whom the caller acts, at most 128 visible characters; recorded",
    }],
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    policy_rule_uri: String,
    input_data: RawJson,
    #[serde(default)]
    parameters: Option<RawJson>,
}

/// For whom the caller says to act.
fn on_behalf_of(request: &Request) -> Result<Option<String>, Error> {
    let Some(value) = request.headers.get("writ-on-behalf-of") else { return Ok(None) };
    let text = value.to_str().ok().filter(|text| !text.is_empty() && text.len() <= 128);
    text.map(|text| Some(text.to_owned())).ok_or_else(|| {
        Error::invalid("for whom the caller acts is said in 1 to 128 visible ASCII characters")
            .at("header `Writ-On-Behalf-Of`")
    })
}

/// Answers what the policy returned; the record's id stands beside it, on failure too.
pub(crate) async fn handle(ports: &impl Execute, request: Request) -> Result<Reply, Error> {
    let executor_id = request.param("executor_id");
    if executor_id != BUILTIN {
        return Err(Error::not_found(format!(
            "there is no executor `{executor_id}`; `{BUILTIN}` is the platform itself"
        )));
    }
    let body: Body = request.parse()?;
    let policy_rule_uri: PolicyUri =
        body.policy_rule_uri.parse().map_err(|error: writ_model::UriError| {
            Error::invalid(error.to_string()).at("/policy_rule_uri")
        })?;
    let identity = &request.caller.identity;
    let order = Order {
        on_behalf_of: on_behalf_of(&request)?,
        parameters: body.parameters,
        idempotency_key: request.header("idempotency-key").map(str::to_owned),
        trace_id: request.trace_id().map(str::to_owned),
        ..Order::new(
            identity.workspace.clone(),
            identity.subject.clone(),
            request.caller.principal_kind.to_owned(),
            policy_rule_uri,
            body.input_data,
        )
    };
    let execution = ports.execute(order).await?;
    Ok(Reply::execution(&execution, &request.request_id))
}
