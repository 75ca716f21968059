//! A job that a runner has leased.

use tokio::sync::Mutex;
use writ_jobs::{AttemptEnd, complete};
use writ_model::{Error, Execution, ExecutionStatus, JobState, Submission};
use writ_pipeline::Commit;
use writ_ports::{CommitResult, ContextWrite, JobCompletion};

use crate::Ports;

/// The job as the runner last wrote it. Heartbeats and the commit take turns: each writes over the
/// version that the one before left.
pub(crate) struct LeasedJob<'a, P> {
    pub(crate) ports: &'a P,
    pub(crate) submission: Submission,
    pub(crate) fencing_token: String,
    pub(crate) state: Mutex<JobState>,
}

impl<'a, P: Ports> LeasedJob<'a, P> {
    pub(crate) fn new(
        ports: &'a P,
        submission: Submission,
        fencing_token: String,
        state: JobState,
    ) -> Self {
        Self { ports, submission, fencing_token, state: Mutex::new(state) }
    }

    /// Reads the job again: a lost answer may have been that of this runner's own write.
    /// Returns whether the runner still holds the lease.
    pub(crate) async fn refresh(&self, state: &mut JobState) -> Result<bool, Error> {
        let Submission { workspace, job_id, .. } = &self.submission;
        let stored = self.ports.get_job(workspace, job_id).await?;
        let stored = stored.map(|job| job.state).filter(|state| {
            let lease = state.lease.as_ref().filter(|_| state.job_status.is_leased());
            lease.is_some_and(|lease| lease.fencing_token == self.fencing_token)
        });
        let Some(stored) = stored else { return Ok(false) };
        *state = stored;
        Ok(true)
    }

    /// The submission and the state, when no heartbeat and no commit is left.
    pub(crate) fn into_parts(self) -> (Submission, JobState) {
        (self.submission, self.state.into_inner())
    }

    /// Writes the end of the attempt over the version that is known.
    async fn complete(
        &self,
        state: &mut JobState,
        record: &Execution,
        context: Option<ContextWrite<'_>>,
    ) -> Result<CommitResult, Error> {
        let end = AttemptEnd {
            error: record.error.as_ref(),
            execution_id: Some(&record.execution_id),
            started_at: Some(record.started_at),
        };
        let (now, jitter) = (self.ports.now(), self.ports.seed());
        let Ok(next) = complete(&self.submission, state, &self.fencing_token, &end, now, jitter)
        else {
            return Ok(CommitResult::LeaseLost);
        };
        let output = record.output.as_ref().filter(|_| record.status == ExecutionStatus::Succeeded);
        let completion =
            JobCompletion { submission: &self.submission, state: &next, output, record, context };
        let result = self.ports.complete_job(completion).await?;
        if let CommitResult::Done { .. } = result {
            *state = next;
        }
        Ok(result)
    }
}

impl<P: Ports> Commit for LeasedJob<'_, P> {
    async fn commit(
        &self,
        record: &Execution,
        context: Option<ContextWrite<'_>>,
    ) -> Result<CommitResult, Error> {
        let mut state = self.state.lock().await;
        let result = self.complete(&mut state, record, context).await?;
        if result == CommitResult::LeaseLost && self.refresh(&mut state).await? {
            return self.complete(&mut state, record, context).await;
        }
        Ok(result)
    }
}
