//! Schemas that never end or are refused, through every route that applies one: each costs its own
//! request, and the platform serves the others meanwhile and after a restart.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use libtest_mimic::Failed;
use serde_json::{Map, Value, json};
use writ_model::Timestamp;
use writ_tests::schemas::{doubling, errors_in_errors, of_member, reference_chain};
use writ_tests::server::{HttpResponse, Server};

use crate::WRIT;
use crate::{Check, fail};

pub(crate) const CHECKS: &[(&str, Check)] = &[
    ("schemas::none_stops_the_platform_by_any_route", none_stops_the_platform),
    ("schemas::a_stored_target_meets_a_schema_that_never_ends", a_stored_target_meets_one),
    ("schemas::thousands_of_masked_pointers_are_one_pass", thousands_of_masked_pointers),
];

/// A policy that runs for any input, with these members more.
fn policy(name: &str, more: &Value) -> Value {
    let mut policy = json!({
        "name": name, "version": "1.0", "release_tag": "test", "code_type": "cel", "code": "true",
    });
    if let (Some(policy), Some(more)) = (policy.as_object_mut(), more.as_object()) {
        policy.extend(more.clone());
    }
    policy
}

fn uri(name: &str) -> String {
    format!("{name}:1.0-test")
}

fn has_status(response: &HttpResponse, allowed: &[u16]) -> Result<(), Failed> {
    if allowed.contains(&response.status) { Ok(()) } else { fail(format!("{response:?}")) }
}

fn is_served(server: &Server) -> Result<(), Failed> {
    has_status(&server.get("/healthz")?, &[200])?;
    has_status(&server.execute("honest", &json!({}))?, &[200])
}

/// Calls `attack` while `/healthz` and an honest policy are asked again and again.
fn beside_honest_calls(
    server: &Server,
    attack: impl FnOnce() -> Result<(), Failed>,
) -> Result<(), Failed> {
    let (stop, served) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let honest = scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                is_served(server)?;
                served.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        });
        let attacked = attack();
        stop.store(true, Ordering::Relaxed);
        let honest: Result<(), Failed> =
            honest.join().map_err(|_| Failed::from("a thread panicked"))?;
        attacked.and(honest)
    })?;
    if served.into_inner() == 0 { fail("no honest call was made meanwhile") } else { Ok(()) }
}

fn none_stops_the_platform() -> Result<(), Failed> {
    let server = Server::start(WRIT)?;
    has_status(&server.post("/policy", &policy("honest", &json!({})))?, &[201])?;
    // Each element of the last input violates the schema.
    let schemas = [
        ("chain", of_member(reference_chain(20_000)), json!({"n": 1})),
        ("endless", of_member(doubling(40)), json!({"n": 1})),
        ("errors", of_member(errors_in_errors()), json!({"n": vec![1_234_567; 7_000]})),
    ];
    for (name, schema, input) in &schemas {
        beside_honest_calls(&server, || attack(&server, name, schema, input))
            .map_err(|failed| format!("{name}: {}", failed.message().unwrap_or_default()))?;
    }
    Ok(())
}

/// Sends a schema and an input that violates it, or takes too long, by each route.
fn attack(server: &Server, name: &str, schema: &Value, input: &Value) -> Result<(), Failed> {
    // The check of a policy holds the stored settings against their schema.
    let settings = json!({"policy_settings_schema": schema, "policy_settings": {"n": 1}});
    has_status(&server.post("/policy", &policy("refused", &settings))?, &[400, 422])?;
    has_status(&server.get("/policy/refused:1.0-test")?, &[404])?;
    let with_input = policy(name, &json!({"policy_input_schema": schema}));
    has_status(&server.post("/policy", &with_input)?, &[201])?;
    has_status(&server.execute(name, input)?, &[422, 504])?;
    let inputs = json!({"policy_input_schema": schema});
    for (more, allowed) in [(settings, &[400, 422][..]), (inputs, &[200])] {
        let plan = json!({"policy": policy("honest", &more)});
        has_status(&server.post("/policy/honest:1.0-test/plan", &plan)?, allowed)?;
    }
    let job = json!({"name": "worst", "policy_rule_uri": uri(name), "inputs": input});
    has_status(&server.post("/jobs/submit/builtin", &job)?, &[400, 422])?;
    let target = json!({"policy": {"policy_rule_uri": uri(name), "input_data": input}});
    let schedule = json!({
        "name": name, "schedule_expression": "rate(1 minute)", "target": target,
    });
    has_status(&server.post("/schedules", &schedule)?, &[400, 422])?;
    has_status(&server.get(&format!("/schedules/{name}"))?, &[404])
}

