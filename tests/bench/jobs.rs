//! Jobs at home: how soon they are done, how many a second, and what a long queue costs.

use std::error::Error;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::sample::{HEAD, Sample, text};
use crate::served::{Served, post, start};

const ALONE: usize = 300;
const MANY: usize = 10_000;
const WAITING: usize = 100_000;
/// How many of the first and of the last of those that wait are compared.
const EDGE: usize = 1_000;
const SUBMITTERS: usize = 8;

type Fault = Box<dyn Error + Send + Sync>;

/// Prints the tables, one after the other: a queue of a hundred thousand takes minutes to fill.
pub(crate) fn report() -> Result<(), Box<dyn Error>> {
    println!("## Jobs\n\n{HEAD}");
    let directory = tempfile::tempdir()?;
    let served = start(directory.path())?;
    let agent = ureq::Agent::new_with_defaults();
    post(&agent, &served, "/policy", &constant())?;
    one_after_the_other(&agent, &served)?;
    many_at_once(&agent, &served)?;
    drop(served);
    long_queue()
}

fn constant() -> Value {
    json!({
        "name": "constant", "version": "1", "release_tag": "x", "code_type": "cel", "code": "true",
    })
}

fn submit(agent: &ureq::Agent, served: &Served) -> Result<String, Box<dyn Error>> {
    let job =
        json!({"name": "bench", "policy_rule_uri": "constant:1-x", "inputs": {"ip": "10.0.0.1"}});
    let reply: Value = serde_json::from_str(&post(agent, served, "/jobs/submit", &job)?)?;
    Ok(reply.pointer("/job_id").and_then(Value::as_str).ok_or("no job_id")?.to_owned())
}

fn get(agent: &ureq::Agent, served: &Served, path: &str) -> Result<Value, Box<dyn Error>> {
    let text = agent.get(format!("{}{path}", served.url)).call()?.body_mut().read_to_string()?;
    Ok(serde_json::from_str(&text)?)
}

/// How long a job took by its own times, which hold milliseconds.
fn took(job: &Value) -> Option<Duration> {
    let time = |name: &str| {
        let text = job.pointer(&format!("/data/{name}"))?.as_str()?;
        text.parse::<writ_model::Timestamp>().ok()
    };
    let ms = time("finished_at")?.as_ms() - time("submitted_at")?.as_ms();
    Some(Duration::from_millis(u64::try_from(ms).ok()?))
}

fn one_after_the_other(agent: &ureq::Agent, served: &Served) -> Result<(), Box<dyn Error>> {
    let (mut submits, mut ends) = (Vec::new(), Vec::new());
    for _ in 0..ALONE {
        let begun = Instant::now();
        let job_id = submit(agent, served)?;
        submits.push(begun.elapsed());
        let job = get(agent, served, &format!("/jobs/{job_id}?wait=20s"))?;
        ends.push(took(&job).ok_or("the job did not end")?);
    }
    print!("{}", Sample::from(submits).row("a submission, alone", ""));
    print!("{}", Sample::from(ends).row("submitted to completed, alone", ""));
    Ok(())
}

/// Calls `each` so many times from several threads; how long each call took, in the order of their
/// numbers.
fn at_once(
    count: usize,
    each: impl Fn(&ureq::Agent) -> Result<(), Fault> + Sync,
) -> Result<Vec<Duration>, Fault> {
    let (next, taken) = (AtomicUsize::new(0), Mutex::new(vec![Duration::ZERO; count]));
    std::thread::scope(|threads| {
        let work = || -> Result<(), Fault> {
            let agent = ureq::Agent::new_with_defaults();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Ok(());
                }
                let begun = Instant::now();
                each(&agent)?;
                let mut taken = taken.lock().map_err(|_| "a thread panicked")?;
                if let Some(place) = taken.get_mut(number) {
                    *place = begun.elapsed();
                }
            }
        };
        let threads: Vec<_> = (0..SUBMITTERS).map(|_| threads.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| {
            thread.join().unwrap_or_else(|_| Err("a thread panicked".into()))
        })
    })?;
    Ok(taken.into_inner().map_err(|_| "a thread panicked")?)
}

fn sent(agent: &ureq::Agent, served: &Served) -> Result<(), Fault> {
    submit(agent, served).map(drop).map_err(|error| error.to_string().into())
}

