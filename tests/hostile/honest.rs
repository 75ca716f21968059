//! The workspace that works: a small closed set of calls at a fixed pace.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use serde_json::{Value, json};

use crate::client::{Client, Request};
use crate::fail;
use crate::latency::Latencies;

/// Callers at the same time.
const CALLERS: usize = 4;

/// Time from one call of a caller to its next, unless the call takes longer.
const PACE: Duration = Duration::from_millis(60);

/// The policies by language, which all answer alike.
const POLICIES: [(&str, &str); 3] = [
    (
        "python",
        "class P:\n    def __init__(self, rule_id, settings, parameters):\n        pass\n    def eval(self, parameters, input_data, context):\n        return input_data['n'] > 1\n",
    ),
    ("rego", "package honest\n\nallow := input.n > 1\n"),
    ("cel", "input.n > 1"),
];

/// The kinds of call, in the order of a caller's turns.
const KINDS: [&str; 9] = [
    "policy.get",
    "execute python",
    "execute rego",
    "execute cel",
    "job",
    "execution.query",
    "schedule.create",
    "schedule.get",
    "schedule.delete",
];

/// The honest workspace and its policies.
pub(crate) struct Honest {
    client: Client,
    /// The stored policies, as they were registered.
    stored: Vec<Value>,
    runs: AtomicUsize,
}

impl Honest {
    /// Registers the policies of all languages.
    pub(crate) fn create(client: Client) -> Result<Self, Failed> {
        let mut stored = Vec::new();
        for (language, code) in POLICIES {
            let data = match language {
                "rego" => json!({"query": "data.honest.allow"}),
                _ => json!({}),
            };
            let policy = json!({
                "name": language, "version": "1.0", "release_tag": "honest", "code": code,
                "code_type": language, "functionality_data": data,
                "policy_input_schema": {"n": {"type": "integer", "required": true}},
            });
            client.expect(201, &Request::post("/policy", &policy))?;
            stored.push(client.expect(200, &Request::get(&path_of(language)))?);
        }
        Ok(Self { client, stored, runs: AtomicUsize::new(0) })
    }

    /// The same workspace with another address.
    pub(crate) fn at(&mut self, address: &str) {
        self.client.address = address.to_owned();
    }

    /// Makes every kind of call once.
    pub(crate) fn round(&self) -> Result<(), Failed> {
        KINDS.iter().try_for_each(|kind| self.call(kind, "one-round"))
    }

    /// Calls for so long. No call may fail.
    pub(crate) fn work(&self, time: Duration) -> Latencies {
        let all = Mutex::new(Latencies::default());
        let until = Instant::now() + time;
        std::thread::scope(|scope| {
            for caller in 0..CALLERS {
                let all = &all;
                scope.spawn(move || {
                    let latencies = self.work_alone(caller, until);
                    all.lock().unwrap_or_else(|error| error.into_inner()).merge(latencies);
                });
            }
        });
        all.into_inner().unwrap_or_else(|error| error.into_inner())
    }

    fn work_alone(&self, caller: usize, until: Instant) -> Latencies {
        let mut latencies = Latencies::default();
        let schedule = format!("caller-{caller}");
        // The callers begin at different calls; the calls of a schedule keep their order.
        for kind in KINDS.iter().cycle().skip(caller * 2 % 6) {
            let started = Instant::now();
            if started >= until && !kind.starts_with("schedule") {
                break;
            }
            match self.call(kind, &schedule) {
                Ok(()) => latencies.record(kind, started.elapsed()),
                Err(error) => {
                    let error = error.message().unwrap_or_default();
                    let after = started.elapsed().as_millis();
                    latencies.errors.push(format!("{kind}, after {after} ms: {error}"));
                }
            }
            std::thread::sleep(PACE.saturating_sub(started.elapsed()));
        }
        latencies
    }

