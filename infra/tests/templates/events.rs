//! Example events are what the gateway sends.

use std::fs;

use aws_lambda_events::apigw::{ApiGatewayV2CustomAuthorizerV2Request, ApiGatewayV2httpRequest};
use aws_lambda_events::sqs::SqsEvent;
use serde::de::DeserializeOwned;
use serde_json::Value;
use writ_edge::RouteSpec;
use writ_lambda::{AuthorizerContext, Decision};
use writ_model::JobSignal;

use crate::template::root;

fn read<T: DeserializeOwned>(name: &str) -> T {
    let text = fs::read_to_string(root().join(format!("localstack/events/{name}.json"))).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// An event that a route's function takes.
fn is_for(name: &str, spec: &RouteSpec) -> ApiGatewayV2httpRequest {
    let event: ApiGatewayV2httpRequest = read(name);
    assert_eq!(event.route_key, Some(format!("{} {}", spec.method, spec.path)), "{name}");
    let path = event.path_parameters.iter().fold(spec.path.to_owned(), |path, (name, value)| {
        path.replace(&format!("{{{name}}}"), value)
    });
    assert_eq!(event.raw_path, Some(path.clone()), "{name}");
    assert!(!path.contains('{'), "{name} {path}");
    let http = &event.request_context.http;
    assert_eq!((&http.method, http.path.as_ref()), (&spec.method, Some(&path)), "{name}");
    let context = &event.request_context.authorizer.as_ref().unwrap().fields;
    let decision: AuthorizerContext =
        serde_json::from_value(serde_json::to_value(context).unwrap()).unwrap();
    assert_eq!((decision.decision, decision.route.as_str()), (Decision::Allow, spec.name));
    let sent = event.headers.get("content-type").map(|kind| kind.to_str().unwrap());
    assert_eq!(sent, spec.body.map(|_| "application/json"), "{name}");
    assert_eq!(event.body.is_some(), spec.body.is_some(), "{name}");
    event
}

#[test]
fn every_route_has_an_event_that_its_function_takes() {
    for spec in writ_routes::specs() {
        is_for(spec.name, &spec);
    }
}

#[test]
fn the_first_token_is_an_admins() {
    let spec = writ_routes::specs().into_iter().find(|spec| spec.name == "token.create");
    let event = is_for("first-token", &spec.unwrap());
    let body: Value = serde_json::from_str(&event.body.unwrap()).unwrap();
    assert_eq!((&body["subject"], &body["role"]), (&"admin".into(), &"admin".into()));
    assert_eq!(body["workspace"], "default");
}

#[test]
fn the_authorizer_is_asked_about_a_route_that_there_is() {
    let event: ApiGatewayV2CustomAuthorizerV2Request = read("authorizer");
    let key = event.route_key.unwrap();
    let specs = writ_routes::specs();
    assert!(specs.iter().any(|spec| key == format!("{} {}", spec.method, spec.path)));
    let header = event.headers["authorization"].to_str().unwrap();
    assert_eq!(event.identity_source.unwrap(), [header, &key]);
}

#[test]
fn a_runner_gets_a_hint() {
    let event: SqsEvent = read("runner");
    let [message] = &event.records[..] else { panic!("{event:?}") };
    let signal: JobSignal = serde_json::from_str(message.body.as_deref().unwrap()).unwrap();
    assert_eq!(signal.workspace.as_str(), "default");
    assert_eq!(message.attributes["MessageGroupId"], "default");
    assert!(message.message_id.is_some() && message.receipt_handle.is_some());
}
