//! Where a run's record goes, and what is written with it.

use std::future::Future;

use writ_model::{Error, Execution};
use writ_ports::{CommitResult, ContextStore, ContextWrite, RecordExecution};

/// Writes what a run leaves behind: its record, what its policy keeps, and whatever the run was
/// made for, all or nothing.
pub trait Commit: Send + Sync {
    /// Commits. Where the answer is not [`CommitResult::Done`], nothing is written.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::Conflict`] when the execution is recorded already; the store's.
    fn commit(
        &self,
        record: &Execution,
        context: Option<ContextWrite<'_>>,
    ) -> impl Future<Output = Result<CommitResult, Error>> + Send;

    /// Whether a failure policy follows the run that was committed, should it have failed.
    fn is_followed(&self) -> bool;
}

/// A run that was made for itself.
pub(crate) struct StandaloneCommit<'a, P>(pub(crate) &'a P);

impl<P: RecordExecution + ContextStore> Commit for StandaloneCommit<'_, P> {
    async fn commit(
        &self,
        record: &Execution,
        context: Option<ContextWrite<'_>>,
    ) -> Result<CommitResult, Error> {
        match context {
            Some(context) => self.0.commit_context(record, context).await,
            None => self.0.record_execution(record).await.map(|()| CommitResult::Done),
        }
    }

    fn is_followed(&self) -> bool {
        true
    }
}
