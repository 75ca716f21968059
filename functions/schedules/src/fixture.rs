//! Requests, and the platform that the tests of this crate run on.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use writ_edge::Request;
use writ_model::{
    FireOutcome, Identity, LastFire, PrincipalKind, Role, Submission, Timestamp, Workspace,
};
use writ_testing::builders::{self, RequestExt, caller, workspace};
use writ_testing::{ManualClock, MemoryPlatform};

pub(crate) use writ_testing::builders::data;

/// Takes an `ip`; masks `secret`.
pub(crate) const POLICY: &str = r#"{"name": "list", "version": "1", "release_tag": "x",
    "code": "package a\n", "code_type": "rego", "metadata": {"mask": ["/input_data/secret"]},
    "policy_input_schema": {"ip": {"type": "string", "required": true}}}"#;

/// Monday, 2026-09-28, 09:20:00 UTC.
const BEGIN: Timestamp = Timestamp::from_ms(1_790_587_200_000);

/// The workspace of the schedules in these tests.
pub(crate) fn own() -> Workspace {
    workspace("a")
}

/// A platform with the policy of these tests. Each call yields first: a test may stop there.
pub(crate) fn platform() -> MemoryPlatform {
    let ports = MemoryPlatform::with_clock(ManualClock::starting_at(BEGIN));
    ports.register(&own(), POLICY);
    ports.yield_before_calls();
    ports
}

/// A request of an operator about the schedule of this name.
pub(crate) fn request(name: &str, body: &str) -> Request {
    let caller = caller(PrincipalKind::Token, Role::Operator);
    let identity = Identity { subject: "ada".to_owned(), ..caller.identity.clone() };
    let request = builders::request().with_caller(writ_edge::Caller { identity, ..caller });
    request.with_param("name", name).with_body(body)
}

/// A body with what every schedule has, and these members over it.
pub(crate) fn body(members: Value) -> String {
    let mut body = json!({
        "name": "nightly",
        "schedule_expression": "rate(5 minutes)",
        "target": {"policy": {"policy_rule_uri": "list:1-x", "input_data": {"ip": "10.0.0.1"}}},
    });
    body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    body.to_string()
}

/// The jobs that were made, by their ids.
pub(crate) fn jobs(ports: &MemoryPlatform) -> BTreeMap<String, Submission> {
    let jobs = ports.jobs().into_iter().map(|job| job.submission);
    jobs.map(|submission| (submission.job_id.clone(), submission)).collect()
}

/// The fires that were recorded as missed, the oldest first.
pub(crate) fn missed(ports: &MemoryPlatform) -> Vec<LastFire> {
    let is_missed = |fire: &LastFire| fire.outcome == FireOutcome::Missed;
    ports.fires().into_iter().filter(is_missed).collect()
}
