//! `POST /jobs/{job_id}/retry`: tries a job again.

use http::Method;
use writ_edge::{AccessLevel, Reply, Request, RouteSpec};
use writ_model::Error;
use writ_ports::{ChangeJob, Clock, CountQueued, GetJob, JobNotifier, ports};

use crate::change::retry_job;
use crate::document;
use crate::notify::notify_runners;

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "jobs.retry",
    method: Method::POST,
    path: "/jobs/{job_id}/retry",
    access_level: AccessLevel::Execute,
    summary: "Tries a job again that failed, ran out of time or was cancelled: a new round, as if just submitted.",
    data: "Job",
    ..RouteSpec::DEFAULT
};

ports! {
    pub trait Ports = ChangeJob + Clock + CountQueued + GetJob + JobNotifier;
}

/// Answers the job, queued again; as it is now where an earlier request with the same key queued it.
pub(crate) async fn handle(ports: &impl Ports, request: Request) -> Result<Reply, Error> {
    let (job, _) = retry_job(ports, &request, request.param("job_id")).await?;
    notify_runners(ports, &job).await;
    document::reply(ports, &job).await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;
    use writ_jobs::retry;
    use writ_model::{ErrorKind, JobStatus, SignalKind};

    use writ_testing::MemoryPlatform;

    use super::*;
    use crate::fixture::{Jobs, data, own, request};

    async fn ask(ports: &MemoryPlatform, job_id: &str) -> Result<Reply, Error> {
        handle(ports, request(&[("job_id", job_id)], "")).await
    }

    #[tokio::test]
    async fn what_ended_without_a_result_waits_again_and_is_announced() {
        for status in [JobStatus::Failed, JobStatus::TimedOut, JobStatus::Cancelled] {
            let ports = MemoryPlatform::default();
            ports.finish("j1", status);
            let shown = data(&ask(&ports, "j1").await.unwrap());
            assert_eq!((&shown["job_status"], &shown["round"]), (&json!("queued"), &json!(2)));
            assert_eq!((&shown["position"], &shown["finished_at"]), (&json!(1), &json!(null)));
            assert_eq!(ports.signals(), [("j1".to_owned(), SignalKind::Queue, Duration::ZERO)]);
        }
    }

    #[tokio::test]
    async fn what_has_its_result_or_is_not_over_is_left_as_it_is() {
        let ports = MemoryPlatform::default();
        ports.finish("j1", JobStatus::Completed);
        ports.queue("j2");
        for (job_id, kind) in
            [("j1", ErrorKind::Conflict), ("j2", ErrorKind::Conflict), ("j3", ErrorKind::NotFound)]
        {
            assert_eq!(ask(&ports, job_id).await.unwrap_err().kind, kind, "{job_id}");
        }
        assert!(ports.signals().is_empty());
    }

    #[tokio::test]
    async fn of_two_that_try_a_job_again_at_once_one_does() {
        let ports = MemoryPlatform::default();
        ports.finish("j1", JobStatus::Failed);
        ports.rival("j1", |_, state, now| retry(state, now).unwrap());
        let error = ask(&ports, "j1").await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict);
        assert_eq!(ports.job(&own(), "j1").state.round, 2);
    }
}
