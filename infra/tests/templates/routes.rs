//! Templates, route table and the API's document say the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Value, json};

use crate::template::{Template, pattern, referred, root};

/// Handler name, method and path of each route.
type Routes = BTreeSet<(String, String)>;

/// What the templates serve: the handler behind each route key, followed from the route over its
/// integration to the function.
fn served(stacks: &[Template]) -> Routes {
    let mut served = Routes::new();
    for stack in stacks {
        let functions: BTreeMap<&str, Value> = stack.functions().into_iter().collect();
        for (id, route) in stack.of_type("AWS::ApiGatewayV2::Route") {
            let route = &route["Properties"];
            let target = pattern(&route["Target"]);
            let integration = target.strip_prefix("integrations/${").unwrap().trim_end_matches('}');
            let integration = stack.properties(integration, "AWS::ApiGatewayV2::Integration");
            let function = referred(&integration["IntegrationUri"]).strip_suffix(".Alias").unwrap();
            let handler = functions[function]["Handler"].as_str().unwrap();
            let key = route["RouteKey"].as_str().unwrap();
            assert!(served.insert((handler.to_owned(), key.to_owned())), "{id} is there twice");
        }
    }
    served
}

/// What the route table asks for.
fn listed() -> Routes {
    let key = |spec: &writ_edge::RouteSpec| format!("{} {}", spec.method, spec.path);
    writ_routes::specs().iter().map(|spec| (spec.name.to_owned(), key(spec))).collect()
}

#[test]
fn every_route_has_its_function_and_every_function_its_route() {
    let stacks = Template::stacks();
    assert_eq!(served(&stacks), listed());
    let count: usize = stacks.iter().map(|stack| stack.functions().len()).sum();
    let without_route = ["authorizer", "runner", "schedules-fire", "sweeper", "upkeep"];
    assert_eq!(count, listed().len() + without_route.len());
}

#[test]
fn a_route_without_a_function_is_seen() {
    let mut stacks = Template::stacks();
    let stack = stacks.iter_mut().find(|stack| stack.name == "policies").unwrap();
    stack.value["Resources"].as_object_mut().unwrap().remove("PolicyGetRoute").unwrap();
    let served = served(&stacks);
    let missing: Vec<_> = listed().difference(&served).map(|(name, _)| name.clone()).collect();
    assert_eq!(missing, ["policy.get"]);
}

#[test]
fn the_document_of_the_api_says_the_same() {
    let text = fs::read_to_string(root().join("docs/openapi.json")).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let documented: Routes = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, operations)| {
            operations.as_object().unwrap().iter().map(move |(method, operation)| {
                let name = operation["operationId"].as_str().unwrap().to_owned();
                (name, format!("{} {path}", method.to_uppercase()))
            })
        })
        .collect();
    assert_eq!(served(&Template::stacks()), documented);
}

#[test]
fn every_route_asks_the_authorizer_and_lets_the_gateway_call_it_alone() {
    for stack in Template::stacks() {
        for (id, route) in stack.of_type("AWS::ApiGatewayV2::Route") {
            let route = &route["Properties"];
            assert_eq!(route["AuthorizationType"], "CUSTOM", "{id}");
            assert_eq!(referred(&route["AuthorizerId"]), "AuthorizerId", "{id}");
            let function = id.strip_suffix("Route").unwrap();
            let integration = stack
                .properties(&format!("{function}Integration"), "AWS::ApiGatewayV2::Integration");
            assert_eq!(integration["PayloadFormatVersion"], "2.0", "{id}");
            let permission =
                stack.properties(&format!("{function}Permission"), "AWS::Lambda::Permission");
            assert_eq!(permission["FunctionName"], json!({"!Ref": format!("{function}.Alias")}));
            assert_eq!(permission["Principal"], "apigateway.amazonaws.com");
            let key = route["RouteKey"].as_str().unwrap();
            let (method, path) = key.split_once(' ').unwrap();
            let parts = path.split('/').map(|part| if part.starts_with('{') { "*" } else { part });
            let path = parts.collect::<Vec<_>>().join("/");
            let source = format!(
                "arn:${{AWS::Partition}}:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{ApiId}}/*/{method}{path}"
            );
            assert_eq!(pattern(&permission["SourceArn"]), source);
        }
    }
}

#[test]
fn the_authorizer_is_asked_about_caller_and_route_and_believed_for_a_minute() {
    let stack = Template::stack("authorizer");
    let authorizer = stack.properties("Authorizer", "AWS::ApiGatewayV2::Authorizer");
    assert_eq!(
        authorizer["IdentitySource"],
        json!(["$request.header.Authorization", "$context.routeKey"])
    );
    assert!(authorizer["AuthorizerResultTtlInSeconds"].as_u64().unwrap() <= 60);
    assert_eq!(authorizer["AuthorizerPayloadFormatVersion"], "2.0");
    assert_eq!(authorizer["EnableSimpleResponses"], true);
}
