//! `DELETE /schedules/{name}`: removes a schedule.

use http::Method;
use writ_edge::{AccessLevel, Dialect, Param, Precondition, Reply, Request, RouteSpec};
use writ_model::Error;
use writ_ports::{DeleteSchedule, GetSchedule, ScheduleTimer};
use writ_schedules::document;

use crate::found::{TRIES_MAX, contended, found};
use crate::timer::cancel_timer;

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "schedules.delete",
    method: Method::DELETE,
    path: "/schedules/{name}",
    access_level: AccessLevel::Execute,
    dialect: Dialect::Writ,
    summary: "Removes a schedule; the jobs that it made stay.",
    body: None,
    data: "Schedule",
    success: 200,
    params: &[Param {
        name: "If-Match",
        description: "removes only the revision with this entity tag",
    }],
};

/// Answers the schedule as it was.
pub(crate) async fn handle(
    ports: &(impl DeleteSchedule + GetSchedule + ScheduleTimer),
    request: Request,
) -> Result<Reply, Error> {
    let demanded = Precondition::of(&request)?;
    for _ in 0..TRIES_MAX {
        let schedule = found(ports, &request).await?;
        demanded.check(&schedule.etag())?;
        if ports.delete_schedule(&schedule).await? {
            cancel_timer(ports, &schedule).await;
            return Ok(Reply::data(&document(&schedule)?));
        }
    }
    Err(contended(request.param("name")))
}
