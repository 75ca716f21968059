//! `POST /schedules/query`: searches schedules with a Mongo filter.

use http::Method;
use writ_edge::{AccessLevel, ListParams, QUERY_PARAMS, Reply, Request, RouteSpec};
use writ_model::Error;
use writ_ports::{QuerySchedules, ports};

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "schedules.query",
    method: Method::POST,
    path: "/schedules/query",
    access_level: AccessLevel::Read,
    summary: "Searches schedules with a Mongo filter on every field, as `last_fires.outcome`; by name.",
    body: Some("Filter"),
    data: "SchedulePage",
    params: QUERY_PARAMS,
    ..RouteSpec::DEFAULT
};

ports! {
    pub trait Ports = QuerySchedules;
}

/// Answers one page of schedules.
pub(crate) async fn handle(ports: &impl Ports, request: Request) -> Result<Reply, Error> {
    let asked = ListParams::of(&request, &[])?;
    let page = ports.query_schedules(&request.caller.identity.workspace, &asked.query).await?;
    Reply::page(&page, asked.projection.as_ref())
}
