//! Jobs: asynchronous runs of a policy. A job is recorded before its submission is acknowledged.
//!
//! The [`Submission`] of a job never changes. Its [`JobState`] changes with each transition, and
//! `writ-jobs` alone defines the transitions.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumCount, EnumString, IntoStaticStr, VariantArray};

use crate::enums::to_array;
use crate::{Cause, Error, ExecutorId, PolicyUri, PrincipalKind, RawJson, Timestamp, Workspace};

/// Where a job is in its life.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Serialize,
    Deserialize,
    Display,
    EnumCount,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", parse_err_ty = String, parse_err_fn = unknown_status)]
pub enum JobStatus {
    /// Waits for its start time, or in its queue.
    Queued,
    /// A runner holds the lease and has not reported the start of the policy yet.
    Admitted,
    /// A runner holds the lease and the policy runs.
    Running,
    /// The job ended with an output.
    Completed,
    /// The job ended with an error, and no further attempt follows.
    Failed,
    /// A caller cancelled the job.
    Cancelled,
    /// The policy exceeded its time limit.
    TimedOut,
}

impl JobStatus {
    /// Every status, in the order of a job's life.
    pub const ALL: [Self; Self::COUNT] = to_array(Self::VARIANTS);

    /// Returns the name that the API uses.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether the job has ended. Only a retry changes a final status.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled | Self::TimedOut)
    }

    /// Whether a runner holds the lease of the job.
    #[must_use]
    pub fn is_leased(self) -> bool {
        matches!(self, Self::Admitted | Self::Running)
    }
}

fn unknown_status(text: &str) -> String {
    let known = JobStatus::ALL.map(|status| format!("`{status}`")).join(", ");
    format!("`{text}` is no job status; there are {known}")
}

/// The submission of a job: the values that the submitter sent, with defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// The id of the job: a UUID of version 7, which sorts by time.
    pub job_id: String,
    /// The workspace that the job belongs to.
    pub workspace: Workspace,
    /// The name that the submitter chose; not unique.
    pub name: String,
    /// Which executor runs it.
    pub executor_id: ExecutorId,
    /// The URI of the policy that the job runs.
    pub policy_rule_uri: PolicyUri,
    /// Parameters that override the stored ones, member by member: a JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_rule_parameters: Option<RawJson>,
    /// Selects the node of an executor that has nodes: a JSON object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_selector: Option<RawJson>,
    /// The input of the policy.
    pub inputs: RawJson,
    /// The time limit of one attempt, in seconds.
    pub timeout_seconds: u32,
    /// The maximum number of attempts, whatever error ends them; `None` where the submitter gave
    /// none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
    /// The earliest start time; `None` for at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// The priority, 0 to 9; jobs of priority 9 run first.
    pub priority: u8,
    /// The URL that the callback is delivered to when the job ends; `None` for no callback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback_url: Option<String>,
    /// The subject of the submitter.
    pub identity: String,
    /// What kind of principal submitted: `token` or `local`.
    pub principal_kind: PrincipalKind,
    /// The subject that the submitter acted on behalf of; `None` where it named none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<String>,
    /// The trigger of the job: a request or a schedule.
    pub cause: Cause,
    /// The name of the schedule that submitted the job; `None` for a request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// JSON Pointers from the policy's `metadata.mask`; the values there are masked in every
    /// response.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mask: Vec<String>,
    /// The `Idempotency-Key` header of the submission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// The W3C trace id of the request; `None` where it carried none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// The time of the submission.
    pub submitted_at: Timestamp,
}

/// The lease of a runner on a job. Without the fencing token no runner can renew it or commit a
/// result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The fencing token: unguessable, new with each lease, required to commit a result.
    #[serde(rename = "fence")]
    pub fencing_token: String,
    /// The time at which the lease expires unless it is renewed before.
    pub expires_at: Timestamp,
    /// The upper bound of `expires_at`: no renewal extends the lease beyond it.
    pub ends_by: Timestamp,
}

/// The outcome of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// The attempt ended with an output.
    Completed,
    /// The attempt ended with an error.
    Failed,
    /// The policy exceeded its time limit.
    TimedOut,
    /// A caller cancelled the job.
    Cancelled,
    /// The lease expired: the runner stopped sending heartbeats.
    Lost,
    /// The attempt could not start and does not count: a limit rejected it, or the platform was
    /// busy.
    GivenBack,
}