/// A job and a schedule that were accepted before their policy got the schema: an older data
/// directory holds such.
fn a_stored_target_meets_one() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let server = Server::start_on(WRIT, directory.path())?;
    for name in ["honest", "target"] {
        has_status(&server.post("/policy", &policy(name, &json!({})))?, &[201])?;
    }
    let at = in_seconds(8)?;
    let job = json!({
        "name": "stored", "policy_rule_uri": uri("target"), "inputs": {"n": 1}, "not_before": at,
        "timeout_seconds": 2, "max_attempts": 1,
    });
    let job = server.post("/jobs/submit", &job)?;
    has_status(&job, &[201])?;
    let job = text(&job.json()?, "/job_id");
    let schedule = json!({
        "name": "stored", "schedule_expression": format!("at({})", at.get(..19).unwrap_or(&at)),
        "target": {"policy": {"policy_rule_uri": uri("target"), "input_data": {"n": 1}}},
    });
    has_status(&server.post("/schedules", &schedule)?, &[201])?;
    let change = json!({"$set": {"policy_input_schema": of_member(doubling(40))}});
    let headers = [("content-type".to_owned(), "application/json".to_owned())];
    let changed =
        server.send("PUT", "/policy/target:1.0-test", &headers, change.to_string().as_bytes())?;
    has_status(&changed, &[200])?;
    drop(server);

    let server = Server::start_on(WRIT, directory.path())?;
    beside_honest_calls(&server, || {
        let job = ended(&server, &format!("/jobs/{job}"), |job| {
            let status = text(job, "/data/job_status");
            !matches!(status.as_str(), "queued" | "admitted" | "running")
        })?;
        let schedule = ended(&server, "/schedules/stored", |schedule| {
            schedule.pointer("/data/last_fires/0").is_some()
        })?;
        let outcomes =
            (text(&job, "/data/job_status"), text(&schedule, "/data/last_fires/0/outcome"));
        match outcomes == ("timed_out".to_owned(), "failed".to_owned()) {
            true => Ok(()),
            false => fail(format!("{job} {schedule}")),
        }
    })
}

fn text(value: &Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The response to a GET of the path once it is as expected.
fn ended(server: &Server, path: &str, is_ended: impl Fn(&Value) -> bool) -> Result<Value, Failed> {
    for _ in 0..600 {
        let found = server.get(path)?.json()?;
        if is_ended(&found) {
            return Ok(found);
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    fail(format!("in vain: {path}: {:?}", server.get(path)?))
}

/// The time in so many seconds.
fn in_seconds(seconds: i64) -> Result<String, Failed> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let at = i64::try_from(since.as_millis())? + seconds * 1_000;
    Ok(Timestamp::from_ms(at).to_string())
}

fn thousands_of_masked_pointers() -> Result<(), Failed> {
    const POINTERS: usize = 5_000;
    let server = Server::start(WRIT)?;
    let mask: Vec<String> = (0..POINTERS).map(|n| format!("/input_data/m{n}")).collect();
    has_status(&server.post("/policy", &policy("honest", &json!({})))?, &[201])?;
    let masked = policy("masked", &json!({"metadata": {"mask": mask}}));
    has_status(&server.post("/policy", &masked)?, &[201])?;
    let member = |n: usize| (format!("m{n}"), json!("secret".repeat(8)));
    // Four megabytes, nearly all that a body may have.
    let input: Map<String, Value> = (0..60_000).map(member).collect();
    let input = Value::Object(input);
    beside_honest_calls(&server, || {
        let response = server.execute("masked", &input)?;
        has_status(&response, &[200])?;
        let id = response.header("x-execution-id").unwrap_or_default().to_owned();
        let record = server.get(&format!("/executions/{id}"))?.json()?;
        let input = record.pointer("/data/input_data").and_then(Value::as_object);
        let Some(input) = input else { return fail("the record has no input") };
        let is_masked = |n: usize| input.get(&format!("m{n}")) == Some(&json!("**masked**"));
        match (0..POINTERS).all(is_masked) && !is_masked(POINTERS) && input.len() == 60_000 {
            true => Ok(()),
            false => fail("other members are masked than those that the policy names"),
        }
    })
}