fn many_at_once(agent: &ureq::Agent, served: &Served) -> Result<(), Box<dyn Error>> {
    let begun = Instant::now();
    let submits = at_once(MANY, |agent| sent(agent, served)).map_err(|error| error.to_string())?;
    let submitted = begun.elapsed();
    while !is_empty(agent, served)? {
        std::thread::sleep(Duration::from_millis(200));
    }
    let done = begun.elapsed();
    let row = format!("a submission, {SUBMITTERS} at once, beside the runners");
    print!("{}", Sample::from(submits).row(&row, ""));
    let rate = |time: Duration| MANY as f64 / time.as_secs_f64();
    println!(
        "\n{MANY} jobs: submitted in {:.1} s ({:.0} a second), all completed {:.1} s after the first \
         submission ({:.0} jobs a second).\n",
        submitted.as_secs_f64(),
        rate(submitted),
        done.as_secs_f64(),
        rate(done),
    );
    Ok(())
}

/// Whether nobody waits: a job of the lowest priority is next.
fn is_empty(agent: &ureq::Agent, served: &Served) -> Result<bool, Box<dyn Error>> {
    let job = json!({"name": "last", "policy_rule_uri": "constant:1-x", "priority": 0});
    let reply: Value = serde_json::from_str(&post(agent, served, "/jobs/submit", &job)?)?;
    let id = reply.pointer("/job_id").and_then(Value::as_str).ok_or("no job_id")?;
    let ended = get(agent, served, &format!("/jobs/{id}?wait=20s"))?;
    Ok(ended.pointer("/data/job_status").and_then(Value::as_str) == Some("completed"))
}

/// Every runner is busy while the queue grows.
fn long_queue() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let served = start(directory.path())?;
    let agent = ureq::Agent::new_with_defaults();
    post(&agent, &served, "/policy", &constant())?;
    let endless = json!({
        "name": "endless", "version": "1", "release_tag": "x", "code_type": "python",
        "code": "class AIOSv1PolicyRule:\n    def __init__(self, rule_id, settings, parameters):\n        pass\n\n    def eval(self, parameters, input_data, context):\n        while True:\n            pass\n",
    });
    post(&agent, &served, "/policy", &endless)?;
    let runners = 16;
    for _ in 0..runners {
        let job = json!({
            "name": "endless", "policy_rule_uri": "endless:1-x", "timeout_seconds": 840, "priority": 9,
        });
        post(&agent, &served, "/jobs/submit", &job)?;
    }
    std::thread::sleep(Duration::from_secs(2));
    let taken =
        at_once(WAITING, |agent| sent(agent, &served)).map_err(|error| error.to_string())?;
    println!("\n### {WAITING} jobs that wait\n\n{HEAD}");
    let edge = |from: usize| taken.iter().skip(from).take(EDGE).copied().collect::<Vec<_>>();
    print!("{}", Sample::from(edge(0)).row("a submission, of the first thousand", ""));
    print!("{}", Sample::from(edge(WAITING - EDGE)).row("a submission, of the last thousand", ""));
    let last = submit(&agent, &served)?;
    let path = format!("/jobs/{last}");
    let status = Sample::of(EDGE, || get(&agent, &served, &path).map(drop))?;
    print!("{}", status.row("`GET /jobs/{id}` of the last, its position with it", ""));
    for (name, filter) in [
        (
            "by policy and `inputs.ip`, a page of 100",
            json!({"policy_rule_uri": "constant:1-x", "inputs.ip": "10.0.0.1"}),
        ),
        ("by what no index serves, one page", json!({"inputs.ip": "10.9.9.9"})),
    ] {
        let query = Sample::of(10, || post(&agent, &served, "/jobs/query", &filter).map(drop))?;
        print!("{}", query.row(&format!("`/jobs/query` {name}"), ""));
    }
    let shown = get(&agent, &served, &path)?;
    println!(
        "\nThe last job's position: {} (at least: {}); `GET` median {}.",
        shown.pointer("/data/position").unwrap_or(&Value::Null),
        shown.pointer("/data/position_is_at_least").unwrap_or(&Value::Null),
        text(status.p50()),
    );
    Ok(())
}
