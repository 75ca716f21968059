//! Events and expected results as data: `tests/cases/lambda`.
//!
//! Each case has a function and a store of its own, and ends with the file's own event on a healthy
//! store: after any failure, the next invocation works.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use libtest_mimic::Trial;
use serde::Deserialize;
use serde_json::Value;
use writ_runtime_api::{DynamoDb, Outcome, RecordedCall, Reply, StoredPolicy};

use crate::programs::{TIME, launch, start_ready};
use crate::trial;

/// Replies to each operation of DynamoDB, in the format of [`Reply::parse`]; the last is repeated.
type Script = BTreeMap<String, Vec<Value>>;

/// A file of cases for one function.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    program: String,
    handler: String,
    /// The time until the deadline of an invocation [default: the timeout of a route's function].
    time_ms: Option<u64>,
    /// The document of a policy in the store.
    policy: Option<Value>,
    /// Further replies of the healthy store.
    #[serde(default)]
    store: Script,
    event: Value,
    /// The expected result of the event on the healthy store.
    works: Expectation,
    cases: Vec<Case>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// Changes to the file's event, as a JSON Merge Patch (RFC 7396).
    #[serde(default)]
    event: Option<Value>,
    /// The event as text, instead of the file's event and its changes.
    raw: Option<String>,
    /// A text and its number of repetitions, which replace `REPEATED` in the body; for large bodies.
    body_repeat: Option<(String, usize)>,
    /// Replies that differ from the healthy store's; the word `healthy` stands for its replies.
    #[serde(default)]
    store: Script,
    /// The time until the deadline of the invocation [default: that of the file].
    time_ms: Option<u64>,
    want: Expectation,
}

/// The expected result of an invocation.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Expectation {
    /// The HTTP status of the response.
    status: Option<u64>,
    /// The `errorType` of an invocation that fails.
    error: Option<String>,
    /// Headers of the response and a text that each must contain.
    header: BTreeMap<String, String>,
    /// JSON Pointers into the response with its `/body` parsed as JSON; `null` for absent.
    expect: BTreeMap<String, Value>,
    /// Texts that the response must contain.
    contains: Vec<String>,
    /// Texts that the response must not contain.
    lacks: Vec<String>,
    /// The number of calls of each operation to the store.
    calls: BTreeMap<String, usize>,
    /// The number of successful writes to the store, of all operations.
    written: Option<usize>,
}

pub(crate) fn trials() -> Vec<Trial> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/lambda");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().flat_map(|path| file_trials(path)).collect()
}

fn file_trials(path: &Path) -> Vec<Trial> {
    let text = std::fs::read_to_string(path).unwrap();
    let file: File =
        yaml_serde::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let stem = path.file_stem().unwrap().to_str().unwrap();
    let cases = file.cases.clone().into_iter();
    cases
        .map(|case| {
            let file = file.clone();
            trial(format!("{stem}::{}", case.name.replace(' ', "_")), move || run(&file, &case))
        })
        .collect()
}

fn run(file: &File, case: &Case) {
    let store = DynamoDb::start().unwrap();
    let mut function = start_ready(launch(&file.program, &file.handler, &store));
    let mut invoke = |event: &str, time, expected: &Expectation| {
        let outcome = function.invoke(event, time).unwrap().outcome;
        check(expected, &outcome, &store.take_calls());
    };
    let healthy = healthy_replies(file);
    let set = |script: &BTreeMap<String, Vec<Reply>>| {
        for (operation, replies) in script {
            store.set_replies(operation, replies.clone());
        }
    };
    set(&healthy);
    for (operation, replies) in &case.store {
        store.set_replies(operation, case_replies(operation, replies, &healthy));
    }
    let file_time = file.time_ms.map_or(TIME, Duration::from_millis);
    let time = case.time_ms.map_or(file_time, Duration::from_millis);
    invoke(&case_event(file, case), time, &case.want);
    set(&healthy);
    invoke(&file.event.to_string(), file_time, &file.works);
}

