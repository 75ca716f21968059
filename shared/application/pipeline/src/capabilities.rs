//! What a host offers of the pipeline: one capability per use, so that a route names in its
//! signature whether it reads a policy, runs one or repeats a run.

use std::future::Future;
use std::sync::Arc;

use writ_model::{Error, PolicyUri, Workspace};
use writ_ports::port;

use crate::{
    Commit, CompiledPolicy, ExecutionReport, ExecutionRequest, Ports, RegistryPorts, ReplayPorts,
    ReplayReport, ReplayRequest,
};

/// Reads registered policies, compiled, for callers that validate and do not run them.
pub trait LoadPolicy: Send + Sync {
    /// The policy that a URI stands for now.
    ///
    /// # Errors
    /// As [`crate::Pipeline::load`].
    fn load_policy(
        &self,
        workspace: &Workspace,
        uri: &PolicyUri,
    ) -> impl Future<Output = Result<Arc<CompiledPolicy>, Error>> + Send;
}

port!(LoadPolicy = RegistryPorts);

/// Runs registered policies and records the runs.
pub trait Execute: Send + Sync {
    /// Runs a policy and records it.
    ///
    /// # Errors
    /// As [`crate::Pipeline::execute`]: what kept the run from starting or from being recorded. A
    /// run that failed is a record with an error.
    fn execute(
        &self,
        request: ExecutionRequest,
    ) -> impl Future<Output = Result<ExecutionReport, Error>> + Send;

    /// Runs a policy and commits its record by `commit`. Dropping the future stops the policy.
    ///
    /// # Errors
    /// As [`crate::Pipeline::execute_for`].
    fn execute_for(
        &self,
        request: ExecutionRequest,
        commit: &impl Commit,
    ) -> impl Future<Output = Result<ExecutionReport, Error>> + Send;
}

port!(Execute = Ports + RegistryPorts);

/// Runs recorded executions again.
pub trait Replay: Send + Sync {
    /// Runs a record again and compares.
    ///
    /// # Errors
    /// As [`crate::Pipeline::replay`]: [`writ_model::ErrorKind::NotFound`]; what kept the run from
    /// starting.
    fn replay(
        &self,
        request: ReplayRequest,
    ) -> impl Future<Output = Result<ReplayReport, Error>> + Send;
}

port!(Replay = ReplayPorts);
