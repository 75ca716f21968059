//! Contexts: what a policy keeps from one run to the next.

use std::future::Future;

use writ_model::{Error, Execution, PolicyUri, RawJson, Workspace};

/// A context as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredContext {
    /// Counts its changes; 0 before the first one.
    pub version: u64,
    /// The context itself, a JSON object.
    pub value: RawJson,
}

impl Default for StoredContext {
    fn default() -> Self {
        Self { version: 0, value: RawJson::empty_object() }
    }
}

/// A context to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContextWrite<'a> {
    /// The id of the policy that it belongs to.
    pub policy_id: &'a str,
    /// That policy's URI, which must still stand for it.
    pub uri: &'a PolicyUri,
    /// The version that the run read, which must still be the stored one.
    pub version: u64,
    /// The whole context after the run, a JSON object.
    pub value: &'a RawJson,
}

/// The result of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitResult {
    /// Record and context are written.
    Done {
        /// Whether no further attempt follows: false where the run was an attempt of a job that is
        /// tried again.
        is_final: bool,
    },
    /// Nothing is written: another run has changed the context at the same time.
    ContextConflict,
    /// Nothing is written: the policy was removed or renamed in the meantime.
    PolicyDeleted,
    /// Nothing is written: the lease of the job that the run was made for is lost, or the job is
    /// over.
    LeaseLost,
}

/// Reads contexts, and writes them together with the record of the run that changed them.
pub trait ContextStore: Send + Sync {
    /// The policy's context; empty where none was ever written.
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
