//! `POST /jobs/submit/{executor_id}`: records a job and notifies the runners.

use http::Method;
use writ_edge::{AccessLevel, ON_BEHALF_OF, Reply, Request, RouteSpec};
use writ_model::Error;

#[expect(unreachable_pub, reason = "the program of the routes is bound by it")]
pub use crate::submission::Ports;
use crate::submission::submit_job;

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "jobs.submit",
    method: Method::POST,
    path: "/jobs/submit/{executor_id}",
    access_level: AccessLevel::Execute,
    summary: "Submits a job to an executor and waits for no more than its record; `builtin` is the platform itself.",
    body: Some("NewJob"),
    data: "SubmittedJob",
    success: 201,
    params: &[ON_BEHALF_OF],
    ..RouteSpec::DEFAULT
};

/// Answers the job as it was recorded.
pub(crate) async fn handle(ports: &impl Ports, request: Request) -> Result<Reply, Error> {
    let executor_id = request.param("executor_id").to_owned().into();
    submit_job(ports, &request, executor_id).await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};
    use writ_model::{Cause, ErrorKind, SignalKind};

    use writ_testing::{MemoryPlatform, PRIVATE_URL, at};

    use super::*;
    use crate::fixture::{body, own, request, with_policy};

    fn job(fields: Value) -> String {
        let mut job = json!({"name": "check", "policy_rule_uri": "list:1-x"});
        job.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        job.to_string()
    }

    async fn submit(ports: &MemoryPlatform, fields: Value) -> Result<Reply, Error> {
        handle(ports, request(&[("executor_id", "builtin")], &job(fields))).await
    }

    #[tokio::test]
    async fn a_job_is_recorded_announced_and_answered_with_its_id() {
        let ports = with_policy(json!({"metadata": {"mask": ["/input_data/pin"]}}));
        let mut request = request(
            &[("executor_id", "builtin")],
            r#"{"name": "check", "policy_rule_uri": "list:1-x", "inputs": {"pin": 1.0,  "ip":"x"},
                "policy_rule_parameters": {"local": []}, "node_selector": {"zone": "a"}, "priority": 9}"#,
        );
        for (name, value) in [("idempotency-key", "k"), ("writ-on-behalf-of", "ben")] {
            request.headers.insert(name, http::HeaderValue::from_static(value));
        }
        let reply = handle(&ports, request).await.unwrap();
        assert_eq!(reply.status, 201);
        let body = body(&reply);
        let job_id = body["job_id"].as_str().unwrap();
        let location = (http::header::LOCATION, format!("/jobs/{job_id}"));
        assert!(reply.headers.contains(&location));
        let data = &body["data"];
        assert_eq!((&data["job_id"], &data["job_status"]), (&json!(job_id), &json!("queued")));
        assert_eq!((&data["position"], &data["position_is_at_least"]), (&json!(1), &json!(false)));
        assert_eq!(data["inputs"], json!({"pin": writ_model::MASK, "ip": "x"}));

        let kept = ports.job(&own(), job_id);
        let kept = kept.submission;
        assert_eq!(kept.inputs.as_str(), r#"{"pin": 1.0,  "ip":"x"}"#);
        assert_eq!((kept.priority, kept.timeout_seconds, kept.max_attempts), (9, 300, None));
        assert_eq!((kept.executor_id.as_str(), kept.cause), ("builtin", Cause::Request));
        assert_eq!(kept.idempotency_key.as_deref(), Some("k"));
        assert_eq!((kept.identity.as_str(), kept.on_behalf_of.as_deref()), ("alice", Some("ben")));
        assert_eq!(ports.signals(), [(job_id.to_owned(), SignalKind::Queue, Duration::ZERO)]);
    }

    #[tokio::test]
    async fn a_job_for_later_is_announced_as_far_ahead_as_a_queue_keeps_it() {
        let (line, time) = (SignalKind::Queue, SignalKind::Due);
        for (minutes, announced) in
            [(-5, Some((line, 0))), (0, Some((line, 0))), (15, Some((time, 900))), (16, None)]
        {
            let ports = with_policy(json!({}));
            let not_before = at(minutes * 60_000).to_string();
            let reply = submit(&ports, json!({"not_before": not_before})).await.unwrap();
            let said = ports.signals();
            let said: Vec<_> =
                said.iter().map(|(_, kind, delay)| (*kind, delay.as_secs())).collect();
            assert_eq!(said, Vec::from_iter(announced), "{minutes}");
            // A job that waits for a time is not queued.
            let has_position = body(&reply)["data"].get("position").is_some();
            assert_eq!(has_position, minutes <= 0, "{minutes}");
        }
    }

    #[tokio::test]
    async fn a_job_whose_telling_or_counting_fails_is_recorded_all_the_same() {
        let ports = with_policy(json!({}));
        ports.fail_calls("notify");
        ports.fail_calls("count_before");
        let reply = submit(&ports, json!({})).await.unwrap();
        let body = body(&reply);
        assert_eq!(reply.status, 201);
        assert!(body["data"].get("position").is_none());
        assert_eq!(ports.job(&own(), body["job_id"].as_str().unwrap()).state.version, 1);
    }

    #[tokio::test]
    async fn what_does_not_fit_the_policys_schemas_is_refused_and_nothing_is_kept() {
        let string = json!({"ip": {"type": "string", "required": true}});
        let ports = with_policy(json!({
            "policy_input_schema": string, "policy_parameters_schema": {"n": {"type": "integer"}},
        }));
        let fields = json!({"inputs": {"ip": 7}, "policy_rule_parameters": {"n": "x"}});
        let error = submit(&ports, fields).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::SchemaViolation);
        let places: Vec<_> =
            error.violations.iter().map(|one| format!("{}{}", one.subject, one.path)).collect();
        assert_eq!(places, ["inputs/ip", "policy_rule_parameters/n"]);
        assert!(ports.jobs().is_empty() && ports.signals().is_empty());
    }

    #[tokio::test]
    async fn what_is_not_there_is_not_found() {
        let ports = with_policy(json!({}));
        let error = submit(&ports, json!({"policy_rule_uri": "other:1-x"})).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotFound);
        assert_eq!(error.location.as_deref(), Some("/policy_rule_uri"));
        assert!(error.message.contains("no policy `other:1-x`"), "{error}");
        let asked = request(&[("executor_id", "executor-001")], &job(json!({})));
        let error = handle(&ports, asked).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotFound);
        assert!(error.message.contains("no executor `executor-001`"), "{error}");
        assert!(ports.jobs().is_empty());
    }

    #[tokio::test]
    async fn a_callback_that_may_not_be_made_is_refused_where_it_stands() {
        let ports = with_policy(json!({}));
        let error = submit(&ports, json!({"callback_url": PRIVATE_URL})).await.unwrap_err();
        assert_eq!(
            (error.kind, error.location.as_deref()),
            (ErrorKind::InvalidRequest, Some("/callback_url"))
        );
        assert!(ports.jobs().is_empty());
        let fields = json!({"callback_url": "https://a.example/x"});
        let reply = submit(&ports, fields).await.unwrap();
        assert_eq!(body(&reply)["data"]["callback_url"], "https://a.example/x");
    }
}
