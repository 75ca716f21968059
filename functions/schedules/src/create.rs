//! `POST /schedules`: makes a schedule.

use http::Method;
use http::header::ETAG;
use writ_edge::{AccessLevel, ON_BEHALF_OF, Reply, Request, RouteSpec};
use writ_model::member::{invalid_member, missing_member};
use writ_model::{Error, Schedule};
use writ_pipeline::LoadPolicy;
use writ_ports::{
    Clock, GetSchedule, Ids, PutSchedule, ScheduleTimer, SendCallback, ValidateDocuments, ports,
};
use writ_schedules::{document, initial_state};

use crate::definition::{Sent, read, refuse_what_never_fires, resolve_timing};
use crate::query;
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
    pub trait Ports = Clock + GetSchedule + Ids + LoadPolicy + PutSchedule + ScheduleTimer
        + SendCallback + ValidateDocuments;
}

/// Answers the schedule as it was recorded.
pub(crate) async fn handle(ports: &impl Ports, request: Request) -> Result<Reply, Error> {
    request.json()?;
    let Sent { name, mut definition } = read(request.text()?)?;
    let name =
        name.ok_or_else(|| missing_member("name", "what names the schedule in its workspace"))?;
    if format!("/schedules/{name}") == query::SPEC.path {
        let message = format!(
            "no schedule is called `{name}`: its path would be that of the search; choose another name"
        );
        return Err(invalid_member("name", message));
    }
    if let Some(schedule_id) = request.retried_id()
        && let Some(reply) = find_created(ports, &request, &name, schedule_id).await?
    {
        return Ok(reply);
    }
    let now = ports.now();
    let timing = resolve_timing(&mut definition, now)?;
    refuse_what_never_fires(&timing, now)?;
    let identity = &request.caller.identity;
    let target = Target::of(&name, &definition.target, now)?;
    let mask = target.validate(ports, &identity.workspace).await?;
    let schedule_id = request.new_id(ports, now);
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
    if let Err(error) = ports.put_schedule(&schedule).await {
        let stored = match request.conflicting_id(&error) {
            Some(schedule_id) => find_created(ports, &request, &schedule.name, schedule_id).await?,
            None => None,
        };
        return stored.ok_or(error);
    }
    schedule_timer(ports, &schedule).await;
    reply(&schedule)
}

/// The reply where an earlier request with the same key made the schedule: the schedule as it is now,
/// with its timer, which that request may not have set.
async fn find_created(
    ports: &(impl GetSchedule + ScheduleTimer),
    request: &Request,
    name: &str,
    schedule_id: &str,
) -> Result<Option<Reply>, Error> {
    let stored = ports.get_schedule(&request.caller.identity.workspace, name).await?;
    let Some(schedule) = stored.filter(|stored| stored.schedule_id == schedule_id) else {
        return Ok(None);
    };
    schedule_timer(ports, &schedule).await;
    reply(&schedule).map(Some)
}

fn reply(schedule: &Schedule) -> Result<Reply, Error> {
    let location = format!("/schedules/{}", schedule.name);
    Ok(Reply::data(&document(schedule)?).created(location).header(ETAG, schedule.etag()))
}
