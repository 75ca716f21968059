//! The programs under test, and functions that run them.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use writ_runtime_api::{DynamoDb, Function, Invocation, Launch, Outcome, Reply, StoredPolicy};

/// The timeout of a route's function, as in its template.
pub(crate) const TIME: Duration = Duration::from_secs(29);

/// The path of the program with this name, beside this suite, built by `infra/build`.
///
/// # Panics
/// The program does not exist, or a source file is newer.
pub(crate) fn program(name: &str) -> PathBuf {
    let suite = std::env::current_exe().unwrap();
    let program = suite.parent().and_then(Path::parent).unwrap().join(name);
    let build = "run `infra/build` first (`tests/run` does)";
    let Some(built) = modified(&program) else {
        panic!("there is no program `{}`: {build}", program.display());
    };
    if let Some(source) =
        sources(&program).into_iter().find(|source| modified(source) > Some(built))
    {
        panic!("`{}` is older than `{}`: {build}", program.display(), source.display());
    }
    program
}

fn modified(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

/// The source files of the program, from cargo's dependency file: `PROGRAM: SOURCE SOURCE ...`.
fn sources(program: &Path) -> Vec<PathBuf> {
    let dependencies = std::fs::read_to_string(program.with_extension("d")).unwrap_or_default();
    let (_, sources) = dependencies.split_once(": ").unwrap_or_default();
    sources.split_whitespace().map(PathBuf::from).collect()
}

/// The launch of a program over a store.
pub(crate) fn launch(name: &str, handler: &str, store: &DynamoDb) -> Launch {
    Launch::new(&program(name), handler)
        .with("AWS_ENDPOINT_URL", &store.url())
        .with("WRIT_ALLOW_WEAK_SANDBOX", "false")
        .with("WRIT_JOBS_QUEUE_URL", &format!("{}/123456789012/writ-test-jobs", store.url()))
}

/// Starts a function and waits until it requests its first event.
pub(crate) fn start_ready(launch: Launch) -> Function {
    let mut function = launch.start().unwrap();
    function.wait_until_ready().unwrap();
    function
}

/// A store that holds one policy and accepts every write.
pub(crate) fn store_with(code_type: &str, code: &str) -> DynamoDb {
    let store = DynamoDb::start().unwrap();
    let document = json!({
        "name": "p", "version": "1", "release_tag": "x", "code_type": code_type, "code": code,
    });
    let stored = StoredPolicy::new(&document).unwrap();
    for (operation, reply) in stored.replies() {
        store.set_replies(operation, [Reply::Success(reply)]);
    }
    for operation in ["PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"] {
        store.set_replies(operation, [Reply::Success(json!({}))]);
    }
    store
}

/// The response of an HTTP route's function, with its body parsed.
#[derive(Debug)]
pub(crate) struct HttpResponse {
    pub(crate) status: u64,
    pub(crate) body: Value,
    pub(crate) request_id: String,
}

/// Invokes the function of an HTTP route.
pub(crate) fn invoke(function: &mut Function, event: &Value, time: Duration) -> HttpResponse {
    let Invocation { outcome, request_id, .. } = function.invoke(&event.to_string(), time).unwrap();
    let Outcome::Response(payload) = outcome else { panic!("{outcome:?}") };
    let body = payload["body"].as_str().unwrap_or_default();
    HttpResponse {
        status: payload["statusCode"].as_u64().unwrap(),
        body: serde_json::from_str(body).unwrap(),
        request_id,
    }
}

/// An event that gets the policy of [`store_with`].
pub(crate) fn get_event() -> Value {
    writ_runtime_api::event::http_api(
        "policy.get",
        "GET",
        "/policy/{uri}",
        &[("uri", "p:1-x")],
        None,
    )
}

/// An event that executes the policy of [`store_with`].
pub(crate) fn execute_event(input: &Value) -> Value {
    let body = json!({"policy_rule_uri": "p:1-x", "input_data": input});
    let params = [("executor_id", "builtin")];
    let path = "/executor/{executor_id}/execute_policy";
    writ_runtime_api::event::http_api("executor.execute_policy", "POST", path, &params, Some(&body))
}
