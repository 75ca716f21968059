//! Schedules, which submit jobs at set times.
//!
//! The [`ScheduleDefinition`] changes with each revision, the [`ScheduleState`] with each fire, and
//! `writ-schedules` alone defines the transitions.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumCount, EnumString, IntoStaticStr, VariantArray};

use crate::enums::to_array;
use crate::{Error, RawJson, Timestamp, Workspace};

/// The rule for fires that are overdue by more than the grace, because no tick ran in time. Fires
/// within the grace run under every rule.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    Display,
    EnumCount,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum CatchUp {
    /// All overdue fires are missed.
    #[default]
    Skip,
    /// The newest overdue fire runs, unless a later one is on time; the others are missed.
    Latest,
    /// The overdue fires run, up to a bounded number of the newest; older ones are missed.
    All,
}

impl CatchUp {
    /// Every rule, in the order of the documentation.
    pub const ALL: [Self; Self::COUNT] = to_array(Self::VARIANTS);

    /// Returns the name that the API uses.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// The definition of a schedule, as its owner sent it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleDefinition {
    /// The expression: `rate(...)`, `cron(...)` or `at(...)`.
    pub schedule_expression: String,
    /// The IANA name of the time zone in which the expression is evaluated.
    pub timezone: String,
    /// The time before which the schedule does not fire; `None` for no bound.
    pub start_at: Option<Timestamp>,
    /// The time after which the schedule does not fire; `None` for no bound.
    pub end_at: Option<Timestamp>,
    /// The width of the flexible window, in minutes: each fire runs at some time within it. `None`
    /// to run on time.
    pub flexible_time_window_minutes: Option<u32>,
    /// Whether the schedule fires.
    pub enabled: bool,
    /// The rule for overdue fires.
    pub catch_up: CatchUp,
    /// A description for the users of the schedule.
    pub description: Option<String>,
    /// The target of each fire, as it was sent: `{"job": {...}}` or `{"policy": {...}}`.
    pub target: RawJson,
}

/// The outcome of a fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FireOutcome {
    /// A job was submitted.
    Submitted,
    /// The job could not be submitted.
    Failed,
    /// The fire is overdue, and the catch-up rule skips it.
    Missed,
}

/// A past fire, or several fires that were missed together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastFire {
    /// The scheduled time; that of the last one where several were missed.
    pub scheduled_for: Timestamp,
    /// The time at which the fire was processed.
    pub fired_at: Timestamp,
    /// The outcome of the fire.
    pub outcome: FireOutcome,
    /// The id of the job; `None` where none was submitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<String>,
    /// The error that prevented the submission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    /// The number of missed fires; `None` unless the outcome is missed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed_count: Option<u64>,
    /// The scheduled time of the first missed fire.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed_from: Option<Timestamp>,
}

/// The mutable state of a schedule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleState {
    /// The version of the state, from 1, for optimistic locking: a write succeeds only if the
    /// stored version is the one that it read.
    pub version: u64,
    /// The last fire that was decided; `None` before the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handled: Option<Timestamp>,
    /// The decided fires that are to run and may not have run yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub firing: Vec<Timestamp>,
    /// The time at which `firing` was decided; `None` while it is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firing_since: Option<Timestamp>,
    /// The next fire after `handled`; `None` where none follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_fire_at: Option<Timestamp>,
    /// The time at which the scheduler must process the schedule; `None` where nothing is left to
    /// do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// The most recent past fires, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub last_fires: Vec<LastFire>,
}

/// A schedule with its definition and state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// The id: a UUID of version 7. A schedule that is deleted and created again under its name has
    /// a new one.
    pub schedule_id: String,
    /// The workspace that the schedule belongs to.
    pub workspace: Workspace,
    /// The name, unique in its workspace.
    pub name: String,
    /// The definition of the current revision.
    pub definition: ScheduleDefinition,
    /// The revision of the definition, from 1.
    pub revision: u64,
    /// The time at which the schedule was created.
    pub created_at: Timestamp,
    /// The time of the last change of the definition.
    pub updated_at: Timestamp,
    /// The subject of the caller that last changed it: the submitter of its jobs.
    pub identity: String,
    /// The end user that this caller acted for; `None` where the caller named none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<String>,
    /// JSON Pointers from the `metadata.mask` of the policy, and of the policies before it that the
    /// target's values were written for; the values there are masked in every response.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mask: Vec<String>,
    /// The current state of the schedule.
    pub state: ScheduleState,
}

impl Schedule {
    /// Returns the schedule's mask and this one: what was masked when a value was written stays masked,
    /// whichever policy the value goes to.
    #[must_use]
    pub fn extend_mask(&self, mut mask: Vec<String>) -> Vec<String> {
        for pointer in &self.mask {
            if !mask.contains(pointer) {
                mask.push(pointer.clone());
            }
        }
        mask
    }

    /// Returns the entity tag of this revision, which differs from that of every other revision and
    /// schedule of the same name.
    #[must_use]
    pub fn etag(&self) -> String {
        let id = self.schedule_id.get(self.schedule_id.len().saturating_sub(12)..);
        format!("\"{}-{}\"", self.revision, id.unwrap_or_default())
    }
}
