//! `POST /jobs/redrive`: tries again what the platform lost.

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;
use writ_edge::{AccessLevel, ListParams, Param, Reply, Request, RouteSpec};
use writ_model::{Error, ErrorKind, JobSignal, SignalKind, Workspace};
use writ_ports::{ChangeJob, Clock, GetJob, JobNotifier, QueryJobs, Redrive, ports};
use writ_query::Filter;

use crate::change::retry_job;
use crate::notify::notify_runners_of_all;

/// Jobs of a call at most, so that it is answered in time.
const JOBS_MAX: usize = 100;

/// Steps of a call through the dead letters at most.
const STEPS_MAX: usize = 10;

const PARAMS: &[Param] = &[
    Param {
        name: "limit",
        description: "Jobs to look at, at most: 1 to 1000, and never more than 100.",
    },
    Param {
        name: "next_token",
        description: "Where the call before ended, as its `next_token` said.",
    },
];

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "jobs.redrive",
    method: Method::POST,
    path: "/jobs/redrive",
    access_level: AccessLevel::Execute,
    summary: "Tries again the jobs that failed because the platform lost them, or those that a filter finds.",
    body: Some("Filter"),
    data: "Redriven",
    params: PARAMS,
    ..RouteSpec::DEFAULT
};

#[derive(Serialize)]
struct Redriven {
    retried: usize,
    job_ids: Vec<String>,
    skipped: usize,
    #[serde(rename = "hints")]
    signals: u64,
    next_token: Option<String>,
}

/// As much of a found job as it takes to read it.
#[derive(Deserialize)]
struct Found {
    job_id: String,
}

ports! {
    pub trait Ports = ChangeJob + Clock + GetJob + JobNotifier + QueryJobs + Redrive;
}

/// Answers what was tried again. A job that moved in between, has its result or is not over is
/// skipped.
pub(crate) async fn handle(ports: &impl Ports, request: Request) -> Result<Reply, Error> {
    let mut query = ListParams::of(&request, &[])?.query;
    if is_empty(&request)? {
        query.filter = lost_jobs_filter()?;
    }
    query.limit = query.limit.min(JOBS_MAX);
    let workspace = &request.caller.identity.workspace;
    let page = ports.query_jobs(workspace, &query).await?;
    let mut signals = Vec::new();
    let mut skipped = 0;
    let mut outcome = Ok(());
    for item in &page.items {
        let Found { job_id } = serde_json::from_str(item).map_err(Error::internal)?;
        match retry_job(ports, &request, &job_id).await {
            // One that an earlier request with the same key tried again belongs to the answer too.
            Ok((job, _)) => signals.push(JobSignal::new(&job.submission, SignalKind::Queue)),
            Err(error) if is_the_jobs(error.kind) => skipped += 1,
            Err(error) => {
                outcome = Err(error);
                break;
            }
        }
    }
    // What was tried again before the store failed is notified all the same.
    notify_runners_of_all(ports, &signals).await;
    outcome?;
    let redriven = Redriven {
        retried: signals.len(),
        skipped,
        signals: dead_letters(ports, workspace).await?,
        job_ids: signals.into_iter().map(|JobSignal { job_id, .. }| job_id).collect(),
        next_token: page.next_token,
    };
    Ok(Reply::data(&serde_json::to_string(&redriven).map_err(Error::internal)?))
}

/// Whether the caller leaves it to the platform what to try again.
fn is_empty(request: &Request) -> Result<bool, Error> {
    if request.body.is_empty() {
        return Ok(true);
    }
    Ok(request.json()?.as_object().is_some_and(serde_json::Map::is_empty))
}

/// What failed through no fault of its policy.
fn lost_jobs_filter() -> Result<Filter, Error> {
    let filter = json!({
        "job_status": "failed",
        "error.kind": ErrorKind::ExecutorFault.name(),
    });
    Ok(Filter::parse(&filter)?)
}

/// Whether a job is skipped: it is not to be tried again, another process changes it, or it is gone.
fn is_the_jobs(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Conflict | ErrorKind::NotFound)
}