    fn call(&self, kind: &str, schedule: &str) -> Result<(), Failed> {
        let path = format!("/schedules/{schedule}");
        match kind {
            "policy.get" => self.client.expect(200, &Request::get(&path_of("python"))).map(drop),
            "job" => self.job(),
            "execution.query" => {
                let filter = json!({"policy_rule_uri": "cel:1.0-honest"});
                let request = Request::post("/executions/query?limit=5", &filter);
                self.client.expect(200, &request).map(drop)
            }
            "schedule.create" => {
                let target = json!({"policy": {"policy_rule_uri": "rego:1.0-honest", "input_data": {"n": 2}}});
                let body = json!({
                    "name": schedule, "schedule_expression": "rate(1 day)", "target": target,
                });
                self.client.expect(201, &Request::post("/schedules", &body)).map(drop)
            }
            "schedule.get" => self.client.expect(200, &Request::get(&path)).map(drop),
            "schedule.delete" => self.client.expect(200, &Request::new("DELETE", &path)).map(drop),
            _ => self.execute(kind.trim_start_matches("execute ")),
        }
    }

    fn execute(&self, language: &str) -> Result<(), Failed> {
        let body =
            json!({"policy_rule_uri": format!("{language}:1.0-honest"), "input_data": {"n": 2}});
        let request = Request::post("/executor/builtin/execute_policy", &body);
        let reply = self.client.expect(200, &request)?;
        self.runs.fetch_add(1, Ordering::Relaxed);
        if reply.pointer("/data") == Some(&json!(true)) { Ok(()) } else { fail(reply.to_string()) }
    }

    /// Submits a job and waits for its result.
    fn job(&self) -> Result<(), Failed> {
        let body = json!({
            "name": "honest", "policy_rule_uri": "python:1.0-honest", "inputs": {"n": 2},
        });
        let submitted = self.client.expect(201, &Request::post("/jobs/submit/builtin", &body))?;
        let id = submitted.pointer("/job_id").and_then(Value::as_str).ok_or("no job_id")?;
        let job = self.client.expect(200, &Request::get(&format!("/jobs/{id}?wait=20s")))?;
        let status = job.pointer("/data/job_status").and_then(Value::as_str);
        if status == Some("completed") { Ok(()) } else { fail(format!("not completed: {job}")) }
    }

    /// Checks that nothing of the workspace was lost or changed.
    pub(crate) fn check_data(&self) -> Result<(), Failed> {
        for (stored, (language, _)) in self.stored.iter().zip(POLICIES) {
            let found = self.client.expect(200, &Request::get(&path_of(language)))?;
            if found.pointer("/data") != stored.pointer("/data") {
                return fail(format!("the policy was {stored} and is {found}"));
            }
        }
        let schedules = self.client.expect(200, &Request::get("/schedules"))?;
        if schedules.pointer("/data").and_then(Value::as_array).is_none_or(|list| !list.is_empty())
        {
            return fail(format!("schedules are left: {schedules}"));
        }
        let unfinished = json!({"job_status": {"$ne": "completed"}});
        let jobs = self.client.expect(200, &Request::post("/jobs/query", &unfinished))?;
        if jobs.pointer("/data").and_then(Value::as_array).is_none_or(|list| !list.is_empty()) {
            return fail(format!("jobs did not complete: {jobs}"));
        }
        let (records, runs) = (self.count_records()?, self.runs.load(Ordering::Relaxed));
        if records == runs { Ok(()) } else { fail(format!("{records} records of {runs} runs")) }
    }

    /// The number of records of runs that were requests.
    fn count_records(&self) -> Result<usize, Failed> {
        let (mut count, mut token) = (0, String::new());
        loop {
            let path = format!("/executions/query?limit=1000&projection=cause{token}");
            let page = self.client.expect(200, &Request::post(&path, &json!({})))?;
            let records = page.pointer("/data").and_then(Value::as_array).ok_or("no records")?;
            let is_request = |record: &&Value| record.pointer("/cause") == Some(&json!("request"));
            count += records.iter().filter(is_request).count();
            match page.pointer("/next_token").and_then(Value::as_str) {
                Some(next) => token = format!("&next_token={next}"),
                None => return Ok(count),
            }
        }
    }
}

fn path_of(language: &str) -> String {
    format!("/policy/{language}:1.0-honest")
}
