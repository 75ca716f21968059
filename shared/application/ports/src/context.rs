//! What policies keep from one run to the next.

use std::future::Future;

use writ_model::{Error, Execution, PolicyUri, RawJson, Workspace};

/// A context as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredContext {
    /// Counts its changes; 0 while nothing was ever kept.
    pub version: u64,
    /// An object.
    pub value: RawJson,
}

impl Default for StoredContext {
    fn default() -> Self {
        Self { version: 0, value: RawJson::empty_object() }
    }
}

/// A context that a run wants to leave behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContextWrite<'a> {
    /// Whose context it is.
    pub policy_id: &'a str,
    /// What that policy is called: it must still be there.
    pub uri: &'a PolicyUri,
    /// The version that the run read.
    pub version: u64,
    /// The whole context after the run: an object.
    pub value: &'a RawJson,
}

/// What came of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitResult {
    /// Record and context are written.
    Done,
    /// Nothing is written: another run has changed the context meanwhile.
    ContextConflict,
    /// Nothing is written: the policy was removed or renamed meanwhile.
    PolicyDeleted,
    /// Nothing is written: the job that the run was made for is another's by now, or over.
    LeaseLost,
}

/// Reads contexts, and writes them together with the record of the run that changed them.
pub trait ContextStore: Send + Sync {
    /// What the policy keeps; empty while it never kept anything.
    ///
    /// # Errors
    /// The store's.
    fn get_context(
        &self,
        workspace: &Workspace,
        policy_id: &str,
    ) -> impl Future<Output = Result<StoredContext, Error>> + Send;

    /// Writes the record and the context, both or neither.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::Conflict`] when the execution is recorded already; the store's.
    fn commit_context(
        &self,
        execution: &Execution,
        context: ContextWrite<'_>,
    ) -> impl Future<Output = Result<CommitResult, Error>> + Send;
}

crate::port!(ContextStore);
