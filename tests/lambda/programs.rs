//! Where the programs are, and functions of them.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use writ_runtime_api::{Answered, DynamoDb, Function, Launch, Outcome, Reply, StoredPolicy};

/// What a route's function may take, as its template says.
pub(crate) const TIME: Duration = Duration::from_secs(29);

/// The program of this name, next to this suite, as `infra/build` left it.
///
/// # Panics
/// It is not there, or its sources are younger.
pub(crate) fn program(name: &str) -> PathBuf {
    let suite = std::env::current_exe().unwrap();
    let program = suite.parent().and_then(Path::parent).unwrap().join(name);
    let build = "run `infra/build` first (`tests/run` does)";
    let Some(built) = changed(&program) else {
        panic!("there is no program `{}`: {build}", program.display());
    };
    if let Some(source) = sources(&program).into_iter().find(|source| changed(source) > Some(built))
    {
        panic!("`{}` is older than `{}`: {build}", program.display(), source.display());
    }
    program
}

fn changed(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

/// The files that cargo says the program was made of: `PROGRAM: SOURCE SOURCE ...`.
fn sources(program: &Path) -> Vec<PathBuf> {
    let made_of = std::fs::read_to_string(program.with_extension("d")).unwrap_or_default();
    let (_, sources) = made_of.split_once(": ").unwrap_or_default();
    sources.split_whitespace().map(PathBuf::from).collect()
}

/// A launch of a program over a store.
pub(crate) fn launch(name: &str, handler: &str, store: &DynamoDb) -> Launch {
    Launch::new(&program(name), handler)
        .with("AWS_ENDPOINT_URL", &store.url())
        .with("WRIT_ALLOW_WEAK_SANDBOX", "false")
        .with("WRIT_JOBS_QUEUE_URL", &format!("{}/123456789012/writ-test-jobs", store.url()))
}

/// A function that waits for its first event.
pub(crate) fn ready(launch: Launch) -> Function {
    let mut function = launch.start().unwrap();
    function.ready().unwrap();
    function
}

/// A store with one policy in it, and what anything else gets: success.
pub(crate) fn store_with(code_type: &str, code: &str) -> DynamoDb {
    let store = DynamoDb::start().unwrap();
    let document = json!({
        "name": "p", "version": "1", "release_tag": "x", "code_type": code_type, "code": code,
    });
    let stored = StoredPolicy::of(&document).unwrap();
    for (operation, reply) in stored.replies() {
        store.answers(operation, [Reply::Done(reply)]);
    }
    for operation in ["PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems"] {
        store.answers(operation, [Reply::Done(json!({}))]);
    }
    store
}

/// What a function answered, its body read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u64,
    pub(crate) body: Value,
    pub(crate) request_id: String,
}

/// Hands an event to a function of an HTTP route.
pub(crate) fn asked(function: &mut Function, event: &Value, time: Duration) -> Answer {
    let Answered { outcome, request_id, .. } = function.invoke(&event.to_string(), time).unwrap();
    let Outcome::Answer(answer) = outcome else { panic!("{outcome:?}") };
    let body = answer["body"].as_str().unwrap_or_default();
    Answer {
        status: answer["statusCode"].as_u64().unwrap(),
        body: serde_json::from_str(body).unwrap(),
        request_id,
    }
}

/// An event that reads the policy of [`store_with`].
pub(crate) fn read_it() -> Value {
    writ_runtime_api::event::http_api(
        "policy.get",
        "GET",
        "/policy/{uri}",
        &[("uri", "p:1-x")],
        None,
    )
}

/// An event that runs the policy of [`store_with`].
pub(crate) fn run_it(input: &Value) -> Value {
    let order = json!({"policy_rule_uri": "p:1-x", "input_data": input});
    let params = [("executor_id", "builtin")];
    let path = "/executor/{executor_id}/execute_policy";
    writ_runtime_api::event::http_api(
        "executor.execute_policy",
        "POST",
        path,
        &params,
        Some(&order),
    )
}