/// Puts the dead job signals of a workspace back into the queue, and counts them.
async fn dead_letters(ports: &impl Redrive, workspace: &Workspace) -> Result<u64, Error> {
    let mut signals = 0;
    for _ in 0..STEPS_MAX {
        let redriven = ports.redrive(workspace).await?;
        signals += redriven.signals;
        if !redriven.more {
            break;
        }
    }
    Ok(signals)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::Value;
    use writ_jobs::retry;
    use writ_model::JobStatus;

    use writ_testing::MemoryPlatform;
    use writ_testing::builders::workspace;

    use super::*;
    use crate::fixture::{Jobs, data, own, request};

    async fn redrive(ports: &MemoryPlatform, body: &str) -> Value {
        data(&handle(ports, request(&[], body)).await.unwrap())
    }

    fn several() -> MemoryPlatform {
        let ports = MemoryPlatform::default();
        ports.lose("j1");
        ports.finish("j2", JobStatus::Failed);
        ports.finish("j3", JobStatus::Completed);
        ports.finish("j4", JobStatus::Cancelled);
        ports.queue("j5");
        ports
    }

    #[tokio::test]
    async fn without_a_filter_only_what_the_platform_lost_is_tried_again() {
        for body in ["", "{}"] {
            let ports = several();
            let done = redrive(&ports, body).await;
            let want = json!({
                "retried": 1, "job_ids": ["j1"], "skipped": 0, "hints": 0, "next_token": null,
            });
            assert_eq!(done, want);
            assert_eq!(ports.job(&own(), "j1").state.job_status, JobStatus::Queued);
            assert_eq!(ports.signals(), [("j1".to_owned(), SignalKind::Queue, Duration::ZERO)]);
        }
    }

    #[tokio::test]
    async fn a_filter_takes_its_place_and_what_cannot_be_tried_again_is_skipped() {
        let ports = several();
        let done = redrive(&ports, r#"{"name": "check"}"#).await;
        assert_eq!(done["job_ids"], json!(["j4", "j2", "j1"]));
        assert_eq!((&done["retried"], &done["skipped"]), (&json!(3), &json!(2)));
        assert_eq!(ports.job(&own(), "j3").state.job_status, JobStatus::Completed);
    }

    #[tokio::test]
    async fn a_call_looks_at_a_page_and_says_where_it_ended() {
        let ports = several();
        let mut asked = request(&[], r#"{"name": "check"}"#);
        asked.query.push(("limit".to_owned(), "2".to_owned()));
        let first = data(&handle(&ports, asked.clone()).await.unwrap());
        assert_eq!(first["job_ids"], json!(["j4"]));
        let token = first["next_token"].as_str().unwrap().to_owned();
        asked.query.push(("next_token".to_owned(), token));
        let second = data(&handle(&ports, asked.clone()).await.unwrap());
        assert_eq!(second["job_ids"], json!(["j2"]));
        let token = second["next_token"].as_str().unwrap().to_owned();
        asked.query.pop();
        asked.query.push(("next_token".to_owned(), token));
        let third = data(&handle(&ports, asked).await.unwrap());
        assert_eq!((&third["job_ids"], &third["next_token"]), (&json!(["j1"]), &json!(null)));
        let many = MemoryPlatform::default();
        for number in 0..JOBS_MAX + 1 {
            many.lose(&format!("j{number:03}"));
        }
        let done = redrive(&many, "").await;
        assert_eq!(done["retried"], JOBS_MAX);
        assert!(done["next_token"].is_string());
    }

    #[tokio::test]
    async fn own_dead_letters_are_put_back_in_bounded_steps() {
        let ports = MemoryPlatform::default();
        ports.set_dead_letters(&own(), 25);
        ports.set_dead_letters(&workspace("b"), 7);
        assert_eq!(redrive(&ports, "").await["hints"], 25);
        ports.set_dead_letters(&own(), 1_000);
        assert_eq!(redrive(&ports, "").await["hints"], 10 * STEPS_MAX);
        assert_eq!(ports.dead_letters(&workspace("b")), 7);
    }

    #[tokio::test]
    async fn a_job_that_somebody_else_tries_again_is_skipped() {
        let ports = MemoryPlatform::default();
        ports.lose("j1");
        ports.rival("j1", |_, state, now| retry(state, now).unwrap());
        let done = redrive(&ports, "").await;
        assert_eq!((&done["retried"], &done["skipped"]), (&json!(0), &json!(1)));
        assert_eq!(ports.job(&own(), "j1").state.round, 2);
    }

    #[tokio::test]
    async fn a_filter_that_is_none_is_refused() {
        let ports = several();
        for request in [request(&[], r#"{"name": {"$foo": 1}}"#), request(&[], "[]")] {
            let error = handle(&ports, request).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::InvalidRequest);
        }
        assert!(ports.signals().is_empty());
    }
}
