//! Where a run's record goes, and what is written with it.

use std::future::Future;

use writ_model::{Error, Execution};
use writ_ports::{CommitResult, ContextStore, ContextWrite, RecordExecution};

/// Writes what a run leaves behind: its record, its policy's context, and what the run was made
/// for, all or nothing.
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
}

/// The commit of a run that nothing else depends on: its record and its context.
pub(crate) struct StandaloneCommit<'a, P>(pub(crate) &'a P);

impl<P: RecordExecution + ContextStore> Commit for StandaloneCommit<'_, P> {
    async fn commit(
        &self,
        record: &Execution,
        context: Option<ContextWrite<'_>>,
    ) -> Result<CommitResult, Error> {
        match context {
            Some(context) => self.0.commit_context(record, context).await,
            None => {
                self.0.record_execution(record).await?;
                Ok(CommitResult::Done { is_final: true })
            }
        }
    }
}
