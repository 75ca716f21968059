//! Example events: what the gateway would send to each function, for `sam local invoke` and for
//! Lambda's Invoke API where there is no gateway.

use std::path::Path;

use serde_json::{Map, Value, json};
use writ_edge::RouteSpec;
use writ_lambda::{AuthorizerContext, Decision};
use writ_model::{JobSignal, SignalKind, Workspace};

use crate::{Document, Function, InfraError};

const DIRECTORY: &str = "localstack/events";

/// Events hold no real time: they are committed.
const TIME: &str = "31/Jan/2026:09:30:00 +0000";
const TIME_MS: u64 = 1_769_851_800_000;

/// A token of the right form that was never issued.
const NO_TOKEN: &str = "Bearer writ_wt_5f3e7c1b_0000000000000000000000000000000000000000000";

/// An id of the right form that no job has.
const NO_JOB: &str = "019c1375-9ac0-7000-8000-000000000000";

pub(crate) fn documents(functions: &[Function]) -> Result<Vec<Document>, InfraError> {
    let specs: Vec<RouteSpec> = functions.iter().map(|function| function.spec.clone()).collect();
    let api = Api(writ_edge::openapi(&specs));
    let mut documents = Vec::new();
    for function in functions {
        let request = api.request(&function.spec)?;
        documents.push(document(function.spec.name, &event(function, &request)));
        match function.spec.name {
            "policy.get" => {
                documents.push(document("authorizer", &authorizer_event(function, &request)))
            }
            "token.create" => {
                let body = json!({ "subject": "admin", "role": "admin", "workspace": "default" });
                let first = Request { body: Some(body), ..request };
                documents.push(document("first-token", &event(function, &first)));
            }
            _ => {}
        }
    }
    documents.push(document("runner", &signal_event()?));
    Ok(documents)
}

/// What the queue of job signals sends to a runner.
fn signal_event() -> Result<Value, InfraError> {
    let workspace = Workspace::default();
    let kind = SignalKind::Queue;
    let signal = JobSignal { workspace, job_id: NO_JOB.to_owned(), kind };
    let body = serde_json::to_string(&signal).map_err(|error| missing(error.to_string()))?;
    Ok(json!({"Records": [{
        "messageId": "6d3e1a04-0c7f-4d0e-9f55-3f0f8a1f9f10",
        "receiptHandle": "local",
        "body": body,
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": TIME_MS.to_string(),
            "SenderId": "000000000000",
            "ApproximateFirstReceiveTimestamp": TIME_MS.to_string(),
            "MessageGroupId": signal.workspace.as_str(),
        },
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:writ-dev-jobs",
        "awsRegion": "us-east-1",
    }]}))
}

fn document(name: &str, event: &Value) -> Document {
    let path = Path::new(DIRECTORY).join(format!("{name}.json"));
    Document { path, text: format!("{event:#}\n") }
}

/// An example of a request.
struct Request {
    path: String,
    path_parameters: Map<String, Value>,
    body: Option<Value>,
}

/// The API's document, which has the examples.
struct Api(Value);

impl Api {
    fn request(&self, spec: &RouteSpec) -> Result<Request, InfraError> {
        let method = spec.method.as_str().to_lowercase();
        let operation = self.0.get("paths").and_then(|paths| paths.get(spec.path)?.get(method));
        let parameters = operation.and_then(|operation| operation.get("parameters")?.as_array());
        let mut path_parameters = Map::new();
        let mut path = spec.path.to_owned();
        for parameter in parameters.into_iter().flatten() {
            let text = |name| parameter.get(name).and_then(Value::as_str).unwrap_or_default();
            if text("in") != "path" {
                continue;
            }
            let name = text("name");
            let value = match parameter.get("example") {
                None => return Err(missing(format!("`{name}` of `{}`", spec.name))),
                Some(Value::String(text)) => text.clone(),
                Some(other) => other.to_string(),
            };
            path = path.replace(&format!("{{{name}}}"), &value);
            path_parameters.insert(name.to_owned(), Value::String(value));
        }
        let body = spec.body.map(|schema| self.body(schema)).transpose()?;
        Ok(Request { path, path_parameters, body })
    }

