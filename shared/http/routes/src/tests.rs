//! What holds for every route of the list.

use std::collections::BTreeSet;

use serde_json::Value;
use writ_edge::{AccessLevel, Caller, Reply, Request};
use writ_model::{Error, Identity, PrincipalKind, Role, Timestamp, Workspace};
use writ_ports::{ClaimId, Clock, Idempotency, IdempotencyKey, KeyState, StoredReply};

use super::*;

#[test]
fn every_schema_that_a_route_names_is_in_the_document() {
    assert_eq!(writ_edge::undefined_names(&specs()), Vec::<String>::new());
}

#[test]
fn no_two_routes_share_a_name_or_a_method_and_path() {
    let specs = specs();
    let names: BTreeSet<_> = specs.iter().map(|spec| spec.name).collect();
    let places: BTreeSet<_> =
        specs.iter().map(|spec| format!("{} {}", spec.method, spec.path)).collect();
    assert_eq!((names.len(), places.len()), (specs.len(), specs.len()));
}

#[test]
fn every_route_states_what_has_no_default() {
    for spec in specs() {
        let name = spec.name;
        assert!(name.contains('.') && spec.path.starts_with('/'), "{name} {}", spec.path);
        assert!(!spec.summary.is_empty() && !spec.data.is_empty(), "{name}");
        assert_eq!(spec.ports.ports().is_empty(), name == "access.whoami", "{name}");
    }
}

/// Whether a schema, or one that it refers to, has a policy's code.
fn has_code(schemas: &Value, name: &str) -> bool {
    let text = schemas[name].to_string();
    let refers = |other: &String| text.contains(&format!("#/components/schemas/{other}\""));
    schemas[name]["properties"].get("code_type").is_some()
        || schemas
            .as_object()
            .unwrap()
            .keys()
            .any(|other| refers(other) && has_code(schemas, other))
}

/// An operator runs what authors have published: `docs/decisions/0027-operators-run-published-code.md`.
#[test]
fn a_route_that_takes_code_is_for_authors() {
    let specs = specs();
    let schemas = writ_edge::openapi(&specs)["components"]["schemas"].take();
    let takes_code = |spec: &&RouteSpec| spec.body.is_some_and(|body| has_code(&schemas, body));
    let names: Vec<_> = specs.iter().filter(takes_code).map(|spec| spec.name).collect();
    assert_eq!(names, ["policy.create", "policy.update", "policy.plan"]);
    for spec in specs.iter().filter(takes_code) {
        assert_eq!(spec.access_level, AccessLevel::MutatePolicy, "{}", spec.name);
    }
}

#[test]
fn every_program_has_a_name_of_its_own_and_routes() {
    let names: BTreeSet<_> = BINARIES.iter().map(|binary| binary.name).collect();
    assert_eq!(names.len(), BINARIES.len());
    assert!(BINARIES.iter().all(|binary| !binary.specs.is_empty()));
}

/// The ports of [`writ_edge::serve`], for requests without a key.
struct Memory;

impl Clock for Memory {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(0)
    }
}

impl Idempotency for Memory {
    async fn begin(&self, _: &IdempotencyKey, _: Timestamp) -> Result<KeyState, Error> {
        Err(Error::internal("no request has a key"))
    }

    async fn finish(
        &self,
        _: &IdempotencyKey,
        _: &ClaimId,
        _: &StoredReply,
        _: Timestamp,
    ) -> Result<(), Error> {
        Err(Error::internal("no request has a key"))
    }

    async fn release(&self, _: &IdempotencyKey, _: &ClaimId) -> Result<(), Error> {
        Err(Error::internal("no request has a key"))
    }

    async fn abandon(&self, _: &IdempotencyKey, _: &ClaimId) -> Result<(), Error> {
        Err(Error::internal("no request has a key"))
    }
}

/// The reply of the route to a request with this query parameter, where its handler answers
/// everything.
async fn reply(spec: &RouteSpec, parameter: &str) -> Reply {
    let handle = |_: &Memory, _: Request| -> writ_edge::HandlerFuture<'_> {
        Box::pin(async { Ok(Reply::data("1")) })
    };
    let request = Request {
        method: spec.method.clone(),
        path: spec.path.to_owned(),
        params: Vec::new(),
        query: vec![(parameter.to_owned(), "1".to_owned())],
        headers: http::HeaderMap::new(),
        body: bytes::Bytes::new(),
        caller: Caller {
            identity: Identity {
                subject: "alice".to_owned(),
                workspace: Workspace::default(),
                role: Role::Admin,
            },
            principal_kind: PrincipalKind::Token,
        },
        rule: "test".to_owned(),
        request_id: "r1".to_owned(),
        derived_id: None,
    };
    let route = Route { spec: spec.clone(), handle };
    writ_edge::serve(&Memory, &route, request, std::future::pending()).await
}

#[tokio::test]
async fn every_route_refuses_a_query_parameter_that_it_does_not_know_and_names_those_that_it_does()
{
    for spec in specs() {
        let refused = reply(&spec, "verbose").await;
        assert_eq!(refused.status, 400, "{}", spec.name);
        let problem: Value = serde_json::from_str(&refused.body).unwrap();
        assert_eq!(problem["place"], "query parameter `verbose`", "{}", spec.name);
        let detail = problem["detail"].as_str().unwrap();
        for param in spec.params {
            let is_header = param.name.starts_with(|c: char| c.is_ascii_uppercase());
            let (name, status) = (param.name, reply(&spec, param.name).await.status.as_u16());
            assert_eq!(detail.contains(&format!("`{name}`")), !is_header, "{} {name}", spec.name);
            assert_eq!(status, if is_header { 400 } else { 200 }, "{} {name}", spec.name);
        }
    }
}
