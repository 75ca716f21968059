//! Schedules and their versions.

use writ_model::{
    CatchUp, RawJson, Schedule, ScheduleDefinition, ScheduleState, Timestamp, Workspace,
};

use crate::START;

/// A daily schedule of this name at its first version; it is due at `due_at`, or never.
#[must_use]
pub fn schedule(workspace: &Workspace, name: &str, due_at: Option<Timestamp>) -> Schedule {
    Schedule {
        schedule_id: format!("id-of-{name}"),
        workspace: workspace.clone(),
        name: name.to_owned(),
        definition: ScheduleDefinition {
            schedule_expression: "rate(1 day)".to_owned(),
            timezone: "UTC".to_owned(),
            start_at: None,
            end_at: None,
            flexible_time_window_minutes: None,
            enabled: true,
            catch_up: CatchUp::Skip,
            description: Some(format!("{name}!")),
            target: RawJson::parse(r#"{"policy": {"x": 1.0,  "a": 1e400}}"#).unwrap(),
        },
        revision: 1,
        created_at: START,
        updated_at: START,
        identity: "ada".to_owned(),
        on_behalf_of: None,
        mask: vec!["/input_data/ip".to_owned()],
        state: ScheduleState {
            version: 1,
            handled: None,
            firing: Vec::new(),
            firing_since: None,
            next_fire_at: due_at,
            due_at,
            last_fires: Vec::new(),
        },
    }
}

/// The same schedule at the version after this one.
#[must_use]
pub fn next_version(schedule: &Schedule) -> Schedule {
    let mut next = schedule.clone();
    next.state.version += 1;
    next
}
