//! `POST /policy/{uri}/plan`: what a changed policy would have decided.

use http::Method;
use serde::Deserialize;
use serde_json::json;
use writ_edge::{AccessLevel, Reply, Request, RouteSpec};
use writ_model::{Error, ErrorKind, PolicyRule, RawJson, Timestamp};
use writ_pipeline::{CompiledPolicy, PlanRequest};
use writ_ports::{Clock, Evaluate, GetPolicy, QueryExecutions, ports};

use crate::get;
use crate::validate::compile;

/// Executions of one answer, where the caller does not say.
const LIMIT: usize = 100;

/// Executions of one answer at most.
const LIMIT_MAX: usize = 1_000;

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "policy.plan",
    method: Method::POST,
    path: "/policy/{uri}/plan",
    // It runs code that no author has published.
    access_level: AccessLevel::MutatePolicy,
    summary: "Runs a changed policy over the recorded executions of this one, newest first, and \
              says which outcomes would change. Nothing is registered or recorded.",
    body: Some("PlanRequest"),
    data: "Plan",
    ..RouteSpec::DEFAULT
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    policy: RawJson,
    #[serde(default)]
    since: Option<Timestamp>,
    #[serde(default)]
    limit: Option<usize>,
    #[serde(default)]
    next_token: Option<String>,
}

ports! {
    pub trait Ports = Clock + Evaluate + GetPolicy + QueryExecutions;
}

/// Answers one page of the comparison.
pub(crate) async fn handle(ports: &impl Ports, request: Request) -> Result<Reply, Error> {
    let body: Body = request.parse()?;
    let limit = body.limit.unwrap_or(LIMIT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Error::invalid(format!("`limit` is 1 to {LIMIT_MAX}")).at("/limit"));
    }
    let of = get::head(ports, &request).await?.uri;
    let within = |error: Error| {
        let location = error.location.clone().unwrap_or_default();
        error.at(format!("/policy{location}"))
    };
    let mut policy = PolicyRule::from_json(body.policy.as_str()).map_err(within)?;
    policy.settle_schema_formats();
    let prepared = CompiledPolicy::new(policy).map_err(within)?;
    let workspace = &request.caller.identity.workspace;
    compile(ports, workspace, &prepared).await.map_err(|error| match error.kind {
        // Its violations name the stored values themselves.
        ErrorKind::SchemaViolation => error,
        _ => within(error),
    })?;
    let order = PlanRequest {
        workspace: workspace.clone(),
        of,
        since: body.since,
        limit,
        next_token: body.next_token,
    };
    let plan = writ_pipeline::plan(ports, &prepared, order).await?;
    let data = serde_json::to_string(&plan).map_err(Error::internal)?;
    let next = plan.next_token.map(|token| json!(token).to_string());
    let beside: Vec<_> = next.iter().map(|token| ("next_token", token.as_str())).collect();
    Ok(Reply::data_with(&data, &beside))
}