/// The replies of the healthy store.
fn healthy_replies(file: &File) -> BTreeMap<String, Vec<Reply>> {
    let nothing = || vec![Reply::Success(serde_json::json!({}))];
    let mut script: BTreeMap<String, Vec<Reply>> =
        ["GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"]
            .map(|operation| (operation.to_owned(), nothing()))
            .into();
    let policy = file.policy.as_ref().map(|policy| StoredPolicy::new(policy).unwrap());
    for (operation, reply) in policy.iter().flat_map(StoredPolicy::replies) {
        script.insert(operation.to_owned(), vec![Reply::Success(reply)]);
    }
    for (operation, replies) in &file.store {
        script.insert(operation.clone(), replies.iter().map(Reply::parse).collect());
    }
    script
}

/// The replies of a case, in which the word `healthy` stands for those of the healthy store.
fn case_replies(
    operation: &str,
    replies: &[Value],
    healthy: &BTreeMap<String, Vec<Reply>>,
) -> Vec<Reply> {
    let reply = |value: &Value| match value.as_str() {
        Some("healthy") => healthy[operation].clone(),
        _ => vec![Reply::parse(value)],
    };
    replies.iter().flat_map(reply).collect()
}

fn case_event(file: &File, case: &Case) -> String {
    if let Some(raw) = &case.raw {
        return raw.clone();
    }
    let mut event = file.event.clone();
    if let Some(patch) = &case.event {
        merge(&mut event, patch);
    }
    if let Some((text, count)) = &case.body_repeat {
        let body = event["body"].as_str().unwrap().replace("REPEATED", &text.repeat(*count));
        event["body"] = body.into();
    }
    event.to_string()
}

/// Applies a JSON Merge Patch (RFC 7396).
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = serde_json::json!({});
    }
    let members = target.as_object_mut().unwrap();
    for (name, value) in patch {
        if value.is_null() {
            members.remove(name);
        } else {
            merge(members.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

fn check(want: &Expectation, outcome: &Outcome, calls: &[RecordedCall]) {
    let context = || {
        format!("{outcome:#?}\n{:?}", calls.iter().map(|call| &call.operation).collect::<Vec<_>>())
    };
    let mut response = match (outcome, &want.error) {
        (Outcome::Response(response), None) => response.clone(),
        (Outcome::Error(error), Some(kind)) => {
            assert_eq!(error["errorType"], kind.as_str(), "{}", context());
            error.clone()
        }
        _ => panic!("wanted {want:?}, got {}", context()),
    };
    if let Some(body) = response["body"].as_str().and_then(|body| serde_json::from_str(body).ok()) {
        response["body"] = body;
    }
    if let Some(status) = want.status {
        assert_eq!(response["statusCode"], status, "{}", context());
        assert!(response["headers"]["x-request-id"].is_string(), "{}", context());
        let is_problem = response["headers"]["content-type"] == "application/problem+json";
        assert_eq!(is_problem, status >= 400, "{}", context());
        if is_problem {
            assert_eq!(response["body"]["status"], status, "{}", context());
        }
    }
    for (name, text) in &want.header {
        let value = response["headers"][name].as_str().unwrap_or_default();
        assert!(value.contains(text), "`{name}: {value}` does not contain `{text}`; {}", context());
    }
    for (pointer, value) in &want.expect {
        assert_eq!(
            response.pointer(pointer).unwrap_or(&Value::Null),
            value,
            "{pointer} of {}",
            context()
        );
    }
    let text = response.to_string();
    for piece in &want.contains {
        assert!(text.contains(piece), "no `{piece}` in {}", context());
    }
    for piece in &want.lacks {
        assert!(!text.contains(piece), "`{piece}` in {}", context());
    }
    for (operation, count) in &want.calls {
        let actual = calls.iter().filter(|call| call.operation == *operation).count();
        assert_eq!(actual, *count, "calls of {operation}; {}", context());
    }
    if let Some(count) = want.written {
        let is_write = |call: &&RecordedCall| {
            call.is_success && !["GetItem", "Query", "Scan"].contains(&call.operation.as_str())
        };
        assert_eq!(calls.iter().filter(is_write).count(), count, "writes; {}", context());
    }
}
