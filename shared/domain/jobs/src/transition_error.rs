//! Errors of transitions.

use writ_model::{Error, ErrorKind, JobState, JobStatus};

/// The runner does not hold the lease any more: its result must not be committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseLost;

/// The state of the job does not permit the transition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransitionError {
    /// The job is not queued: a runner holds it, or it has ended.
    NotQueued(JobStatus),
    /// The start time of the job has not come.
    TooEarly,
    /// The job has ended already.
    Final(JobStatus),
    /// The job has not ended yet.
    NotFinal(JobStatus),
    /// The job has completed with an output.
    Completed,
}

impl TransitionError {
    /// Returns the error for the caller of the API.
    #[must_use]
    pub fn to_error(self, job_id: &str) -> Error {
        let message = match self {
            Self::NotQueued(status) => format!("job `{job_id}` is {status}, not queued"),
            Self::TooEarly => format!("job `{job_id}` is not to be started yet"),
            Self::Final(status) => format!(
                "job `{job_id}` is {status} already, so nothing is left to stop; \
                 `writ job get {job_id}` shows how it ended"
            ),
            Self::NotFinal(status) => format!(
                "job `{job_id}` is {status}; only what has failed, timed out or was cancelled can \
                 be tried again: wait for its end or cancel it first"
            ),
            Self::Completed => format!(
                "job `{job_id}` is completed and keeps its result; submit another one to run the \
                 policy again"
            ),
        };
        Error::new(ErrorKind::Conflict, message)
    }
}

/// Checks that the fencing token is the one of the job's current lease.
pub(crate) fn check_token(state: &JobState, fencing_token: &str) -> Result<(), LeaseLost> {
    let lease = state.lease.as_ref().filter(|_| state.job_status.is_leased());
    lease.filter(|lease| lease.fencing_token == fencing_token).map(drop).ok_or(LeaseLost)
}
