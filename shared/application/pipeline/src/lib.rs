//! The one way that anything is executed: load, validate, admit, run, validate, record.
//!
//! Every form of a run (in process, on the builtin executor, a replay) is [`execute`] over other
//! ports.

mod commit;
mod compiled_policy;
mod errors;
mod execute;
mod execution_request;
mod failure;
mod load;
mod management;
mod mask;
mod metadata;
mod plan;
mod policy_cache;
mod precheck;
mod registry;
mod replay;
mod run;

pub use commit::Commit;
pub use compiled_policy::CompiledPolicy;
pub use errors::to_error;
pub use execute::{ExecutionReport, Ports, execute, execute_alone, execute_for};
pub use execution_request::{BUILTIN, ExecutionRequest, ReplayInputs, known_executor};
pub use load::look_up;
pub use plan::{Change, Example, Group, Plan, PlanRequest, Skipped, plan};
pub use policy_cache::{HasPolicyCache, PolicyCache};
pub use registry::{RegistryPorts, RegistrySource};
pub use replay::{ReplayPorts, ReplayReport, replay};

use std::future::Future;

use writ_model::{Error, Execution, Workspace};
use writ_ports::port;

/// Runs policies: the pipeline behind one capability.
pub trait Execute: Send + Sync {
    /// Runs a policy and records it.
    ///
    /// # Errors
    /// What kept the run from starting or from being recorded. A run that failed is a record
    /// with an error.
    fn execute(
        &self,
        order: ExecutionRequest,
    ) -> impl Future<Output = Result<Execution, Error>> + Send;
}

port!(Execute = Ports + RegistryPorts);

/// Runs records again: the pipeline behind one capability.
pub trait Replay: Send + Sync {
    /// Runs a record again and compares.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::NotFound`]; what kept the run from starting.
    fn replay(
        &self,
        order: ReplayRequest,
    ) -> impl Future<Output = Result<ReplayReport, Error>> + Send;
}

port!(Replay = ReplayPorts);

/// Which record to run again, and for whom.
#[derive(Clone, Debug)]
pub struct ReplayRequest {
    /// Whose record.
    pub workspace: Workspace,
    /// Which.
    pub execution_id: String,
    /// Who asks.
    pub identity: String,
    /// How they proved it.
    pub principal_kind: String,
}
