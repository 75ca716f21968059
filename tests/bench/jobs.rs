//! Jobs on an embedded deployment: their latency and throughput.

use std::error::Error;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::served::{Served, post, start};
use writ_bench::sample::{HEAD, Sample};

const ALONE: usize = 300;
const MANY: usize = 10_000;
const SUBMITTERS: usize = 8;

type ThreadError = Box<dyn Error + Send + Sync>;

/// Prints the table, row by row.
pub(crate) fn report() -> Result<(), Box<dyn Error>> {
    println!("## Jobs\n\n{HEAD}");
    let directory = tempfile::tempdir()?;
    let served = start(directory.path())?;
    let agent = ureq::Agent::new_with_defaults();
    post(&agent, &served, "/policy", &constant())?;
    one_after_the_other(&agent, &served)?;
    many_at_once(&agent, &served)?;
    Ok(())
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

/// The time from submission to completion, by the job's own timestamps in milliseconds.
fn job_duration(job: &Value) -> Option<Duration> {
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
        let started = Instant::now();
        let job_id = submit(agent, served)?;
        submits.push(started.elapsed());
        let job = get(agent, served, &format!("/jobs/{job_id}?wait=20s"))?;
        ends.push(job_duration(&job).ok_or("the job did not end")?);
    }
    print!("{}", Sample::from(submits).row("a submission, alone", ""));
    print!("{}", Sample::from(ends).row("submitted to completed, alone", ""));
    Ok(())
}

/// Calls `each` `count` times from several threads. Returns the duration of each call, in the order
/// of their numbers.
fn at_once(
    count: usize,
    each: impl Fn(&ureq::Agent) -> Result<(), ThreadError> + Sync,
) -> Result<Vec<Duration>, ThreadError> {
    let (next, taken) = (AtomicUsize::new(0), Mutex::new(vec![Duration::ZERO; count]));
    std::thread::scope(|threads| {
        let work = || -> Result<(), ThreadError> {
            let agent = ureq::Agent::new_with_defaults();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Ok(());
                }
                let started = Instant::now();
                each(&agent)?;
                let mut taken = taken.lock().map_err(|_| "a thread panicked")?;
                if let Some(slot) = taken.get_mut(number) {
                    *slot = started.elapsed();
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

fn sent(agent: &ureq::Agent, served: &Served) -> Result<(), ThreadError> {
    submit(agent, served).map(drop).map_err(|error| error.to_string().into())
}

fn many_at_once(agent: &ureq::Agent, served: &Served) -> Result<(), Box<dyn Error>> {
    let started = Instant::now();
    let submits = at_once(MANY, |agent| sent(agent, served)).map_err(|error| error.to_string())?;
    let submitted = started.elapsed();
    while !is_empty(agent, served)? {
        std::thread::sleep(Duration::from_millis(200));
    }
    let done = started.elapsed();
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

/// Whether the queue is empty: a job of the lowest priority completes at once.
fn is_empty(agent: &ureq::Agent, served: &Served) -> Result<bool, Box<dyn Error>> {
    let job = json!({"name": "last", "policy_rule_uri": "constant:1-x", "priority": 0});
    let reply: Value = serde_json::from_str(&post(agent, served, "/jobs/submit", &job)?)?;
    let id = reply.pointer("/job_id").and_then(Value::as_str).ok_or("no job_id")?;
    let ended = get(agent, served, &format!("/jobs/{id}?wait=20s"))?;
    Ok(ended.pointer("/data/job_status").and_then(Value::as_str) == Some("completed"))
}
