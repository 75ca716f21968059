//! `POST /schedules`: makes a schedule.

use http::Method;
use http::header::ETAG;
use writ_edge::{AccessLevel, ON_BEHALF_OF, Reply, Request, RouteSpec};
use writ_model::member::missing_member;
use writ_model::{Error, Schedule};
use writ_pipeline::LoadPolicy;
use writ_ports::{Clock, Ids, PutSchedule, ScheduleTimer, SendCallback, ports};
use writ_schedules::{document, initial_state};

use crate::definition::{Sent, read, refuse_what_never_fires, resolve_timing};
use crate::timer::schedule_timer;
use writ_scheduler::Target;

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "schedules.create",
    method: Method::POST,
    path: "/schedules",
    access_level: AccessLevel::Execute,
    summary: "Makes a schedule: a job, or a run of a policy, by `rate(...)`, `cron(...)` or `at(...)`.",
    body: Some("NewSchedule"),
    data: "Schedule",
    success: 201,
    params: &[ON_BEHALF_OF],
    ..RouteSpec::DEFAULT
};

ports! {
    pub trait Ports = Clock + Ids + LoadPolicy + PutSchedule + ScheduleTimer + SendCallback;
}

/// Answers the schedule as it was recorded.
pub(crate) async fn handle(ports: &impl Ports, request: Request) -> Result<Reply, Error> {
    request.json()?;
    let Sent { name, mut definition } = read(request.text()?)?;
    let name =
        name.ok_or_else(|| missing_member("name", "what names the schedule in its workspace"))?;
    let now = ports.now();
    let timing = resolve_timing(&mut definition, now)?;
    refuse_what_never_fires(&timing, now)?;
    let identity = &request.caller.identity;
    let target = Target::of(&name, &definition.target, now)?;
    let mask = target.validate(ports, &identity.workspace).await?;
    let schedule_id = ports.id(now);
    let schedule = Schedule {
        state: initial_state(&definition, &schedule_id, &timing),
        schedule_id,
        workspace: identity.workspace.clone(),
        name,
        definition,
        revision: 1,
        created_at: now,
        updated_at: now,
        identity: identity.subject.clone(),
        on_behalf_of: request.on_behalf_of()?,
        mask,
    };
    ports.put_schedule(&schedule).await?;
    schedule_timer(ports, &schedule).await;
    let location = format!("/schedules/{}", schedule.name);
    Ok(Reply::data(&document(&schedule)?).created(location).header(ETAG, schedule.etag()))
}
