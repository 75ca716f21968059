//! The decision log: the records of all executions.

use std::future::Future;

use writ_model::{Error, Execution, Workspace};

use crate::{Page, Query};

/// Writes records of executions.
pub trait RecordExecution: Send + Sync {
    /// Writes one record, once: a second write of the same id is refused.
    ///
    /// # Errors
    /// The store's.
    fn record_execution(
        &self,
        execution: &Execution,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

crate::port!(RecordExecution);

/// Reads the record of an execution.
pub trait GetExecution: Send + Sync {
    /// The record; `None` where there is none of that id.
    ///
    /// # Errors
    /// The store's.
    fn get_execution(
        &self,
        workspace: &Workspace,
        execution_id: &str,
    ) -> impl Future<Output = Result<Option<Execution>, Error>> + Send;
}

crate::port!(GetExecution);

/// Searches the records of a workspace.
pub trait QueryExecutions: Send + Sync {
    /// One page of records; without a sort, newest first.
    ///
    /// # Errors
    /// As [`crate::QueryPolicies::query_policies`].
    fn query_executions(
        &self,
        workspace: &Workspace,
        query: &Query,
    ) -> impl Future<Output = Result<Page, Error>> + Send;
}

crate::port!(QueryExecutions);
