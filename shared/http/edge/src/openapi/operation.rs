//! One route as an OpenAPI operation.

use http::Method;
use serde_json::{Map, Value, json};
use writ_model::ErrorKind;

use super::{Parts, REF};
use crate::problem::PROBLEM_JSON;
use crate::{AccessLevel, Param, RouteSpec, status_of, title_of};

/// Every status of a failure.
pub(super) const ERROR_STATUSES: [u16; 14] =
    [400, 401, 403, 404, 409, 412, 413, 415, 422, 429, 500, 502, 503, 504];

/// Members of a reply beside `data`: in `components.json` alone, not in the document.
pub(super) const BESIDE_DATA: &str = "x-beside-data";

/// As [`BESIDE_DATA`], of members that a reply may lack.
pub(super) const MAYBE_BESIDE_DATA: &str = "x-maybe-beside-data";

/// What the names of schemas for projected objects end with.
pub(super) const PROJECTED: &str = "Projection";

/// The resource: what stands before the dot of the route's name.
pub(super) fn tag_of(spec: &RouteSpec) -> &'static str {
    spec.name.split_once('.').map_or(spec.name, |(resource, _)| resource)
}

/// How many of a schema's values a reply holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    One,
    /// All values that there are.
    List,
    /// Some, and where the next ones are.
    Page,
}

/// What [`RouteSpec::data`] names: `Token`, `Token[]` or `TokenPage`.
fn shape_of(data: &'static str) -> (&'static str, Shape) {
    let list = data.strip_suffix("[]").map(|schema| (schema, Shape::List));
    let page = || data.strip_suffix("Page").map(|schema| (schema, Shape::Page));
    list.or_else(page).unwrap_or((data, Shape::One))
}

