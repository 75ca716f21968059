//! A data directory of an earlier build opens in this one: the responses are the same byte for byte
//! (but that a policy is read with every field),
//! the records replay, and interrupted jobs go on.
//!
//! `fixtures/data-80043a8` was written by the build of that commit, which was killed during a job:
//! `writ.db` with its write-ahead log applied, and `answers.json`, the responses of that build to a GET
//! of each path before it was killed.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;

use flate2::read::GzDecoder;
use libtest_mimic::Failed;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::WRIT;
use crate::{Check, fail, root};
use writ_tests::server::Server;

pub(crate) const CHECKS: &[(&str, Check)] = &[(
    "upgrade::a_data_directory_of_an_earlier_build_opens_and_goes_on",
    a_data_directory_of_an_earlier_build_opens_and_goes_on,
)];

/// The recorded responses of the earlier build.
#[derive(Deserialize)]
struct Earlier {
    /// The response to a GET of each path.
    #[serde(rename = "answers")]
    responses: BTreeMap<String, EarlierResponse>,
    /// Ids of the unfinished jobs: one running, one queued behind it.
    unfinished: Vec<String>,
}

#[derive(Deserialize)]
struct EarlierResponse {
    status: u16,
    body: String,
    etag: Option<String>,
}

fn a_data_directory_of_an_earlier_build_opens_and_goes_on() -> Result<(), Failed> {
    let fixture = root().join("tests/e2e/fixtures/data-80043a8");
    let directory = tempfile::tempdir()?;
    unpack(&fixture.join("writ.db.gz"), &directory.path().join("writ.db"))?;
    let file = GzDecoder::new(File::open(fixture.join("answers.json.gz"))?);
    let Earlier { responses, unfinished } = serde_json::from_reader(file)?;
    let server = Server::start_on(WRIT, directory.path())?;
    for (path, earlier) in &responses {
        let now = server.get(path)?;
        let body = with_every_field(path, &earlier.body)?;
        if (now.status, now.body.as_str(), now.header("etag"))
            != (earlier.status, &body, earlier.etag.as_deref())
        {
            return fail(format!("{path}\nearlier: {}\nnow: {}", earlier.body, now.body));
        }
    }
    replay(&server, &responses)?;
    for id in &unfinished {
        let job = server.get(&format!("/jobs/{id}?wait=20s"))?.json()?;
        if job.pointer("/data/job_status") != Some(&json!("completed")) {
            // Its lease expired long ago, so that it is run at once.
            return fail(format!("job {id} does not go on: {job}"));
        }
    }
    let input = json!({"policy_rule_uri": "counter:1-x", "input_data": {}});
    let response = server.post("/executor/builtin/execute_policy", &input)?.json()?;
    if response.pointer("/data/n") != Some(&json!(3)) {
        return fail(format!("the context of two runs is lost: {response}"));
    }
    Ok(())
}

/// The response of this build: what a policy's author left out is read with its default.
fn with_every_field(path: &str, earlier: &str) -> Result<String, Failed> {
    let stored = earlier.strip_prefix(r#"{"success":true,"data":"#);
    let Some(stored) = stored.filter(|_| path.starts_with("/policy/")) else {
        return Ok(earlier.to_owned());
    };
    // What follows a policy is told apart by its bytes alone: the policy is the first value.
    let mut values = serde_json::Deserializer::from_str(stored).into_iter::<&RawValue>();
    let Some(policy) = values.next().transpose()? else { return fail("a response without data") };
    let is_policy = serde_json::from_str::<Value>(policy.get())?.get("code").is_some();
    if !is_policy {
        return Ok(earlier.to_owned());
    }
    let read = writ_model::with_defaults(policy.get())?;
    Ok(earlier.replacen(policy.get(), &read, 1))
}

fn unpack(from: &Path, to: &Path) -> Result<(), Failed> {
    std::io::copy(&mut GzDecoder::new(File::open(from)?), &mut File::create(to)?)?;
    let mut permissions = fs::metadata(to)?.permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o600);
    Ok(fs::set_permissions(to, permissions)?)
}

/// Each record replays with the same result, unless it was stored with masked values.
fn replay(server: &Server, responses: &BTreeMap<String, EarlierResponse>) -> Result<(), Failed> {
    for (path, earlier) in responses.iter().filter(|(path, _)| path.starts_with("/executions/")) {
        let record: Value = serde_json::from_str(&earlier.body)?;
        let masked = record.pointer("/data/masked").and_then(Value::as_array);
        let is_masked = masked.is_some_and(|masked| !masked.is_empty());
        let replayed = server.post(&format!("{path}/replay"), &json!({}))?;
        let data = replayed.json()?;
        // Another engine decides now, and it decides the same.
        let is_of_engine =
            |difference: &Value| difference.as_str().is_some_and(|it| it.starts_with("engine: "));
        let differences = data.pointer("/data/differences").and_then(Value::as_array);
        let is_same = data.pointer("/data/same") == Some(&Value::Bool(true))
            || differences.is_some_and(|all| all.iter().all(is_of_engine));
        if is_masked != (replayed.status == 409) || is_masked == is_same {
            return fail(format!("{path} does not replay: {replayed:?}"));
        }
    }
    Ok(())
}
