//! A schedule as it is sent: a whole object, or operators on the one that there is.

use std::time::Duration;

use serde_json::Value;
use writ_model::member::{boolean, invalid_member, missing_member, number, text, time};
use writ_model::{CatchUp, Error, RawJson, Schedule, ScheduleDefinition, Timestamp};
use writ_query::Update;
use writ_schedules::{ADDED, FLEXIBLE_WINDOW_MINUTES_MAX, Timing, TimingError, timing_of};

use writ_scheduler::Members;

/// Characters of a name: EventBridge's bound.
const NAME_CHARS_MAX: usize = 64;

/// Characters of a description: EventBridge's bound.
const DESCRIPTION_CHARS_MAX: usize = 512;

const KNOWN: &str = "`name`, `schedule_expression`, `timezone`, `start_at`, `end_at`, \
                     `flexible_time_window_minutes`, `enabled`, `catch_up`, `description` and `target`";

/// A schedule as the body of a request states it.
pub(crate) struct Sent {
    /// The name; `None` where the body has none.
    pub(crate) name: Option<String>,
    pub(crate) definition: ScheduleDefinition,
}

/// Reads a whole object. What the platform adds to a document is passed over, so that what was read
/// can be sent back.
///
/// # Errors
/// What is wrong, with its place.
pub(crate) fn read(body: &str) -> Result<Sent, Error> {
    let what = "a schedule is a JSON object, with a `schedule_expression` and a `target`";
    let mut members = Members::of(body, "", what)?;
    for name in ADDED {
        members.take(name);
    }
    let name = members.take("name").map(|name| parse_name(&name)).transpose()?;
    let expression = "`rate(...)`, `cron(...)` or `at(...)`";
    let field = "schedule_expression";
    let sent = members.take(field).ok_or_else(|| missing_member(field, expression))?;
    let (schedule_expression, _) = text(&sent, field, expression)?;
    let zone = |value: RawJson| text(&value, "timezone", "the IANA name of a time zone");
    let timezone = members.take("timezone").map(zone).transpose()?;
    let window = number(
        members.take("flexible_time_window_minutes"),
        "flexible_time_window_minutes",
        1..=FLEXIBLE_WINDOW_MINUTES_MAX,
    )?;
    let instant =
        |value: Option<RawJson>, field| value.map(|value| time(&value, field)).transpose();
    let enabled = members.take("enabled").map(|value| boolean(&value, "enabled")).transpose()?;
    let target = members.take("target");
    let definition = ScheduleDefinition {
        schedule_expression,
        timezone: timezone.map_or_else(|| "UTC".to_owned(), |(zone, _)| zone),
        start_at: instant(members.take("start_at"), "start_at")?,
        end_at: instant(members.take("end_at"), "end_at")?,
        flexible_time_window_minutes: window,
        enabled: enabled.unwrap_or(true),
        catch_up: members.take("catch_up").map_or(Ok(CatchUp::Skip), |rule| catch_up(&rule))?,
        description: members
            .take("description")
            .map(|text| parse_description(&text))
            .transpose()?,
        target: target.ok_or_else(|| {
            missing_member("target", "what each fire makes, a `job` or a `policy`")
        })?,
    };
    members.end(KNOWN)?;
    Ok(Sent { name, definition })
}

/// Applies operators to what was asked for before.
///
/// # Errors
/// As [`read`]; a member that cannot be set.
pub(crate) fn apply(schedule: &Schedule, update: &Value) -> Result<ScheduleDefinition, Error> {
    let update = Update::parse(update)?;
    if let Some(field) = update.fields().find(|field| ADDED.contains(field)) {
        let message = format!("`{field}` is what the platform says of a schedule; nobody sets it");
        return Err(invalid_member(field, message));
    }
    let old = &schedule.definition;
    let mut document = serde_json::to_value(old).map_err(Error::internal)?;
    if let Some(document) = document.as_object_mut() {
        document.insert("name".to_owned(), schedule.name.as_str().into());
        document.insert("target".to_owned(), old.target.value());
    }
    let touched = update.apply(&mut document)?;
    let sent = read(&document.to_string())?;
    refuse_another_name(schedule, sent.name.as_deref())?;
    let mut definition = sent.definition;
    if !touched.iter().any(|field| field == "target") {
        definition.target = old.target.clone();
    }
    Ok(definition)
}

/// A schedule keeps its name: what has run under it is found by it.
///
/// # Errors
/// It is another one.
pub(crate) fn refuse_another_name(schedule: &Schedule, name: Option<&str>) -> Result<(), Error> {
    match name.filter(|name| *name != schedule.name) {
        None => Ok(()),
        Some(name) => {
            let old = &schedule.name;
            let message = format!(
                "a schedule keeps its name; create `{name}` and delete `{old}` for another one"
            );
            Err(invalid_member("name", message))
        }
    }
}

/// What the definition's timing is; its zone as the database spells it.
///
/// # Errors
/// What is wrong, with its place.
pub(crate) fn resolve_timing(
    definition: &mut ScheduleDefinition,
    created_at: Timestamp,
) -> Result<Timing, Error> {
    let timing = timing_of(definition, created_at).map_err(|error| member_error(&error))?;
    timing.zone().name().clone_into(&mut definition.timezone);
    Ok(timing)
}

/// A schedule that would never fire is a mistake.
///
/// # Errors
/// It is one, with its place.
pub(crate) fn refuse_what_never_fires(timing: &Timing, now: Timestamp) -> Result<(), Error> {
    // The instant itself counts: a rate fires at its creation.
    let before = now - Duration::from_millis(1);
    match timing.next_after(before) {
        Some(_) => Ok(()),
        None => {
            let message = "there is no such time to come before the schedule ends".to_owned();
            Err(invalid_member("schedule_expression", message))
        }
    }
}

fn member_error(error: &TimingError) -> Error {
    let field = match error.member() {
        "expression" => "schedule_expression",
        "flexible_window_minutes" => "flexible_time_window_minutes",
        member => member,
    };
    let message = error.to_string();
    // The place says the member.
    let message = message.split_once(": ").map_or(message.as_str(), |(_, message)| message);
    invalid_member(field, message.to_owned())
}

fn parse_name(value: &RawJson) -> Result<String, Error> {
    let what = format!(
        "a name of 1 to {NAME_CHARS_MAX} letters, digits, `.`, `-` and `_`, not all of them dots"
    );
    let (name, refusal) = text(value, "name", &what)?;
    let is_known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let fits = name.len() <= NAME_CHARS_MAX && name.chars().all(is_known);
    // A path of dots is another path.
    if fits && name.chars().any(|c| c != '.') { Ok(name) } else { Err(refusal) }
}

fn catch_up(value: &RawJson) -> Result<CatchUp, Error> {
    let (name, refusal) = text(value, "catch_up", "`skip`, `latest` or `all`")?;
    CatchUp::ALL.into_iter().find(|rule| rule.name() == name).ok_or(refusal)
}

fn parse_description(value: &RawJson) -> Result<String, Error> {
    let what = format!("a text of at most {DESCRIPTION_CHARS_MAX} characters");
    let (text, refusal) = text(value, "description", &what)?;
    if text.chars().count() <= DESCRIPTION_CHARS_MAX { Ok(text) } else { Err(refusal) }
}
