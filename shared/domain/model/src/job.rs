//! A job: one run of a policy that nobody waits for in line, recorded before it is answered.
//!
//! What was asked for ([`Submission`]) never changes; how it stands ([`JobState`]) changes with
//! each transition, and `writ-jobs` alone says how.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Cause, Error, PolicyUri, RawJson, Timestamp, Workspace};

/// Where a job is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// Waits for its time, or in its line.
    Queued,
    /// A runner has it.
    Admitted,
    /// Its policy runs.
    Running,
    /// There is an output.
    Completed,
    /// There is an error, and no further attempt.
    Failed,
    /// Somebody stopped it.
    Cancelled,
    /// Its policy ran out of time.
    TimedOut,
}

impl JobStatus {
    /// Every status, in the order of a job's life.
    pub const ALL: [Self; 7] = [
        Self::Queued,
        Self::Admitted,
        Self::Running,
        Self::Completed,
        Self::Failed,
        Self::Cancelled,
        Self::TimedOut,
    ];

    /// The name, as the API spells it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Admitted => "admitted",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::TimedOut => "timed_out",
        }
    }

    /// Whether the job is over, unless somebody asks for a retry.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled | Self::TimedOut)
    }

    /// Whether a runner has the job.
    #[must_use]
    pub fn is_leased(self) -> bool {
        matches!(self, Self::Admitted | Self::Running)
    }
}

impl fmt::Display for JobStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for JobStatus {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|status| status.name() == text).ok_or_else(|| {
            let known = Self::ALL.map(|status| format!("`{status}`")).join(", ");
            format!("`{text}` is no job status; there are {known}")
        })
    }
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// UUID, version 7: sorts by time.
    pub job_id: String,
    /// Whose job it is.
    pub workspace: Workspace,
    /// What its submitter calls it; need not be unique.
    pub name: String,
    /// Which executor runs it.
    pub executor_id: String,
    /// Which policy.
    pub policy_rule_uri: PolicyUri,
    /// Overrides the stored parameters, member by member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_rule_parameters: Option<RawJson>,
    /// For executors that have nodes: an object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_selector: Option<RawJson>,
    /// The policy's input.
    pub inputs: RawJson,
    /// Seconds that one attempt may run.
    pub timeout_seconds: u32,
    /// Attempts at most, whatever ends them, where the submitter said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
    /// Not to be started before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// 0 to 9; 9 goes first.
    pub priority: u8,
    /// Who is told of the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
    /// The submitter's subject.
    pub identity: String,
    /// What kind of principal submitted: `token` or `local`.
    pub principal_kind: String,
    /// For whom the submitter acted, where it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<String>,
    /// Why there is a job: a request or a schedule.
    pub cause: Cause,
    /// The schedule that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// JSON Pointers as the policy's `metadata.mask` names them: nobody is shown their values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mask: Vec<String>,
    /// The submitter's `Idempotency-Key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// W3C trace id of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// When it was submitted.
    pub submitted_at: Timestamp,
}

/// A runner's hold on a job. Whoever does not show the fence has lost it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Unguessable, new with each lease: what a result must show to be taken.
    #[serde(rename = "fence")]
    pub fencing_token: String,
    /// Over unless renewed before.
    pub expires_at: Timestamp,
    /// No renewal goes beyond this.
    pub ends_by: Timestamp,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// With an output.
    Completed,
    /// With an error.
    Failed,
    /// Its policy ran out of time.
    TimedOut,
    /// Somebody stopped it.
    Cancelled,
    /// Its runner was not heard of any more.
    Lost,
    /// It could not begin, and does not count: a limit refused it, or the platform was busy.
    GivenBack,
}

/// One try of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// From 1, over all rounds.
    pub attempt: u32,
    /// Its record in the decision log, once it is committed.
    pub execution_id: String,
    /// Which executor made it.
    pub executor_id: String,
    /// Which node of that executor, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_id: Option<String>,
    /// When a runner took the job.
    pub admitted_at: Timestamp,
    /// When the attempt ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// How; absent while it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<AttemptOutcome>,
    /// Why it gave no output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
}

/// How far telling of the end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallbackStatus {
    /// It is tried until it arrives.
    Pending,
    /// The receiver took it.
    Delivered,
    /// It will not be tried again.
    GivenUp,
}

/// The call that tells of a job's end. It may arrive more than once, always under one id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callback {
    /// The same in every try.
    pub callback_id: String,
    /// How far it is.
    pub status: CallbackStatus,
    /// Tries so far.
    pub tries: u32,
    /// When the next one is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
    /// What the last failed try met.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<String>,
}

/// How a job stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobState {
    /// Counts its changes, from 1; a write holds only over the version that it read.
    pub version: u64,
    /// Where it is.
    pub job_status: JobStatus,
    /// From 1; each retry by hand begins another one.
    pub round: u32,
    /// Tries that count, in this round.
    pub attempts_made: u32,
    /// The newest tries, oldest first.
    pub attempts: Vec<Attempt>,
    /// Who has it, while somebody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
    /// Not to be started before: its place in its line.
    pub ready_at: Timestamp,
    /// Whether it stands in its line.
    #[serde(rename = "in_line")]
    pub is_queued: bool,
    /// How often it was announced since it is queued.
    pub announced: u32,
    /// Somebody has to look at it then, whatever happens; `None` when all is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// When a runner first took it in this round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admitted_at: Option<Timestamp>,
    /// When its policy first ran in this round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// When it came to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// The record of the attempt that decided, where one was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_id: Option<String>,
    /// Where it ran last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_id: Option<String>,
    /// Why there is no output; while it is queued, why the last attempt gave none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    /// Who stopped it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled_by: Option<String>,
    /// The call that tells of its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback: Option<Callback>,
}

/// A job, whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// What was asked for.
    pub submission: Submission,
    /// How it stands.
    pub state: JobState,
    /// What the policy returned; as the policy's metadata masks it.
    pub output: Option<RawJson>,
}

/// Why to look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SignalKind {
    /// There is something in the workspace's line.
    #[default]
    #[serde(rename = "line")]
    Queue,
    /// The job's time has come: it belongs into its line.
    #[serde(rename = "time")]
    Due,
    /// The job is over, and somebody is to be told.
    #[serde(rename = "end")]
    Callback,
}

/// A hint to look at a job: all that a queue's message says.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct JobSignal {
    /// Whose job.
    pub workspace: Workspace,
    /// Which.
    pub job_id: String,
    /// Why.
    #[serde(rename = "about", default)]
    pub kind: SignalKind,
}

impl JobSignal {
    /// The hint that a submission's job gives.
    #[must_use]
    pub fn new(submission: &Submission, kind: SignalKind) -> Self {
        let Submission { workspace, job_id, .. } = submission;
        Self { workspace: workspace.clone(), job_id: job_id.clone(), kind }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_named_as_it_is_serialised() {
        for status in JobStatus::ALL {
            assert_eq!(serde_json::to_string(&status).unwrap(), format!("\"{status}\""));
            assert_eq!(status.name().parse(), Ok(status));
        }
        assert!("done".parse::<JobStatus>().unwrap_err().contains("`completed`"));
    }
}