/// The schema that [`RouteSpec::data`] names.
pub(super) fn schema_of(data: &'static str) -> &'static str {
    shape_of(data).0
}

/// The `{name}` segments of a path.
pub(super) fn segments_of(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}

/// The name of a failure among the document's responses.
pub(super) fn name_of(status: u16) -> String {
    format!("Problem{status}")
}

pub(super) fn of(spec: &RouteSpec, parts: &Parts) -> Value {
    let mut operation = Map::new();
    let mut set = |name: &str, value: Value| operation.insert(name.to_owned(), value);
    set("operationId", json!(spec.name));
    set("tags", json!([tag_of(spec)]));
    set("summary", json!(spec.summary));
    set("x-effect", json!(spec.access_level.name()));
    let parameters = parameters(spec, parts);
    if !parameters.is_empty() {
        set("parameters", json!(parameters));
    }
    if let Some(body) = spec.body {
        // A filter may be left out; anything else says what to do.
        let content = json!({ "application/json": { "schema": reference(body) } });
        set("requestBody", json!({ "required": body != "Filter", "content": content }));
    }
    set("responses", responses(spec, parts));
    Value::Object(operation)
}

fn reference(schema: &str) -> Value {
    json!({ "$ref": format!("{REF}{schema}") })
}

fn parameters(spec: &RouteSpec, parts: &Parts) -> Vec<Value> {
    let segments = segments_of(spec.path).map(|name| {
        let mut parameter = json!({ "name": name, "in": "path", "required": true });
        if let (Value::Object(parameter), Some(Value::Object(known))) =
            (&mut parameter, parts.path_parameters.get(name))
        {
            parameter.extend(known.clone());
        }
        parameter
    });
    let key = spec.is_idempotent_by_key().then_some(Param {
        name: "Idempotency-Key",
        description: "1 to 255 visible ASCII characters. The same request with the same key is done once; its reply is given again for 24 hours, with the header `Idempotency-Replayed: true`. A reply that holds a secret is not kept: a repeat is 409 and says what was done.",
    });
    let others = spec.params.iter().copied().chain(key).map(|param| {
        let location = if param.is_header() { "header" } else { "query" };
        let schema = parts.parameters.get(param.name).cloned().unwrap_or_default();
        json!({ "name": param.name, "in": location, "description": param.description, "schema": schema })
    });
    segments.chain(others).collect()
}

fn responses(spec: &RouteSpec, parts: &Parts) -> Value {
    let mut responses = Map::new();
    responses.insert(spec.success.to_string(), success(spec, parts));
    if spec.params.iter().any(|param| param.name == "If-None-Match")
        && spec.access_level == AccessLevel::Read
    {
        responses.insert(
            "304".to_owned(),
            json!({ "description": "The caller holds this revision already." }),
        );
    }
    for status in failures(spec) {
        let reference = format!("#/components/responses/{}", name_of(status));
        responses.insert(status.to_string(), json!({ "$ref": reference }));
    }
    Value::Object(responses)
}

fn success(spec: &RouteSpec, parts: &Parts) -> Value {
    let (schema, shape) = shape_of(spec.data);
    let mut properties = Map::new();
    properties.insert("success".to_owned(), json!({ "type": "boolean", "const": true }));
    let is_projected = spec.params.iter().any(|param| param.name == "projection");
    let data = if shape == Shape::One {
        reference(schema)
    } else if is_projected {
        json!({ "type": "array", "items": reference(&format!("{schema}{PROJECTED}")) })
    } else {
        json!({ "type": "array", "items": reference(schema) })
    };
    properties.insert("data".to_owned(), data);
    let mut required = vec!["success", "data"];
    if shape == Shape::Page {
        let description = "There may be more: ask again with this. Absent on the last page.";
        properties.insert(
            "next_token".to_owned(),
            json!({ "type": "string", "description": description }),
        );
    }
    let beside = |key: &str| parts.schemas.get(schema)?.get(key)?.as_object();
    for (name, member) in beside(BESIDE_DATA).into_iter().flatten() {
        properties.insert(name.clone(), member.clone());
        required.push(name);
    }
    for (name, member) in beside(MAYBE_BESIDE_DATA).into_iter().flatten() {
        properties.insert(name.clone(), member.clone());
    }
    let envelope = json!({ "type": "object", "required": required, "properties": properties });
    let mut headers = Map::new();
    headers.insert("X-Request-Id".to_owned(), header("Names the request in the platform's log."));
    if spec.success == 201 {
        headers.insert("Location".to_owned(), header("Where the new object stands."));
    }
    json!({
        "description": parts.schemas.get(schema).and_then(|schema| schema.get("description")).cloned().unwrap_or_default(),
        "headers": headers,
        "content": { "application/json": { "schema": envelope } },
    })
}

fn header(description: &str) -> Value {
    json!({ "description": description, "schema": { "type": "string" } })
}

/// The statuses that a route can fail with.
fn failures(spec: &RouteSpec) -> Vec<u16> {
    let has_segment = segments_of(spec.path).next().is_some();
    let has_condition = spec.params.iter().any(|param| param.name == "If-Match");
    let has_body = spec.method != Method::GET;
    let changes = matches!(spec.access_level, AccessLevel::MutatePolicy | AccessLevel::Admin);
    let runs = spec.access_level == AccessLevel::Execute;
    let evaluates = spec.ports.ports().iter().any(|port| port.name == "Evaluate");
    let applies = |status: u16| match status {
        404 => has_segment || runs,
        409 => spec.access_level != AccessLevel::Read,
        412 => has_condition,
        // A body is held against them even where the route reads none.
        413 | 415 => has_body,
        422 => runs || (changes && spec.body.is_some()),
        429 => runs,
        502 => runs || evaluates,
        _ => true,
    };
    ERROR_STATUSES.into_iter().filter(|status| applies(*status)).collect()
}

/// The response of one status, with every `type` that its problem may have.
pub(super) fn failure(status: u16) -> Value {
    let kinds: Vec<_> =
        ErrorKind::ALL.into_iter().filter(|kind| status_of(*kind).as_u16() == status).collect();
    let sentences: Vec<_> = kinds
        .iter()
        .map(|kind| format!("{} (`urn:writ:error:{}`).", title_of(*kind), kind.name()))
        .collect();
    let mut headers = Map::new();
    headers.insert("X-Request-Id".to_owned(), header("Names the request in the platform's log."));
    match status {
        401 => {
            drop(headers.insert("WWW-Authenticate".to_owned(), header("`Bearer`: send a token.")))
        }
        429 | 503 => drop(
            headers
                .insert("Retry-After".to_owned(), header("Seconds until another try may succeed.")),
        ),
        _ => {}
    }
    json!({
        "description": sentences.join(" "),
        "headers": headers,
        "content": { PROBLEM_JSON: { "schema": reference("Problem") } },
    })
}