    /// The schema's first example, or that of the first schema it consists of that has one.
    fn body(&self, name: &str) -> Result<Value, InfraError> {
        if name == "NewToken" {
            return Ok(json!({ "subject": "ci", "role": "operator" }));
        }
        let missing = || missing(format!("the schema `{name}`"));
        let schemas = self.0.get("components").and_then(|components| components.get("schemas"));
        let schema = schemas.and_then(|schemas| schemas.get(name)).ok_or_else(missing)?;
        if let Some(example) = schema.get("examples").and_then(|examples| examples.get(0)) {
            return Ok(example.clone());
        }
        ["anyOf", "oneOf"]
            .iter()
            .filter_map(|kind| schema.get(*kind)?.as_array())
            .flatten()
            .filter_map(|part| part.get("$ref")?.as_str()?.rsplit('/').next())
            .find_map(|part| self.body(part).ok())
            .ok_or_else(missing)
    }
}

fn missing(what: String) -> InfraError {
    InfraError::NoExample { what }
}

/// What the gateway sends to a route's function, once the authorizer let the caller through.
fn event(function: &Function, request: &Request) -> Value {
    let decision = AuthorizerContext {
        decision: Decision::Allow,
        route: function.spec.name.to_owned(),
        subject: "local-admin".to_owned(),
        workspace: "default".to_owned(),
        role: "admin".to_owned(),
        principal_kind: "token".to_owned(),
        rule: "admins-do-everything".to_owned(),
        message: String::new(),
    };
    let mut context = context(function, request);
    context.insert("authorizer".to_owned(), json!({ "lambda": decision }));
    let mut event = common(function, request, headers(request));
    event.insert("requestContext".to_owned(), Value::Object(context));
    if let Some(body) = &request.body {
        event.insert("body".to_owned(), Value::String(body.to_string()));
    }
    event.insert("isBase64Encoded".to_owned(), Value::Bool(false));
    Value::Object(event)
}

/// What the gateway asks the authorizer.
fn authorizer_event(function: &Function, request: &Request) -> Value {
    let (method, path) = (&function.spec.method, &request.path);
    let route = format!("arn:aws:execute-api:us-east-1:000000000000:local/$default/{method}{path}");
    let mut headers = headers(request);
    headers.insert("authorization".to_owned(), json!(NO_TOKEN));
    let mut event = common(function, request, headers);
    event.insert("requestContext".to_owned(), Value::Object(context(function, request)));
    event.insert("type".to_owned(), json!("REQUEST"));
    event.insert("routeArn".to_owned(), json!(route));
    event.insert("identitySource".to_owned(), json!([NO_TOKEN, function.route_key()]));
    Value::Object(event)
}

/// What both events hold.
fn common(
    function: &Function,
    Request { path, path_parameters, .. }: &Request,
    headers: Map<String, Value>,
) -> Map<String, Value> {
    let mut event = Map::from_iter([
        ("version".to_owned(), json!("2.0")),
        ("routeKey".to_owned(), json!(function.route_key())),
        ("rawPath".to_owned(), json!(path)),
        ("rawQueryString".to_owned(), json!("")),
        ("headers".to_owned(), Value::Object(headers)),
    ]);
    if !path_parameters.is_empty() {
        event.insert("pathParameters".to_owned(), Value::Object(path_parameters.clone()));
    }
    event
}

fn headers(request: &Request) -> Map<String, Value> {
    let kind = request.body.as_ref().map(|_| ("content-type", "application/json"));
    let headers = [("host", "localhost")].into_iter().chain(kind);
    headers.map(|(name, value)| (name.to_owned(), json!(value))).collect()
}

fn context(function: &Function, Request { path, .. }: &Request) -> Map<String, Value> {
    let http = json!({
        "method": function.spec.method.as_str(),
        "path": path,
        "protocol": "HTTP/1.1",
        "sourceIp": "127.0.0.1",
        "userAgent": "example",
    });
    Map::from_iter([
        ("accountId".to_owned(), json!("000000000000")),
        ("apiId".to_owned(), json!("local")),
        ("domainName".to_owned(), json!("localhost")),
        ("domainPrefix".to_owned(), json!("localhost")),
        ("http".to_owned(), http),
        ("requestId".to_owned(), json!(format!("example-{}", function.name()))),
        ("routeKey".to_owned(), json!(function.route_key())),
        ("stage".to_owned(), json!("$default")),
        ("time".to_owned(), json!(TIME)),
        ("timeEpoch".to_owned(), json!(TIME_MS)),
    ])
}
