//! `PUT /schedules/{name}`: writes a revision, from a whole schedule or from update operators.

use http::Method;
use http::header::ETAG;
use serde_json::Value;
use writ_edge::{AccessLevel, ON_BEHALF_OF, Param, Precondition, Reply, Request, RouteSpec};
use writ_model::{Error, Schedule};
use writ_pipeline::LoadPolicy;
use writ_ports::{
    ChangeSchedule, Clock, GetSchedule, ScheduleTimer, SendCallback, ValidateDocuments, ports,
};
use writ_query::Update;
use writ_schedules::{document, redefine};

use crate::definition::{
    apply, read, refuse_another_name, refuse_what_never_fires, resolve_timing,
};
use crate::lookup::{TRIES_MAX, contention_error, find_schedule};
use crate::timer::schedule_timer;
use writ_scheduler::Target;

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "schedules.update",
    method: Method::PUT,
    path: "/schedules/{name}",
    access_level: AccessLevel::Execute,
    summary: "Writes a revision of a schedule: a whole object, or Mongo update operators. \
              From then on it acts for the caller.",
    body: Some("ScheduleUpdate"),
    data: "Schedule",
    params: &[
        Param {
            name: "If-Match",
            description: "writes only over the revision with this entity tag",
        },
        ON_BEHALF_OF,
    ],
    ..RouteSpec::DEFAULT
};

ports! {
    pub trait Ports = ChangeSchedule + Clock + GetSchedule + LoadPolicy + ScheduleTimer
        + SendCallback + ValidateDocuments;
}

/// Answers the schedule as it is stored now.
pub(crate) async fn handle(ports: &impl Ports, request: Request) -> Result<Reply, Error> {
    let update = request.json()?;
    let demanded = Precondition::of(&request)?;
    for _ in 0..TRIES_MAX {
        let old = find_schedule(ports, &request).await?;
        demanded.check(&old.etag())?;
        let new = apply_request(ports, &request, &old, &update).await?;
        if ports.change_schedule(&new).await? {
            schedule_timer(ports, &new).await;
            return Ok(Reply::data(&document(&new)?).header(ETAG, new.etag()));
        }
    }
    Err(contention_error(request.param("name")))
}

/// The schedule after the request.
async fn apply_request(
    ports: &(impl SendCallback + Clock + LoadPolicy + ValidateDocuments),
    request: &Request,
    old: &Schedule,
    update: &Value,
) -> Result<Schedule, Error> {
    let is_operators = Update::is_operators(update);
    let mut definition = if is_operators {
        apply(old, update)?
    } else {
        let sent = read(request.text()?)?;
        refuse_another_name(old, sent.name.as_deref())?;
        sent.definition
    };
    let now = ports.now();
    let before = resolve_timing(&mut old.definition.clone(), old.created_at)?;
    let timing = resolve_timing(&mut definition, old.created_at)?;
    if timing != before {
        refuse_what_never_fires(&timing, now)?;
    }
    let identity = &request.caller.identity;
    let target = Target::of(&old.name, &definition.target, now)?;
    let mask = target.validate(ports, &identity.workspace).await?;
    // Operators leave values in place that were written for another policy, or another revision.
    let mask = if is_operators { old.extend_mask(mask) } else { mask };
    Ok(Schedule {
        state: redefine(old, &before, &definition, &timing, now),
        definition,
        revision: old.revision + 1,
        updated_at: now,
        identity: identity.subject.clone(),
        on_behalf_of: request.on_behalf_of()?,
        mask,
        ..old.clone()
    })
}
