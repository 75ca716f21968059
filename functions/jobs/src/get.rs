//! `GET /jobs/{job_id}`: reads a job, and waits for its end where the caller asks for it.

use http::Method;
use writ_edge::{AccessLevel, Reply, Request, RouteSpec};
use writ_model::Error;
use writ_ports::{Clock, CountQueued, GetJob, Sleep, ports};

use crate::{document, wait};

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "jobs.get",
    method: Method::GET,
    path: "/jobs/{job_id}",
    access_level: AccessLevel::Read,
    summary: "Reads a job; with `wait`, not before it is over or the time is.",
    data: "Job",
    params: &[wait::PARAM],
    ..RouteSpec::DEFAULT
};

ports! {
    pub trait Ports = Clock + CountQueued + GetJob + Sleep;
}

/// Answers the job as it is then.
pub(crate) async fn handle(ports: &impl Ports, request: Request) -> Result<Reply, Error> {
    let timeout = wait::duration(&request)?;
    let workspace = &request.caller.identity.workspace;
    let job = wait::until_over(ports, workspace, request.param("job_id"), timeout).await?;
    document::reply(ports, &job).await
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use writ_jobs::cancel;
    use writ_model::ErrorKind;

    use writ_testing::MemoryPlatform;

    use super::*;
    use crate::fixture::{Jobs, data, own, request};

    async fn get(ports: &MemoryPlatform, job_id: &str, wait: Option<&str>) -> Result<Reply, Error> {
        let mut request = request(&[("job_id", job_id)], "");
        request.query.extend(wait.map(|wait| ("wait".to_owned(), wait.to_owned())));
        handle(ports, request).await
    }

    #[tokio::test]
    async fn a_job_that_waits_is_shown_at_once_with_its_place() {
        let ports = MemoryPlatform::default();
        ports.queue("j1");
        ports.queue("j2");
        let shown = data(&get(&ports, "j2", None).await.unwrap());
        assert_eq!(shown["job_status"], "queued");
        assert_eq!(
            (&shown["position"], &shown["position_is_at_least"]),
            (&json!(2), &json!(false))
        );
        assert!(ports.slept_ms().is_empty());
    }

    #[tokio::test]
    async fn counting_ends_where_it_would_cost_more_than_it_says() {
        let ports = MemoryPlatform::default();
        for number in 0..=document::COUNTED_MAX + 20 {
            ports.queue(&format!("j{number:03}"));
        }
        let shown = data(&get(&ports, "j120", None).await.unwrap());
        assert_eq!(
            (&shown["position"], &shown["position_is_at_least"]),
            (&json!(101), &json!(true))
        );
        let shown = data(&get(&ports, "j099", None).await.unwrap());
        assert_eq!(
            (&shown["position"], &shown["position_is_at_least"]),
            (&json!(100), &json!(false))
        );
    }

    #[tokio::test]
    async fn a_wait_ends_with_the_job() {
        let ports = MemoryPlatform::default();
        ports.queue("j1");
        ports.before_nth("sleep", 3, |ports| {
            let now = ports.now();
            ports.change(&own(), "j1", |submission, state| {
                cancel(submission, state, "ben", now).unwrap()
            });
        });
        let shown = data(&get(&ports, "j1", Some("20s")).await.unwrap());
        assert_eq!(shown["job_status"], "cancelled");
        assert_eq!(ports.slept_ms(), [250, 375, 562]);
    }

    #[tokio::test]
    async fn a_wait_ends_with_its_time_and_looks_ever_more_seldom() {
        let ports = MemoryPlatform::default();
        ports.queue("j1");
        let shown = data(&get(&ports, "j1", Some("3")).await.unwrap());
        assert_eq!(shown["job_status"], "queued");
        let slept = ports.slept_ms();
        assert_eq!(slept, [250, 375, 562, 843, 968]);
    }

    #[tokio::test]
    async fn a_job_that_is_not_there_is_not_waited_for() {
        let ports = MemoryPlatform::default();
        ports.queue_in("b", "j1");
        for job_id in ["j1", "j2"] {
            let error = get(&ports, job_id, Some("20")).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::NotFound);
            assert_eq!(error.message, format!("there is no job `{job_id}`"));
        }
        assert!(ports.slept_ms().is_empty());
        let error = get(&ports, "j1", Some("an hour")).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidRequest);
    }
}
