//! Example events: what the gateway would send to each function, for `sam local invoke` and for
//! Lambda's Invoke API where there is no gateway.

use std::path::Path;

use serde_json::{Map, Value, json};
use writ_edge::About;
use writ_lambda::{Decided, Decision};

use crate::{Document, Function, InfraError};

const DIRECTORY: &str = "localstack/events";

/// Events hold no real time: they are committed.
const TIME: &str = "31/Jan/2026:09:30:00 +0000";
const TIME_MS: u64 = 1_769_851_800_000;

/// A token of the right form that nobody holds.
const NO_TOKEN: &str = "Bearer writ_wt_5f3e7c1b_0000000000000000000000000000000000000000000";

pub(crate) fn documents(functions: &[Function]) -> Result<Vec<Document>, InfraError> {
    let abouts: Vec<About> = functions.iter().map(|function| function.about.clone()).collect();
    let api = Api(writ_edge::openapi(&abouts));
    let mut documents = Vec::new();
    for function in functions {
        let request = api.request(&function.about)?;
        documents.push(document(function.about.name, &event(function, &request)));
        match function.about.name {
            "policy.get" => documents.push(document("authorizer", &asked(function, &request))),
            "token.create" => {
                let body = json!({ "subject": "admin", "role": "admin", "workspace": "default" });
                let first = Request { body: Some(body), ..request };
                documents.push(document("first-token", &event(function, &first)));
            }
            _ => {}
        }
    }
    Ok(documents)
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
    fn request(&self, about: &About) -> Result<Request, InfraError> {
        let method = about.method.as_str().to_lowercase();
        let operation = &self.0["paths"][about.path][method];
        let mut path_parameters = Map::new();
        let mut path = about.path.to_owned();
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            if parameter["in"] != "path" {
                continue;
            }
            let name = parameter["name"].as_str().unwrap_or_default();
            let text = match &parameter["example"] {
                Value::Null => return Err(missing(format!("`{name}` of `{}`", about.name))),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            path = path.replace(&format!("{{{name}}}"), &text);
            path_parameters.insert(name.to_owned(), Value::String(text));
        }
        let body = about.body.map(|schema| self.body(schema)).transpose()?;
        Ok(Request { path, path_parameters, body })
    }

    /// The schema's first example, or that of the first schema it consists of that has one.
    fn body(&self, name: &str) -> Result<Value, InfraError> {
        if name == "NewToken" {
            return Ok(json!({ "subject": "ci", "role": "operator" }));
        }
        let schema = &self.0["components"]["schemas"][name];
        if let Some(example) = schema["examples"].get(0) {
            return Ok(example.clone());
        }
        ["anyOf", "oneOf"]
            .iter()
            .flat_map(|kind| schema[*kind].as_array().into_iter().flatten())
            .filter_map(|part| part["$ref"].as_str()?.rsplit('/').next())
            .find_map(|part| self.body(part).ok())
            .ok_or_else(|| missing(format!("the schema `{name}`")))
    }
}

fn missing(what: String) -> InfraError {
    InfraError::NoExample { what }
}

/// What the gateway sends to a route's function, once the authorizer let the caller through.
fn event(function: &Function, request: &Request) -> Value {
    let mut event = common(function, request);
    let decision = Decision {
        decision: Decided::Allow,
        route: function.about.name.to_owned(),
        subject: "local-admin".to_owned(),
        workspace: "default".to_owned(),
        role: "admin".to_owned(),
        principal_kind: "token".to_owned(),
        rule: "admins-do-everything".to_owned(),
        message: String::new(),
    };
    event["requestContext"]["authorizer"] = json!({ "lambda": decision });
    if let Some(body) = &request.body {
        event["body"] = Value::String(body.to_string());
    }
    event["isBase64Encoded"] = json!(false);
    event
}

/// What the gateway asks the authorizer.
fn asked(function: &Function, request: &Request) -> Value {
    let mut event = common(function, request);
    let Request { path, .. } = request;
    let method = &function.about.method;
    event["type"] = json!("REQUEST");
    event["routeArn"] =
        json!(format!("arn:aws:execute-api:us-east-1:000000000000:local/$default/{method}{path}"));
    event["identitySource"] = json!([NO_TOKEN, function.route_key()]);
    event["headers"]["authorization"] = json!(NO_TOKEN);
    event
}

fn common(function: &Function, Request { path, path_parameters, body }: &Request) -> Value {
    let mut headers = Map::from_iter([("host".to_owned(), json!("localhost"))]);
    if body.is_some() {
        headers.insert("content-type".to_owned(), json!("application/json"));
    }
    let mut event = json!({
        "version": "2.0",
        "routeKey": function.route_key(),
        "rawPath": path,
        "rawQueryString": "",
        "headers": headers,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": "localhost",
            "domainPrefix": "localhost",
            "http": {
                "method": function.about.method.as_str(),
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "example",
            },
            "requestId": format!("example-{}", function.name()),
            "routeKey": function.route_key(),
            "stage": "$default",
            "time": TIME,
            "timeEpoch": TIME_MS,
        },
    });
    if !path_parameters.is_empty() {
        event["pathParameters"] = Value::Object(path_parameters.clone());
    }
    event
}
