//! Events and what comes of them, as data: `tests/cases/lambda`.
//!
//! Each case has a function and a store of its own, and ends with the file's own event on a healthy
//! store: whatever came before, the next call works.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use libtest_mimic::Trial;
use serde::Deserialize;
use serde_json::Value;
use writ_runtime_api::{Called, DynamoDb, Outcome, Reply, StoredPolicy};

use crate::programs::{TIME, launch, ready};
use crate::trial;

/// Operations of DynamoDB, and what each gets, as [`Reply::of`] reads it; the last is repeated.
type Script = BTreeMap<String, Vec<Value>>;

/// What one function is asked.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    program: String,
    handler: String,
    /// How long the function has, unless a case says otherwise: a route's time where it is not said.
    time_ms: Option<u64>,
    /// A policy that is stored.
    policy: Option<Value>,
    /// What else the healthy store answers.
    #[serde(default)]
    store: Script,
    event: Value,
    /// What comes of that event on that store.
    works: Want,
    cases: Vec<Case>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// What is different from the file's event, as a JSON Merge Patch (RFC 7396).
    #[serde(default)]
    event: Option<Value>,
    /// The event, as bytes, in place of all that.
    raw: Option<String>,
    /// Bytes that `body` holds repeated, for large ones: a pair of a text and how often.
    body_repeat: Option<(String, usize)>,
    /// What the store answers differently; the word `healthy` for what it answers otherwise.
    #[serde(default)]
    store: Script,
    /// How long the function has.
    time_ms: Option<u64>,
    want: Want,
}

/// What must come.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Want {
    /// Of an answer to the gateway.
    status: Option<u64>,
    /// The name of the function's own failure.
    error: Option<String>,
    /// Headers of the answer and a text that each holds.
    header: BTreeMap<String, String>,
    /// JSON Pointers into the answer, whose `/body` is read as JSON; `null` for absent.
    expect: BTreeMap<String, Value>,
    /// Texts that the answer holds.
    contains: Vec<String>,
    /// Texts that the answer does not hold.
    lacks: Vec<String>,
    /// How many calls of an operation came to the store.
    calls: BTreeMap<String, usize>,
    /// How many writes the store has done, of all kinds.
    written: Option<usize>,
}

pub(crate) fn trials() -> Vec<Trial> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases/lambda");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().flat_map(|path| of_file(path)).collect()
}

fn of_file(path: &Path) -> Vec<Trial> {
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
    let mut function = ready(launch(&file.program, &file.handler, &store));
    let mut invoke = |event: &str, time, want: &Want| {
        let outcome = function.invoke(event, time).unwrap().outcome;
        hold(want, &outcome, &store.take_calls());
    };
    let healthy = healthy(file);
    let set = |script: &BTreeMap<String, Vec<Reply>>| {
        for (operation, replies) in script {
            store.answers(operation, replies.clone());
        }
    };
    set(&healthy);
    for (operation, replies) in &case.store {
        store.answers(operation, of_case(operation, replies, &healthy));
    }
    let whole = file.time_ms.map_or(TIME, Duration::from_millis);
    let time = case.time_ms.map_or(whole, Duration::from_millis);
    invoke(&event_of(file, case), time, &case.want);
    set(&healthy);
    invoke(&file.event.to_string(), whole, &file.works);
}

/// What the file's own event meets.
fn healthy(file: &File) -> BTreeMap<String, Vec<Reply>> {
    let nothing = || vec![Reply::Done(serde_json::json!({}))];
    let mut script: BTreeMap<String, Vec<Reply>> =
        ["GetItem", "Query", "PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"]
            .map(|operation| (operation.to_owned(), nothing()))
            .into();
    let policy = file.policy.as_ref().map(|policy| StoredPolicy::of(policy).unwrap());
    for (operation, reply) in policy.iter().flat_map(StoredPolicy::replies) {
        script.insert(operation.to_owned(), vec![Reply::Done(reply)]);
    }
    for (operation, replies) in &file.store {
        script.insert(operation.clone(), replies.iter().map(Reply::of).collect());
    }
    script
}

/// The replies of a case, in which the word `healthy` stands for what the healthy store answers.
fn of_case(
    operation: &str,
    replies: &[Value],
    healthy: &BTreeMap<String, Vec<Reply>>,
) -> Vec<Reply> {
    let reply = |value: &Value| match value.as_str() {
        Some("healthy") => healthy[operation].clone(),
        _ => vec![Reply::of(value)],
    };
    replies.iter().flat_map(reply).collect()
}

fn event_of(file: &File, case: &Case) -> String {
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

/// RFC 7396.
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

fn hold(want: &Want, outcome: &Outcome, calls: &[Called]) {
    let context = || {
        format!("{outcome:#?}\n{:?}", calls.iter().map(|call| &call.operation).collect::<Vec<_>>())
    };
    let mut answer = match (outcome, &want.error) {
        (Outcome::Answer(answer), None) => answer.clone(),
        (Outcome::Error(error), Some(kind)) => {
            assert_eq!(error["errorType"], kind.as_str(), "{}", context());
            error.clone()
        }
        _ => panic!("wanted {want:?}, got {}", context()),
    };
    if let Some(body) = answer["body"].as_str().and_then(|body| serde_json::from_str(body).ok()) {
        answer["body"] = body;
    }
    if let Some(status) = want.status {
        assert_eq!(answer["statusCode"], status, "{}", context());
        assert!(answer["headers"]["x-request-id"].is_string(), "{}", context());
        let is_problem = answer["headers"]["content-type"] == "application/problem+json";
        assert_eq!(is_problem, status >= 400, "{}", context());
        if is_problem {
            assert_eq!(answer["body"]["status"], status, "{}", context());
        }
    }
    for (name, text) in &want.header {
        let value = answer["headers"][name].as_str().unwrap_or_default();
        assert!(value.contains(text), "`{name}: {value}` does not hold `{text}`; {}", context());
    }
    for (pointer, value) in &want.expect {
        assert_eq!(
            answer.pointer(pointer).unwrap_or(&Value::Null),
            value,
            "{pointer} of {}",
            context()
        );
    }
    let text = answer.to_string();
    for piece in &want.contains {
        assert!(text.contains(piece), "no `{piece}` in {}", context());
    }
    for piece in &want.lacks {
        assert!(!text.contains(piece), "`{piece}` in {}", context());
    }
    for (operation, count) in &want.calls {
        let came = calls.iter().filter(|call| call.operation == *operation).count();
        assert_eq!(came, *count, "calls of {operation}; {}", context());
    }
    if let Some(count) = want.written {
        let is_write = |call: &&Called| {
            call.is_done && !["GetItem", "Query", "Scan"].contains(&call.operation.as_str())
        };
        assert_eq!(calls.iter().filter(is_write).count(), count, "writes; {}", context());
    }
}
