//! The log of a function: its standard output, which CloudWatch stores.

use libtest_mimic::Trial;
use serde_json::{Value, json};
use writ_runtime_api::{DynamoDb, Function, Reply};

use crate::programs::{
    HttpResponse, TIME, execute_event, get_event, invoke, launch, start_ready, store_with,
};
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("log::a_request_leaves_a_line_with_its_request_and_workspace", served_line),
        trial("log::a_failure_leaves_a_line_with_its_request_and_workspace", error_line),
        trial("log::every_request_is_measured", request_metrics),
        trial("log::a_metric_of_engines_counts_them_alone", engine_time),
    ]
}

/// Waits for the last line of the request and returns all lines of the log. Each is JSON.
fn lines(function: &mut Function, response: &HttpResponse) -> Vec<Value> {
    let is_last = |line: &str| line.contains("\"_aws\"") && line.contains(&response.request_id);
    function.wait_for_line(is_last).unwrap();
    let log = function.log();
    log.iter()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect()
}

/// Asserts the request's fields of a line, which are in its span or in the line itself.
fn assert_fields(line: &Value, response: &HttpResponse, workspace: &Value) {
    let at = |name: &str| {
        let pointers = [format!("/span/{name}"), format!("/{name}")];
        pointers.iter().find_map(|pointer| line.pointer(pointer)).cloned().unwrap_or(Value::Null)
    };
    let (_, number) = response.request_id.rsplit_once('-').unwrap();
    assert_eq!(at("request_id"), json!(response.request_id), "{line}");
    assert_eq!(at("trace_id"), json!(format!("5759e988{number:0>24}")), "{line}");
    assert_eq!(at("workspace"), *workspace, "{line}");
}

fn policy_get() -> (DynamoDb, Function) {
    let store = store_with("rego", "package p\n\nallow := true\n");
    let function = start_ready(launch("policies", "policy.get", &store));
    (store, function)
}

fn served_line() {
    let (_store, mut function) = policy_get();
    for _ in 0..2 {
        let response = invoke(&mut function, &get_event(), TIME);
        let lines = self::lines(&mut function, &response);
        let of_request: Vec<&Value> =
            lines.iter().filter(|line| line.to_string().contains(&response.request_id)).collect();
        let [served, _] = of_request[..] else { panic!("{of_request:?}") };
        assert_eq!((&served["message"], &served["level"]), (&json!("served"), &json!("INFO")));
        assert_fields(served, &response, &json!("team-a"));
    }
}

fn error_line() {
    let (store, mut function) = policy_get();
    store.set_replies(
        "GetItem",
        [Reply::parse(&json!({"error": "AccessDeniedException", "message": "not this one"}))],
    );
    let response = invoke(&mut function, &get_event(), TIME);
    assert_eq!(response.status, 500, "{response:?}");
    assert!(!response.body.to_string().contains("not this one"), "{response:?}");
    let lines = self::lines(&mut function, &response);
    let error = lines.iter().find(|line| line["level"] == "ERROR").unwrap();
    assert!(error["detail"].as_str().unwrap().contains("not this one"), "{error}");
    assert_fields(error, &response, &json!("team-a"));
    // The request is refused before its workspace is known.
    let mut other_route = get_event();
    other_route["requestContext"]["authorizer"]["lambda"]["route"] = json!("policy.delete");
    let response = invoke(&mut function, &other_route, TIME);
    assert_eq!(response.status, 500, "{response:?}");
    let lines = self::lines(&mut function, &response);
    let error = lines.iter().rfind(|line| line["level"] == "ERROR").unwrap();
    assert!(error["detail"].as_str().unwrap().contains("`policy.delete`"), "{error}");
    assert_fields(error, &response, &Value::Null);
}

/// The request's line in CloudWatch's embedded metric format. Asserts that the line has every member
/// that the metrics refer to.
fn metrics(function: &mut Function, response: &HttpResponse) -> Value {
    let mut found = lines(function, response);
    found.retain(|line| {
        line.get("_aws").is_some() && line["request_id"] == json!(response.request_id)
    });
    let [line] = &found[..] else { panic!("{found:?}") };
    assert!(line["_aws"]["Timestamp"].as_u64().unwrap() > 1_700_000_000_000, "{line}");
    for set in line["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
        assert_eq!(set["Namespace"], "Writ");
        for name in
            set["Dimensions"].as_array().unwrap().iter().flat_map(|set| set.as_array().unwrap())
        {
            assert!(line[name.as_str().unwrap()].is_string(), "{name} of {line}");
        }
        for metric in set["Metrics"].as_array().unwrap() {
            assert!(line[metric["Name"].as_str().unwrap()].is_number(), "{metric} of {line}");
            assert!(
                ["Count", "Milliseconds"].contains(&metric["Unit"].as_str().unwrap()),
                "{metric}"
            );
        }
    }
    line.clone()
}

fn request_metrics() {
    let (_store, mut function) = policy_get();
    let mut anonymous = get_event();
    anonymous["requestContext"]["authorizer"] = Value::Null;
    for (event, cold, errors, kind) in [
        (get_event(), 1, 0, Value::Null),
        (get_event(), 0, 0, Value::Null),
        (anonymous, 0, 1, json!("unauthenticated")),
        (json!({"Records": []}), 0, 1, json!("invalid_request")),
    ] {
        let response = invoke(&mut function, &event, TIME);
        let line = metrics(&mut function, &response);
        assert_eq!((&line["Route"], &line["Requests"]), (&json!("policy.get"), &json!(1)));
        assert_eq!(
            (&line["ColdStarts"], &line["Errors"]),
            (&json!(cold), &json!(errors)),
            "{line}"
        );
        assert_eq!(line["ErrorType"], kind, "{line}");
        assert_eq!(line["EngineTime"].as_f64(), Some(0.0), "{line}");
    }
}

fn engine_time() {
    let store = store_with("rego", "package p\n\nallow := true\n");
    let mut function = start_ready(launch("executors", "executor.execute_policy", &store));
    let response = invoke(&mut function, &execute_event(&json!({})), TIME);
    let line = metrics(&mut function, &response);
    let (engine, whole) =
        (line["EngineTime"].as_f64().unwrap(), line["Duration"].as_f64().unwrap());
    assert!(0.0 < engine && engine < whole, "{line}");
}
