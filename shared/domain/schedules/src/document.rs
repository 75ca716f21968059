//! The JSON document of a schedule, as the API returns it.

use serde::Serialize;
use writ_model::{CatchUp, Error, LastFire, RawJson, Schedule, Timestamp};

/// The members of a document that the platform adds. They are ignored in a document that a caller
/// sends back.
pub const ADDED: [&str; 7] = [
    "next_fire_at",
    "last_fires",
    "revision",
    "created_at",
    "updated_at",
    "identity",
    "on_behalf_of",
];

#[derive(Serialize)]
struct Document<'a> {
    name: &'a str,
    schedule_expression: &'a str,
    timezone: &'a str,
    start_at: Option<Timestamp>,
    end_at: Option<Timestamp>,
    flexible_time_window_minutes: Option<u32>,
    enabled: bool,
    catch_up: CatchUp,
    description: Option<&'a str>,
    target: RawJson,
    next_fire_at: Option<Timestamp>,
    last_fires: &'a [LastFire],
    revision: u64,
    created_at: Timestamp,
    updated_at: Timestamp,
    identity: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    on_behalf_of: Option<&'a str>,
}

/// Serialises the schedule to JSON. Its target keeps the bytes that were sent, except those that
/// the policy masks.
///
/// # Errors
/// Never fails in practice; the signature of the serialiser is fallible.
pub fn document(schedule: &Schedule) -> Result<String, Error> {
    let Schedule { definition, state, .. } = schedule;
    let document = Document {
        name: &schedule.name,
        schedule_expression: &definition.schedule_expression,
        timezone: &definition.timezone,
        start_at: definition.start_at,
        end_at: definition.end_at,
        flexible_time_window_minutes: definition.flexible_time_window_minutes,
        enabled: definition.enabled,
        catch_up: definition.catch_up,
        description: definition.description.as_deref(),
        target: masked(&definition.target, &schedule.mask),
        next_fire_at: state.next_fire_at,
        last_fires: &state.last_fires,
        revision: schedule.revision,
        created_at: schedule.created_at,
        updated_at: schedule.updated_at,
        identity: &schedule.identity,
        on_behalf_of: schedule.on_behalf_of.as_deref(),
    };
    serde_json::to_string(&document).map_err(Error::internal)
}

/// The locations in each kind of target of the values that an execution record has at the first
/// location.
const PLACES: [(&str, [&str; 2]); 2] = [
    ("/input_data", ["/job/inputs", "/policy/input_data"]),
    ("/parameters", ["/job/policy_rule_parameters", "/policy/parameters"]),
];

fn masked(target: &RawJson, mask: &[String]) -> RawJson {
    let below = |(root, places): (&'static str, [&'static str; 2])| {
        let pointers = mask.iter().filter_map(move |pointer| pointer.strip_prefix(root));
        pointers.flat_map(move |pointer| places.map(|place| format!("{place}{pointer}")))
    };
    let pointers: Vec<String> = PLACES.into_iter().flat_map(below).collect();
    let mut target = target.clone();
    target.mask(pointers.iter().map(String::as_str));
    target
}
