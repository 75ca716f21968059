//! A job that a runner holds.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Mutex;
use writ_jobs::{AttemptEnd, complete};
use writ_model::{Error, Execution, ExecutionStatus, JobState, JobStatus, Submission};
use writ_pipeline::Commit;
use writ_ports::{CommitResult, ContextWrite, JobCompletion};

use crate::Ports;

/// The job, and how the runner last wrote it. Beats and the end take turns: each writes over the
/// version that the one before left.
pub(crate) struct LeasedJob<'a, P> {
    pub(crate) ports: &'a P,
    pub(crate) submission: Submission,
    pub(crate) fencing_token: String,
    pub(crate) state: Mutex<JobState>,
    has_failed: AtomicBool,
}

impl<'a, P: Ports> LeasedJob<'a, P> {
    pub(crate) fn new(
        ports: &'a P,
        submission: Submission,
        fencing_token: String,
        state: JobState,
    ) -> Self {
        let has_failed = AtomicBool::new(false);
        Self { ports, submission, fencing_token, state: Mutex::new(state), has_failed }
    }

    /// Reads the job again: a write whose answer was lost may have been one of this runner's own.
    /// Whether it still holds the job.
    pub(crate) async fn refresh(&self, state: &mut JobState) -> Result<bool, Error> {
        let Submission { workspace, job_id, .. } = &self.submission;
        let found = self.ports.get_job(workspace, job_id).await?;
        let held = found.map(|job| job.state).filter(|state| {
            state.job_status.is_leased()
                && state
                    .lease
                    .as_ref()
                    .is_some_and(|lease| lease.fencing_token == self.fencing_token)
        });
        let Some(held) = held else { return Ok(false) };
        *state = held;
        Ok(true)
    }

    /// The state, when nobody else is at it any more.
    pub(crate) fn into_state(self) -> (Submission, JobState) {
        (self.submission, self.state.into_inner())
    }
}

impl<P: Ports> Commit for LeasedJob<'_, P> {
    async fn commit(
        &self,
        record: &Execution,
        context: Option<ContextWrite<'_>>,
    ) -> Result<CommitResult, Error> {
        let mut state = self.state.lock().await;
        let committed = self.end(&mut state, record, context).await?;
        if committed == CommitResult::LeaseLost && self.refresh(&mut state).await? {
            return self.end(&mut state, record, context).await;
        }
        Ok(committed)
    }

    /// An attempt that is repeated is nothing to follow: the job has not failed yet.
    fn is_followed(&self) -> bool {
        self.has_failed.load(Ordering::Acquire)
    }
}

impl<P: Ports> LeasedJob<'_, P> {
    /// Writes the end over the version that is known.
    async fn end(
        &self,
        state: &mut JobState,
        record: &Execution,
        context: Option<ContextWrite<'_>>,
    ) -> Result<CommitResult, Error> {
        let ended = AttemptEnd {
            error: record.error.as_ref(),
            execution_id: Some(&record.execution_id),
            started_at: Some(record.started_at),
        };
        let (now, rng) = (self.ports.now(), self.ports.seed());
        let Ok(next) = complete(&self.submission, state, &self.fencing_token, &ended, now, rng)
        else {
            return Ok(CommitResult::LeaseLost);
        };
        let output = record.output.as_ref().filter(|_| record.status == ExecutionStatus::Succeeded);
        let end =
            JobCompletion { submission: &self.submission, state: &next, output, record, context };
        let committed = self.ports.complete_job(end).await?;
        if committed == CommitResult::Done {
            let has_failed = matches!(next.job_status, JobStatus::Failed | JobStatus::TimedOut);
            self.has_failed.store(has_failed, Ordering::Release);
            *state = next;
        }
        Ok(committed)
    }
}
