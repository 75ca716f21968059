//! A platform that is killed in the middle of its jobs: every job completes, and its effects are
//! committed once.

use std::collections::{BTreeMap, BTreeSet};

use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::WRIT;
use crate::durability::kill;
use crate::{Check, fail};
use writ_tests::server::Server;

pub(crate) const CHECKS: &[(&str, Check)] = &[(
    "killed::a_thousand_jobs_survive_a_kill_and_each_is_committed_once",
    a_thousand_jobs_survive_a_kill_and_each_is_committed_once,
)];

const JOBS: usize = 1_000;

/// The number of completed jobs at which the platform is killed.
const JOBS_BEFORE_KILL: usize = 300;

/// A policy that counts its runs in its context and spins as its input says.
const COUNTER: &str = "class P:
    def __init__(self, rule_id, settings, parameters):
        pass
    def eval(self, parameters, input_data, context):
        for _ in range(input_data['spin']):
            pass
        count = context.get('count', 0) + 1
        context.set('count', count)
        return {'count': count}
";

fn a_thousand_jobs_survive_a_kill_and_each_is_committed_once() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let jobs = {
        let mut server = Server::start_on(WRIT, directory.path())?;
        let policy = json!({
            "name": "counter", "version": "1.0", "release_tag": "test", "code": COUNTER,
            "code_type": "python", "metadata": {"state": true},
        });
        let registered = server.post("/policy", &policy)?;
        if registered.status != 201 {
            return fail(format!("{registered:?}"));
        }
        let jobs: Vec<String> = (0..JOBS).map(|n| submit(&server, n)).collect::<Result<_, _>>()?;
        wait_for_completion(&server, jobs.get(JOBS_BEFORE_KILL).ok_or("no such job")?)?;
        kill(server.child.id(), "KILL")?;
        server.child.wait()?;
        jobs
    };
    let server = Server::start_on(WRIT, directory.path())?;
    let mut counts = BTreeSet::new();
    for id in &jobs {
        let job = wait_for_completion(&server, id)?;
        let count = job.pointer("/job_output_data/count").and_then(Value::as_u64);
        let Some(count) = count else { return fail(format!("no result: {job}")) };
        counts.insert(count);
    }
    // Each run read the context that the run before it had committed, and no two runs the same one.
    let expected: BTreeSet<u64> = (1..=JOBS as u64).collect();
    if counts != expected {
        return fail(format!("{} counts of {JOBS}, up to {:?}", counts.len(), counts.last()));
    }
    let records = records(&server)?;
    match jobs.iter().find(|id| records.get(*id) != Some(&1)) {
        Some(id) => fail(format!("job {id} has {:?} results", records.get(id))),
        None if records.len() == JOBS => Ok(()),
        None => fail(format!("{} jobs have results", records.len())),
    }
}

fn submit(server: &Server, number: usize) -> Result<String, Failed> {
    let spin = if number.is_multiple_of(10) { 50_000 } else { 0 };
    let job = json!({
        "name": format!("count {number}"), "policy_rule_uri": "counter:1.0-test",
        "inputs": {"spin": spin},
    });
    let response = server.post("/jobs/submit/builtin", &job)?;
    let id = response.json()?.get("job_id").and_then(Value::as_str).map(str::to_owned);
    id.ok_or_else(|| Failed::from(format!("{response:?}")))
}

/// Polls the job until it has completed.
fn wait_for_completion(server: &Server, id: &str) -> Result<Value, Failed> {
    // Ten minutes: the lease of a runner that was killed expires after 30 seconds, and a thousand
    // jobs take their time on a slow machine.
    for _ in 0..30 {
        let job = server.get(&format!("/jobs/{id}?wait=20s"))?.json()?;
        let job = job.get("data").cloned().unwrap_or_default();
        match job.get("job_status").and_then(Value::as_str) {
            Some("queued" | "admitted" | "running") => {}
            Some("completed") => return Ok(job),
            _ => return fail(format!("job {id}: {job}")),
        }
    }
    fail(format!("job {id} does not end"))
}

/// The number of successful executions of each job.
fn records(server: &Server) -> Result<BTreeMap<String, usize>, Failed> {
    let (mut records, mut next) = (BTreeMap::new(), String::new());
    loop {
        let path = format!("/executions/query?limit=100{next}");
        let page = server.post(&path, &json!({"cause": "job", "status": "succeeded"}))?.json()?;
        for record in page.get("data").and_then(Value::as_array).ok_or("no page")? {
            let job = record.get("parent").and_then(Value::as_str).ok_or("no parent")?;
            *records.entry(job.to_owned()).or_default() += 1;
        }
        match page.get("next_token").and_then(Value::as_str) {
            Some(token) => next = format!("&next_token={token}"),
            None => return Ok(records),
        }
    }
}