/// One attempt to run a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The number of the attempt, from 1, across all rounds.
    pub attempt: u32,
    /// The id of the attempt's execution record, which exists once the attempt is committed.
    pub execution_id: String,
    /// Which executor made it.
    pub executor_id: ExecutorId,
    /// Which node of that executor, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_id: Option<String>,
    /// The time at which a runner acquired the lease.
    pub admitted_at: Timestamp,
    /// The time at which the attempt ended; `None` while it is in progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// The outcome; `None` while the attempt is in progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<AttemptOutcome>,
    /// The error that ended the attempt; `None` where there is an output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
}

/// The status of a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallbackStatus {
    /// Delivery has not succeeded yet and is retried.
    Pending,
    /// The receiver accepted the callback.
    Delivered,
    /// Delivery failed and is not retried.
    GivenUp,
}

/// The callback that reports the end of a job. Delivery is at least once, always under the same id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callback {
    /// The id of the callback, the same in every attempt.
    pub callback_id: String,
    /// The status of the delivery.
    pub status: CallbackStatus,
    /// The number of delivery attempts so far.
    pub tries: u32,
    /// The time of the next delivery attempt; `None` where none follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
    /// The error of the last failed delivery attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<String>,
}

/// The mutable state of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobState {
    /// The version of the state, from 1, for optimistic locking: a write succeeds only if the
    /// stored version is the one that it read.
    pub version: u64,
    /// The status of the job.
    pub job_status: JobStatus,
    /// The round, from 1; each retry by a caller starts another one.
    pub round: u32,
    /// The ids by the idempotency keys of the requests that started the latest rounds, the oldest
    /// first; a round that was started without a key has none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub round_ids: Vec<String>,
    /// The number of attempts in this round that count against the maximum.
    pub attempts_made: u32,
    /// The most recent attempts, oldest first.
    pub attempts: Vec<Attempt>,
    /// The lease of the runner; `None` while no runner holds the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
    /// The earliest start time, which orders the job in its queue.
    pub ready_at: Timestamp,
    /// Whether the job is in its queue. `false` while it waits for `ready_at`.
    #[serde(rename = "in_line")]
    pub is_queued: bool,
    /// How many times the job's signal was sent again since the job entered its queue.
    pub announced: u32,
    /// The time at which the sweep must process the job, whatever else happens; `None` where
    /// nothing is left to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// The time at which a runner first acquired a lease in this round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admitted_at: Option<Timestamp>,
    /// The time at which the policy first started in this round.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// The time at which the job ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// The id of the execution record of the attempt that ended the job; `None` where none was
    /// written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_id: Option<String>,
    /// The node that last ran the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_id: Option<String>,
    /// The error that ended the job, or, while it is queued, its last attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Error>,
    /// The subject of the caller that cancelled the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled_by: Option<String>,
    /// The callback of this round; `None` before the job ends and for a job without a callback URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback: Option<Callback>,
}

/// A job with its submission, state and output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// The submission, which never changes.
    pub submission: Submission,
    /// The current state of the job.
    pub state: JobState,
    /// The output of the policy, masked by the policy's metadata; `None` where there is none.
    pub output: Option<RawJson>,
}

/// The reason of a [`JobSignal`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SignalKind {
    /// The workspace's queue holds a job.
    #[default]
    #[serde(rename = "line")]
    Queue,
    /// The start time of the job has come: it must enter its queue.
    #[serde(rename = "time")]
    Due,
    /// The job has ended, and its callback is to be delivered.
    #[serde(rename = "end")]
    Callback,
}

/// A signal to process a job: the content of a queue message. It carries no state, so a lost or
/// repeated signal does no harm.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct JobSignal {
    /// The workspace that the job belongs to.
    pub workspace: Workspace,
    /// The id of the job.
    pub job_id: String,
    /// The reason of the signal.
    #[serde(rename = "about", default)]
    pub kind: SignalKind,
}

impl JobSignal {
    /// Creates the signal for the job of `submission`.
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
