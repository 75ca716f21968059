//! `POST /jobs/submit`: submits a job to whichever executor there is.

use http::Method;
use writ_edge::{AccessLevel, ON_BEHALF_OF, Reply, Request, RouteSpec};
use writ_model::{Error, ExecutorId};

#[expect(unreachable_pub, reason = "the program of the routes is bound by it")]
pub use crate::submission::Ports;
use crate::submission::submit_job;

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "jobs.submit_any",
    method: Method::POST,
    path: "/jobs/submit",
    access_level: AccessLevel::Execute,
    summary: "Submits a job without naming an executor: the platform itself takes it.",
    body: Some("NewJob"),
    data: "SubmittedJob",
    success: 201,
    params: &[ON_BEHALF_OF],
    ..RouteSpec::DEFAULT
};

/// Answers the job as it was recorded.
pub(crate) async fn handle(ports: &impl Ports, request: Request) -> Result<Reply, Error> {
    submit_job(ports, &request, ExecutorId::BUILTIN).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixture::{body, request, with_policy};

    #[tokio::test]
    async fn a_job_for_nobody_in_particular_is_the_platforms() {
        let ports = with_policy(json!({}));
        let asked = request(&[], r#"{"name": "check", "policy_rule_uri": "list:1-x"}"#);
        let reply = handle(&ports, asked).await.unwrap();
        let body = body(&reply);
        assert_eq!(body["data"]["executor_id"], "builtin");
        assert_eq!(body["data"]["inputs"], json!({}));
    }
}
