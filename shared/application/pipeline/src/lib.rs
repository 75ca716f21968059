//! The one way that anything is executed: load, validate, admit, run, validate, record.
//!
//! Every form of a run (in process, on the builtin executor, a replay) is a method of [`Pipeline`]
//! over other ports.

mod capabilities;
mod commit;
mod compiled_policy;
mod errors;
mod execute;
mod execution_request;
mod failure;
mod management;
mod mask;
mod metadata;
mod pipeline;
mod plan;
mod policy_cache;
mod precheck;
mod registry;
mod replay;
mod run;
mod validate;

pub use capabilities::{Execute, LoadPolicy, Replay};
pub use commit::Commit;
pub use compiled_policy::CompiledPolicy;
pub use errors::to_error;
pub use execute::{ExecutionReport, Ports};
pub use execution_request::{ExecutionRequest, ReplayInputs, known_executor};
pub use pipeline::Pipeline;
pub use plan::{Change, Example, Group, Plan, PlanRequest, Skipped, plan};
pub use policy_cache::PolicyCache;
pub use registry::{RegistryPorts, RegistrySource};
pub use replay::{ReplayPorts, ReplayReport, ReplayRequest};
pub use validate::validate_documents;
