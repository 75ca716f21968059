//! Why a job does not move.

use writ_model::{Error, ErrorKind, JobState, JobStatus};

/// Whoever held the job holds it no more: nothing of what it did may be committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseLost;

/// The job is where this cannot be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransitionError {
    /// Somebody has it already, or it is over.
    NotQueued(JobStatus),
    /// Its time has not come.
    TooEarly,
    /// It is over.
    Final(JobStatus),
    /// It is not over.
    NotFinal(JobStatus),
    /// It has its result.
    Completed,
}

impl TransitionError {
    /// For whoever asked.
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

/// Shows the fence.
pub(crate) fn holds(state: &JobState, fencing_token: &str) -> Result<(), LeaseLost> {
    let lease = state.lease.as_ref().filter(|_| state.job_status.is_leased());
    lease.filter(|lease| lease.fencing_token == fencing_token).map(drop).ok_or(LeaseLost)
}
