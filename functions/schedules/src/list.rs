//! `GET /schedules`: lists the schedules of a workspace.

use http::Method;
use writ_edge::{AccessLevel, Dialect, PAGE_PARAMS, Reply, Request, RouteSpec};
use writ_model::Error;
use writ_ports::{Query, QuerySchedules};
use writ_query::Filter;

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "schedules.list",
    method: Method::GET,
    path: "/schedules",
    access_level: AccessLevel::Read,
    dialect: Dialect::Writ,
    summary: "Lists schedules by name.",
    body: None,
    data: "SchedulePage",
    success: 200,
    params: PAGE_PARAMS,
};

/// Answers one page of schedules.
pub(crate) async fn handle(ports: &impl QuerySchedules, request: Request) -> Result<Reply, Error> {
    request.refuse_parameters_beyond(PAGE_PARAMS)?;
    let query = Query {
        filter: Filter::parse(&serde_json::json!({}))?,
        sort: None,
        limit: request.limit()?,
        next_token: request.next_token(),
    };
    let page = ports.query_schedules(&request.caller.identity.workspace, &query).await?;
    Reply::page(&page, None)
}
