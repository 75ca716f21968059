//! Jobs: submissions, their states, and the commit of attempts.

use std::future::Future;

use writ_model::{
    Error, Execution, Job, JobSignal, JobState, RawJson, Submission, Timestamp, Workspace,
};

use crate::{CommitResult, ContextWrite, Page, Query};

/// Writes new jobs to the store.
pub trait PutJob: Send + Sync {
    /// Writes the job, all or nothing.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::Conflict`] where there is a job of that id; the store's.
    fn put_job(
        &self,
        submission: &Submission,
        state: &JobState,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

crate::port!(PutJob);

/// Reads a job by id.
pub trait GetJob: Send + Sync {
    /// The job, whole, read consistently; `None` where there is none of that id.
    ///
    /// # Errors
    /// The store's.
    fn get_job(
        &self,
        workspace: &Workspace,
        job_id: &str,
    ) -> impl Future<Output = Result<Option<Job>, Error>> + Send;
}

crate::port!(GetJob);

/// Searches a workspace's jobs.
pub trait QueryJobs: Send + Sync {
    /// One page of jobs, as `writ_jobs::document` gives them; without a sort, newest first.
    ///
    /// # Errors
    /// As [`crate::QueryPolicies::query_policies`].
    fn query_jobs(
        &self,
        workspace: &Workspace,
        query: &Query,
    ) -> impl Future<Output = Result<Page, Error>> + Send;
}

crate::port!(QueryJobs);

/// Counts the queued jobs of a workspace.
pub trait CountQueued: Send + Sync {
    /// The number of queued jobs before this key, counting to `most` at most. The count lags behind
    /// jobs that were queued or leased a moment ago.
    ///
    /// # Errors
    /// The store's.
    fn count_before(
        &self,
        workspace: &Workspace,
        queue_key: &str,
        most: usize,
    ) -> impl Future<Output = Result<usize, Error>> + Send;
}

crate::port!(CountQueued);

/// Writes the states of jobs.
pub trait ChangeJob: Send + Sync {
    /// Writes the job's next state, if the stored one has the version before. Returns whether it had.
    ///
    /// # Errors
    /// The store's.
    fn change_job(
        &self,
        submission: &Submission,
        state: &JobState,
    ) -> impl Future<Output = Result<bool, Error>> + Send;
}

crate::port!(ChangeJob);

/// The end of an attempt, to be committed.
#[derive(Clone, Copy, Debug)]
pub struct JobCompletion<'a> {
    /// The job's submission, which never changes.
    pub submission: &'a Submission,
    /// The job's state after the attempt; the stored one must have the version before.
    pub state: &'a JobState,
    /// The policy's output, masked; `None` where it failed.
    pub output: Option<&'a RawJson>,
    /// The record of the attempt.
    pub record: &'a Execution,
    /// The context that the attempt changed; `None` where it changed none.
    pub context: Option<ContextWrite<'a>>,
}

/// Commits the ends of attempts.
pub trait CompleteJob: Send + Sync {
    /// Writes the job, the record and the context, all or nothing.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::Conflict`] when the execution is recorded already; the store's.
    fn complete_job(
        &self,
        end: JobCompletion<'_>,
    ) -> impl Future<Output = Result<CommitResult, Error>> + Send;
}

crate::port!(CompleteJob);

/// Reads the head of a workspace's queue.
pub trait PeekQueue: Send + Sync {
    /// The ids of the first jobs in the queue, in its order. It lags behind jobs that were queued or
    /// leased a moment ago.
    ///
    /// # Errors
    /// The store's.
    fn peek_queue(
        &self,
        workspace: &Workspace,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<String>, Error>> + Send;
}

crate::port!(PeekQueue);

/// Some of the jobs that are due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DuePage {
    /// Signals of due jobs, of all workspaces.
    pub jobs: Vec<JobSignal>,
    /// The token of the next page; `None` at the end.
    pub next: Option<String>,
}

/// Finds due jobs in all workspaces, for the sweep.
pub trait DueJobs: Send + Sync {
    /// Jobs that are due at or before `before`, a page of them.
    ///
    /// # Errors
    /// The store's.
    fn due_jobs(
        &self,
        before: Timestamp,
        next: Option<&str>,
    ) -> impl Future<Output = Result<DuePage, Error>> + Send;
}

crate::port!(DueJobs);
