//! `DELETE /schedules/{name}`: removes a schedule.

use http::Method;
use writ_edge::{AccessLevel, Param, Precondition, Reply, Request, RouteSpec};
use writ_model::Error;
use writ_ports::{CancelTimer, DeleteSchedule, GetSchedule, ports};
use writ_schedules::document;

use crate::lookup::{TRIES_MAX, contention_error, find_schedule};
use crate::timer::cancel_timer;

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "schedules.delete",
    method: Method::DELETE,
    path: "/schedules/{name}",
    access_level: AccessLevel::Execute,
    summary: "Removes a schedule; the jobs that it made stay.",
    data: "Schedule",
    params: &[Param {
        name: "If-Match",
        description: "removes only the revision with this entity tag",
    }],
    ..RouteSpec::DEFAULT
};

ports! {
    pub trait Ports = CancelTimer + DeleteSchedule + GetSchedule;
}

/// Answers the schedule as it was.
pub(crate) async fn handle(ports: &impl Ports, request: Request) -> Result<Reply, Error> {
    let demanded = Precondition::of(&request)?;
    for _ in 0..TRIES_MAX {
        let schedule = find_schedule(ports, &request).await?;
        demanded.check(&schedule.etag())?;
        if ports.delete_schedule(&schedule).await? {
            cancel_timer(ports, &schedule).await;
            return Ok(Reply::data(&document(&schedule)?));
        }
    }
    Err(contention_error(request.param("name")))
}
