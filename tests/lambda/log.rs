//! What a function writes on its standard output, which CloudWatch keeps.

use libtest_mimic::Trial;
use serde_json::{Value, json};
use writ_runtime_api::{DynamoDb, Function, Reply};

use crate::programs::{Answer, TIME, asked, launch, read_it, ready, run_it, store_with};
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("log::a_request_leaves_a_line_that_says_whose_it_was", served),
        trial("log::a_failure_leaves_a_line_that_says_whose_it_was", failed),
        trial("log::every_request_is_measured", measured),
        trial("log::a_metric_of_engines_counts_them_alone", engine_time),
    ]
}

/// The log's lines, once the last one of the answered request is there. Each of them is JSON.
fn lines(function: &mut Function, answer: &Answer) -> Vec<Value> {
    let is_last = |line: &str| line.contains("\"_aws\"") && line.contains(&answer.request_id);
    function.line(is_last).unwrap();
    let log = function.log();
    log.iter()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}")))
        .collect()
}

/// Holds a line against the event that it is of. Spans and lines say that.
fn is_of(line: &Value, answer: &Answer, workspace: &Value) {
    let at = |name: &str| {
        let places = [format!("/span/{name}"), format!("/{name}")];
        places.iter().find_map(|place| line.pointer(place)).cloned().unwrap_or(Value::Null)
    };
    let (_, number) = answer.request_id.rsplit_once('-').unwrap();
    assert_eq!(at("request_id"), json!(answer.request_id), "{line}");
    assert_eq!(at("trace_id"), json!(format!("5759e988{number:0>24}")), "{line}");
    assert_eq!(at("workspace"), *workspace, "{line}");
}

fn get() -> (DynamoDb, Function) {
    let store = store_with("rego", "package p\n\nallow := true\n");
    let function = ready(launch("policies", "policy.get", &store));
    (store, function)
}

fn served() {
    let (_store, mut function) = get();
    for _ in 0..2 {
        let answer = asked(&mut function, &read_it(), TIME);
        let lines = self::lines(&mut function, &answer);
        let told: Vec<&Value> =
            lines.iter().filter(|line| line.to_string().contains(&answer.request_id)).collect();
        let [served, _] = told[..] else { panic!("{told:?}") };
        assert_eq!((&served["message"], &served["level"]), (&json!("served"), &json!("INFO")));
        is_of(served, &answer, &json!("team-a"));
    }
}

fn failed() {
    let (store, mut function) = get();
    store.answers(
        "GetItem",
        [Reply::of(&json!({"error": "AccessDeniedException", "message": "not this one"}))],
    );
    let answer = asked(&mut function, &read_it(), TIME);
    assert_eq!(answer.status, 500, "{answer:?}");
    assert!(!answer.body.to_string().contains("not this one"), "{answer:?}");
    let lines = self::lines(&mut function, &answer);
    let told = lines.iter().find(|line| line["level"] == "ERROR").unwrap();
    assert!(told["detail"].as_str().unwrap().contains("not this one"), "{told}");
    is_of(told, &answer, &json!("team-a"));
    // Refused before anybody's workspace is known.
    let mut elsewhere = read_it();
    elsewhere["requestContext"]["authorizer"]["lambda"]["route"] = json!("policy.delete");
    let answer = asked(&mut function, &elsewhere, TIME);
    assert_eq!(answer.status, 500, "{answer:?}");
    let lines = self::lines(&mut function, &answer);
    let told = lines.iter().rfind(|line| line["level"] == "ERROR").unwrap();
    assert!(told["detail"].as_str().unwrap().contains("`policy.delete`"), "{told}");
    is_of(told, &answer, &Value::Null);
}

/// The request's line in the embedded metric format, whose members are all there.
fn metrics(function: &mut Function, answer: &Answer) -> Value {
    let mut found = lines(function, answer);
    found.retain(|line| {
        line.get("_aws").is_some() && line["request_id"] == json!(answer.request_id)
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

fn measured() {
    let (_store, mut function) = get();
    let mut unknown = read_it();
    unknown["requestContext"]["authorizer"] = Value::Null;
    for (event, cold, errors, kind) in [
        (read_it(), 1, 0, Value::Null),
        (read_it(), 0, 0, Value::Null),
        (unknown, 0, 1, json!("unauthenticated")),
        (json!({"Records": []}), 0, 1, json!("invalid_request")),
    ] {
        let answer = asked(&mut function, &event, TIME);
        let line = metrics(&mut function, &answer);
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
    let mut function = ready(launch("executors", "executor.execute_policy", &store));
    let answer = asked(&mut function, &run_it(&json!({})), TIME);
    let line = metrics(&mut function, &answer);
    let (engine, whole) =
        (line["EngineTime"].as_f64().unwrap(), line["Duration"].as_f64().unwrap());
    assert!(0.0 < engine && engine < whole, "{line}");
}
