//! `GET /schedules/{name}`: reads a schedule.

use http::Method;
use http::header::ETAG;
use writ_edge::{AccessLevel, Reply, Request, RouteSpec};
use writ_model::Error;
use writ_ports::{GetSchedule, ports};
use writ_schedules::document;

use crate::lookup::find_schedule;

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "schedules.get",
    method: Method::GET,
    path: "/schedules/{name}",
    access_level: AccessLevel::Read,
    summary: "Reads a schedule, with its next fire and what came of the last ones.",
    data: "Schedule",
    ..RouteSpec::DEFAULT
};

ports! {
    pub trait Ports = GetSchedule;
}

/// Answers the schedule. Its entity tag is that of what was asked for: fires do not change it, so
/// no reply is ever 304.
pub(crate) async fn handle(ports: &impl Ports, request: Request) -> Result<Reply, Error> {
    let schedule = find_schedule(ports, &request).await?;
    Ok(Reply::data(&document(&schedule)?).header(ETAG, schedule.etag()))
}
