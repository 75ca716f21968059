//! The platform as a process: its start, its memory, one request over loopback.

use std::error::Error;

use serde_json::{Value, json};

use crate::served::{post, start};
use writ_bench::machine::resident_mb;
use writ_bench::sample::{HEAD, Sample, text};

const STARTS: usize = 10;
const REQUESTS: usize = 2_000;

/// The table of the serving process.
pub(crate) fn report() -> Result<String, Box<dyn Error>> {
    let mut table = format!("## Serving\n\n{HEAD}");
    table += &Sample::of(STARTS, || {
        let directory = tempfile::tempdir()?;
        start(directory.path())?;
        Ok::<_, Box<dyn Error>>(())
    })?
    .row("start to serving, a new data directory", "300 ms");
    let directory = tempfile::tempdir()?;
    let served = start(directory.path())?;
    let agent = ureq::Agent::new_with_defaults();
    let policy = json!({
        "name": "constant", "version": "1", "release_tag": "x", "code_type": "rego",
        "code": "package constant\n\nallow := true\n",
    });
    post(&agent, &served, "/policy", &policy)?;
    let order = json!({"policy_rule_uri": "constant:1-x", "input_data": {}});
    let mut last = String::new();
    let execute = Sample::of(REQUESTS, || {
        last = post(&agent, &served, "/executor/builtin/execute_policy", &order)?;
        Ok::<_, Box<dyn Error>>(())
    })?;
    table += &execute.row("`execute_policy` over loopback, recorded on disk", "");
    let health = format!("{}/healthz", served.url);
    let idle = Sample::of(REQUESTS, || {
        agent.get(&health).call()?.body_mut().read_to_string()?;
        Ok::<_, Box<dyn Error>>(())
    })?;
    table += &idle.row("`/healthz` over loopback: the connection alone", "");
    let read = Sample::of(REQUESTS, || {
        agent
            .get(format!("{}/policy/constant:1-x", served.url))
            .call()?
            .body_mut()
            .read_to_string()?;
        Ok::<_, Box<dyn Error>>(())
    })?;
    table += &read.row("`GET /policy/{uri}` over loopback", "");
    let id =
        serde_json::from_str::<Value>(&last)?.pointer("/execution_id").cloned().unwrap_or_default();
    let record = agent
        .get(format!("{}/executions/{}", served.url, id.as_str().unwrap_or_default()))
        .call()?
        .body_mut()
        .read_to_string()?;
    let engine_us = serde_json::from_str::<Value>(&record)?
        .pointer("/data/engine_us")
        .cloned()
        .unwrap_or_default();
    table += &format!(
        "\nOf the last `execute_policy`, {engine_us} µs were spent inside the worker. Resident memory of the \
         serving process after these requests, workers apart: {:.0} MB (bound: 60 MB). Request over the bare \
         connection: {}.\n",
        resident_mb(served.child.id()),
        text(execute.p50().saturating_sub(idle.p50())),
    );
    Ok(table)
}
