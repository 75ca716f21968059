//! `GET /schedules`: lists the schedules of a workspace.

use http::Method;
use writ_edge::{AccessLevel, PAGE_PARAMS, Reply, Request, RouteSpec};
use writ_model::Error;
use writ_ports::{Query, QuerySchedules, ports};
use writ_query::Filter;

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "schedules.list",
    method: Method::GET,
    path: "/schedules",
    access_level: AccessLevel::Read,
    summary: "Lists schedules by name.",
    data: "SchedulePage",
    params: PAGE_PARAMS,
    ..RouteSpec::DEFAULT
};

ports! {
    pub trait Ports = QuerySchedules;
}

/// Answers one page of schedules.
pub(crate) async fn handle(ports: &impl Ports, request: Request) -> Result<Reply, Error> {
    let query = Query {
        filter: Filter::parse(&serde_json::json!({}))?,
        sort: None,
        limit: request.limit()?,
        next_token: request.next_token(),
    };
    let page = ports.query_schedules(&request.caller.identity.workspace, &query).await?;
    Reply::page(&page, None)
}
