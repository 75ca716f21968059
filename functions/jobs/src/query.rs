//! `POST /jobs/query`: searches jobs with a Mongo filter.

use http::Method;
use writ_edge::{AccessLevel, ListParams, QUERY_PARAMS, Reply, Request, RouteSpec};
use writ_model::Error;
use writ_ports::{QueryJobs, ports};

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "jobs.query",
    method: Method::POST,
    path: "/jobs/query",
    access_level: AccessLevel::Read,
    summary: "Searches jobs with a Mongo filter on every field, as `inputs.ip`; newest first.",
    body: Some("Filter"),
    data: "JobPage",
    params: QUERY_PARAMS,
    ..RouteSpec::DEFAULT
};

ports! {
    pub trait Ports = QueryJobs;
}

/// Answers one page of jobs.
pub(crate) async fn handle(ports: &impl Ports, request: Request) -> Result<Reply, Error> {
    let asked = ListParams::of(&request, &[])?;
    let page = ports.query_jobs(&request.caller.identity.workspace, &asked.query).await?;
    Reply::page(&page, asked.projection.as_ref())
}

#[cfg(test)]
mod tests {
    use writ_testing::MemoryPlatform;

    use super::*;
    use crate::fixture::{Jobs, body, request};

    #[tokio::test]
    async fn jobs_are_found_by_what_they_were_given_a_page_at_a_time() {
        let ports = MemoryPlatform::default();
        for job_id in ["j1", "j2", "j3"] {
            ports.queue(job_id);
        }
        ports.queue_in("b", "elsewhere");
        let ask = |token: Option<String>| {
            let mut request = request(&[], r#"{"inputs.ip": "10.0.0.1", "job_id": {"$ne": "j2"}}"#);
            request.query.push(("limit".to_owned(), "1".to_owned()));
            request.query.push(("projection".to_owned(), "job_id".to_owned()));
            request.query.extend(token.map(|token| ("next_token".to_owned(), token)));
            request
        };
        let first = body(&handle(&ports, ask(None)).await.unwrap());
        assert_eq!(first["data"], serde_json::json!([{"job_id": "j3"}]));
        let token = first["next_token"].as_str().unwrap().to_owned();
        let second = body(&handle(&ports, ask(Some(token))).await.unwrap());
        assert_eq!(second["data"], serde_json::json!([{"job_id": "j1"}]));
        assert!(second.get("next_token").is_none());
    }
}
