//! `POST /schedules/query`: searches schedules with a Mongo filter.

use http::Method;
use writ_edge::{AccessLevel, Dialect, ListParams, QUERY_PARAMS, Reply, Request, RouteSpec};
use writ_model::Error;
use writ_ports::QuerySchedules;

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "schedules.query",
    method: Method::POST,
    path: "/schedules/query",
    access_level: AccessLevel::Read,
    dialect: Dialect::Writ,
    summary: "Searches schedules with a Mongo filter on every field, as `last_fires.outcome`; by name.",
    body: Some("Filter"),
    data: "SchedulePage",
    success: 200,
    params: QUERY_PARAMS,
};

/// Answers one page of schedules.
pub(crate) async fn handle(ports: &impl QuerySchedules, request: Request) -> Result<Reply, Error> {
    let asked = ListParams::of(&request, &[])?;
    let page = ports.query_schedules(&request.caller.identity.workspace, &asked.query).await?;
    Reply::page(&page, asked.projection.as_ref())
}
