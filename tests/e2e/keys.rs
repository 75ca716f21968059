//! A platform that is killed between the commit of a request and its reply: the same request, sent
//! again under its idempotency key, gets what the first one made.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::WRIT;
use crate::durability::kill;
use crate::{Check, fail};
use writ_tests::server::{HttpResponse, Server};

pub(crate) const CHECKS: &[(&str, Check)] = &[(
    "keys::a_key_that_is_sent_again_after_a_kill_does_its_work_once",
    a_key_that_is_sent_again_after_a_kill_does_its_work_once,
)];

/// Requests in flight at a kill, each with a key of its own.
const KEYS: usize = 36;

/// Kills at most, until one comes between a commit and its reply.
const KILLS_MAX: usize = 20;

/// Tries of a request after the kill, a second apart: its claim lapses after 60.
const TRIES_MAX: usize = 120;

/// A policy that counts its runs in its context.
const COUNTER: &str = "class P:
    def __init__(self, rule_id, settings, parameters):
        pass
    def eval(self, parameters, input_data, context):
        count = context.get('count', 0) + 1
        context.set('count', count)
        return {'count': count}
";

/// The request of this number: each third one is a run that keeps state, the others are jobs.
fn send(server: &Server, number: usize) -> Result<HttpResponse, Failed> {
    let headers = [
        ("content-type".to_owned(), "application/json".to_owned()),
        ("idempotency-key".to_owned(), format!("key-{number}")),
    ];
    let (path, body) = if is_run(number) {
        let run = json!({"policy_rule_uri": "counter:1.0-test", "input_data": {}});
        ("/executor/builtin/execute_policy", run)
    } else {
        let job = json!({"name": "keyed", "policy_rule_uri": "plain:1.0-test"});
        ("/jobs/submit/builtin", job)
    };
    server.send("POST", path, &headers, body.to_string().as_bytes())
}

fn is_run(number: usize) -> bool {
    number.is_multiple_of(3)
}

fn id(response: &HttpResponse) -> Option<String> {
    let body = response.json().ok()?;
    let id = body.get("job_id").or_else(|| body.get("execution_id"))?;
    id.as_str().map(str::to_owned)
}

fn a_key_that_is_sent_again_after_a_kill_does_its_work_once() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    {
        let server = Server::start_on(WRIT, directory.path())?;
        let policy = json!({
            "name": "counter", "version": "1.0", "release_tag": "test", "code": COUNTER,
            "code_type": "python", "metadata": {"state": true},
        });
        let registered = server.post("/policy", &policy)?;
        if registered.status != 201 {
            return fail(format!("{registered:?}"));
        }
        server.register("plain", "cel", "1")?;
    }
    let (mut sent, mut answered, mut is_lost) = (0, 0, false);
    for _ in 0..KILLS_MAX {
        answered += send_and_kill(directory.path(), sent..sent + KEYS)?;
        sent += KEYS;
        is_lost = made(&Server::start_on(WRIT, directory.path())?)?.len() > answered;
        if is_lost {
            break;
        }
    }
    if !is_lost {
        return fail("no kill came between a commit and its reply");
    }
    let server = Server::start_on(WRIT, directory.path())?;
    let first: BTreeSet<String> = made(&server)?;
    let mut answers = BTreeSet::new();
    let mut counts = BTreeSet::new();
    for number in 0..sent {
        let response = send_until_done(&server, number)?;
        let count = response.json()?.pointer("/data/count").and_then(Value::as_u64);
        counts.extend(count);
        answers.insert(id(&response).ok_or_else(|| Failed::from(format!("{response:?}")))?);
    }
    let runs = (0..sent).filter(|number| is_run(*number)).count();
    let made = made(&server)?;
    if made != answers || made.len() != sent || !made.is_superset(&first) {
        return fail(format!(
            "{sent} keys made {}, and {} were answered",
            made.len(),
            answers.len()
        ));
    }
    let expected: BTreeSet<u64> = (1..=runs as u64).collect();
    if counts == expected { Ok(()) } else { fail(format!("{runs} runs counted {counts:?}")) }
}

/// Sends all requests at once, kills the platform at the first reply, and returns how many were
/// answered.
fn send_and_kill(directory: &Path, numbers: std::ops::Range<usize>) -> Result<usize, Failed> {
    let mut server = Server::start_on(WRIT, directory)?;
    let (sender, replies) = mpsc::channel();
    let pid = server.child.id();
    let answered = std::thread::scope(|scope| {
        for number in numbers {
            let (server, sender) = (&server, sender.clone());
            scope.spawn(move || {
                let id = send(server, number).ok().and_then(|response| id(&response));
                // The receiver is there until every sender is gone.
                let _ = sender.send(id);
            });
        }
        drop(sender);
        let first = replies.recv().map_err(|_| "no reply")?;
        kill(pid, "KILL")?;
        Ok::<_, Failed>(usize::from(first.is_some()) + replies.iter().flatten().count())
    })?;
    server.child.wait()?;
    Ok(answered)
}

/// Sends a request again until it is done: its claim may be one of the process that was killed, and
/// runs that keep state stand in each other's way.
fn send_until_done(server: &Server, number: usize) -> Result<HttpResponse, Failed> {
    let mut last = None;
    for _ in 0..TRIES_MAX {
        let response = send(server, number)?;
        if matches!(response.status, 200 | 201) {
            return Ok(response);
        }
        last = Some(response);
        std::thread::sleep(Duration::from_secs(1));
    }
    fail(format!("key {number} is not answered: {last:?}"))
}

/// The ids of all jobs and of all runs that requests made.
fn made(server: &Server) -> Result<BTreeSet<String>, Failed> {
    let mut made = list(server, "/jobs/query", &json!({"name": "keyed"}), "job_id")?;
    let runs = json!({"cause": "request", "status": "succeeded"});
    made.extend(list(server, "/executions/query", &runs, "execution_id")?);
    Ok(made)
}

fn list(
    server: &Server,
    path: &str,
    filter: &Value,
    member: &str,
) -> Result<BTreeSet<String>, Failed> {
    let (mut found, mut next) = (BTreeSet::new(), String::new());
    loop {
        let page = server.post(&format!("{path}?limit=100{next}"), filter)?.json()?;
        for item in page.get("data").and_then(Value::as_array).ok_or("no page")? {
            let id = item.get(member).and_then(Value::as_str).ok_or("no id")?;
            found.insert(id.to_owned());
        }
        match page.get("next_token").and_then(Value::as_str) {
            Some(token) => next = format!("&next_token={token}"),
            None => return Ok(found),
        }
    }
}
