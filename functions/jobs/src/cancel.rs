//! `DELETE /jobs/{job_id}`: cancels a job.

use http::Method;
use writ_edge::{AccessLevel, Reply, Request, RouteSpec};
use writ_jobs::cancel;
use writ_model::Error;
use writ_ports::{ChangeJob, Clock, CountQueued, GetJob, JobNotifier, ports};

use crate::change::update_job;
use crate::document;
use crate::notify::notify_runners;

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "jobs.cancel",
    method: Method::DELETE,
    path: "/jobs/{job_id}",
    access_level: AccessLevel::Execute,
    summary: "Cancels a job at once; a run of it is stopped within seconds, and what it gives is not taken.",
    data: "Job",
    ..RouteSpec::DEFAULT
};

ports! {
    pub trait Ports = ChangeJob + Clock + CountQueued + GetJob + JobNotifier;
}

/// Answers the cancelled job.
pub(crate) async fn handle(ports: &impl Ports, request: Request) -> Result<Reply, Error> {
    let identity = &request.caller.identity;
    let now = ports.now();
    let job = update_job(ports, &identity.workspace, request.param("job_id"), |job| {
        cancel(&job.submission, &job.state, &identity.subject, now)
    });
    let job = job.await?;
    notify_runners(ports, &job).await;
    document::reply(ports, &job).await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use writ_jobs::{LeaseRequest, Runner, lease};
    use writ_model::{ErrorKind, JobState, SignalKind, Submission, Timestamp};

    use writ_testing::MemoryPlatform;

    use super::*;
    use crate::change::TRIES_MAX;
    use crate::fixture::{Jobs, data, own, request};

    fn take(submission: &Submission, state: &JobState, now: Timestamp) -> JobState {
        let runner = Runner { executor_id: writ_model::ExecutorId::BUILTIN, node_id: None };
        let grant = LeaseRequest { fencing_token: "f".to_owned(), execution_id: "e1".to_owned() };
        lease(submission, state, &runner, grant, now).unwrap()
    }

    /// The state after a runner's heartbeat.
    fn bump(_: &Submission, state: &JobState, _: Timestamp) -> JobState {
        JobState { version: state.version + 1, ..state.clone() }
    }

    async fn cancel(ports: &MemoryPlatform, job_id: &str) -> Result<Reply, Error> {
        handle(ports, request(&[("job_id", job_id)], "")).await
    }

    #[tokio::test]
    async fn a_job_is_cancelled_wherever_it_is_by_whoever_asked() {
        let ports = MemoryPlatform::default();
        ports.queue("j1");
        let shown = data(&cancel(&ports, "j1").await.unwrap());
        assert_eq!(
            (&shown["job_status"], &shown["cancelled_by"]),
            (&"cancelled".into(), &"alice".into())
        );
        assert!(ports.signals().is_empty(), "no runner is notified");
        let error = cancel(&ports, "j1").await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict);
        assert_eq!(cancel(&ports, "j9").await.unwrap_err().kind, ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn a_runner_that_takes_the_job_in_between_is_cancelled_too() {
        let ports = MemoryPlatform::default();
        ports.queue("j1");
        ports.rival("j1", take);
        let shown = data(&cancel(&ports, "j1").await.unwrap());
        assert_eq!(shown["job_status"], "cancelled");
        let attempts = shown["attempts"].as_array().unwrap();
        assert_eq!((attempts.len(), &attempts[0]["outcome"]), (1, &"cancelled".into()));
        assert!(ports.job(&own(), "j1").state.lease.is_none());
    }

    #[tokio::test]
    async fn a_job_that_ends_in_between_keeps_its_end() {
        let ports = MemoryPlatform::default();
        ports.queue("j1");
        ports.rival("j1", |submission, state, now| {
            writ_jobs::cancel(submission, state, "ben", now).unwrap()
        });
        let error = cancel(&ports, "j1").await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Conflict);
        assert_eq!(ports.job(&own(), "j1").state.cancelled_by.as_deref(), Some("ben"));
    }

    #[tokio::test]
    async fn losing_each_time_ends_in_an_answer() {
        let ports = MemoryPlatform::default();
        ports.queue("j1");
        for _ in 0..TRIES_MAX {
            ports.rival("j1", bump);
        }
        let error = cancel(&ports, "j1").await.unwrap_err();
        assert_eq!((error.kind, error.retry_after_s), (ErrorKind::Unavailable, Some(1)));
        ports.rival("j1", bump);
        assert!(cancel(&ports, "j1").await.is_ok());
    }

    #[tokio::test]
    async fn an_end_that_somebody_wants_to_hear_of_is_announced() {
        let ports = MemoryPlatform::default();
        ports.queue_with_callback("j1", "https://a.example");
        let shown = data(&cancel(&ports, "j1").await.unwrap());
        assert_eq!(shown["callback"]["status"], "pending");
        assert_eq!(ports.signals(), [("j1".to_owned(), SignalKind::Callback, Duration::ZERO)]);
    }
}
