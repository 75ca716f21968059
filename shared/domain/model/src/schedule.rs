//! A schedule: which job is to be made, and when.
//!
//! What was asked for ([`ScheduleDefinition`]) changes with each revision; how far it is
//! ([`ScheduleState`]) with each fire, and `writ-schedules` alone says how.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Error, RawJson, Timestamp, Workspace};

/// What becomes of fires whose time passed by more than the grace while nobody was awake. Fires
/// within the grace run, whatever the rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CatchUp {
    /// All are missed.
    #[default]
    Skip,
    /// The newest one runs, unless a later one is on time; the others are missed.
    Latest,
    /// They run, the newest of a bounded number; older ones are missed.
    All,
}

impl CatchUp {
    /// Every rule.
    pub const ALL: [Self; 3] = [Self::Skip, Self::Latest, Self::All];

    /// The name, as the API spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Latest => "latest",
            Self::All => "all",
        }
    }
}

impl fmt::Display for CatchUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleDefinition {
    /// `rate(...)`, `cron(...)` or `at(...)`.
    pub schedule_expression: String,
    /// The IANA name of the zone whose clock the expression is read by.
    pub timezone: String,
    /// Nothing fires before.
    pub start_at: Option<Timestamp>,
    /// Nothing fires after.
    pub end_at: Option<Timestamp>,
    /// A fire is run at some point of so many minutes.
    pub flexible_time_window_minutes: Option<u32>,
    /// Whether it fires at all.
    pub enabled: bool,
    /// What becomes of fires that nobody was awake for.
    pub catch_up: CatchUp,
    /// For people.
    pub description: Option<String>,
    /// What each fire makes, as it was sent: `{"job": {...}}` or `{"policy": {...}}`.
    pub target: RawJson,
}

/// What came of a fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FireOutcome {
    /// There is a job.
    Submitted,
    /// No job could be made.
    Failed,
    /// Nobody was awake for it in time, and the catch-up rule lets it go.
    Missed,
}

/// A fire that is done with, or several that were missed together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastFire {
    /// When it was to be; of several the last.
    pub scheduled_for: Timestamp,
    /// When it was dealt with.
    pub fired_at: Timestamp,
    /// What came of it.
    pub outcome: FireOutcome,
    /// The job that it made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_id: Option<String>,
    /// Why it made none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    /// How many were missed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed_count: Option<u64>,
    /// The first of those that were missed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missed_from: Option<Timestamp>,
}

/// How far a schedule is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleState {
    /// Counts its changes, from 1; a write holds only over the version that it read.
    pub version: u64,
    /// The fires up to this one are decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handled: Option<Timestamp>,
    /// Of those, the ones that are to be run and may not have been yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub firing: Vec<Timestamp>,
    /// When that was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firing_since: Option<Timestamp>,
    /// The fire after those; `None` where there will be none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_fire_at: Option<Timestamp>,
    /// Somebody has to look at it then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// The newest that are done with, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub last_fires: Vec<LastFire>,
}

/// A schedule, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// UUID, version 7. One that is made again under its old name is another.
    pub schedule_id: String,
    /// Whose it is.
    pub workspace: Workspace,
    /// Names it in its workspace.
    pub name: String,
    /// What was asked for.
    pub definition: ScheduleDefinition,
    /// Counts what was asked for, from 1.
    pub revision: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last asked for.
    pub updated_at: Timestamp,
    /// By whom: its jobs are theirs.
    pub identity: String,
    /// For whom they acted, where they said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<String>,
    /// JSON Pointers as the policy's `metadata.mask` names them: nobody is shown their values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mask: Vec<String>,
    /// How far it is.
    pub state: ScheduleState,
}

impl Schedule {
    /// Tells its revision from every other one of that name.
    #[must_use]
    pub fn etag(&self) -> String {
        let id = self.schedule_id.get(self.schedule_id.len().saturating_sub(12)..);
        format!("\"{}-{}\"", self.revision, id.unwrap_or_default())
    }
}
