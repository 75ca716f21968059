//! The one way that anything is executed: load, validate, admit, run, validate, record.
//!
//! Every form of a run (in process, on the builtin executor, a replay) is [`execute`] over other
//! ports.

mod commit;
mod execute;
mod failure;
mod fault;
mod load;
mod management;
mod mask;
mod metadata;
mod order;
mod plan;
mod precheck;
mod prepared;
mod registry;
mod replay;
mod run;
mod shelf;

pub use commit::Commit;
pub use execute::{Executed, Ports, execute, execute_alone, execute_for};
pub use fault::to_error;
pub use load::look_up;
pub use order::{BUILTIN, Fixed, Order, known_executor};
pub use plan::{Change, Example, Group, Plan, PlanOrder, Skipped, plan};
pub use prepared::Prepared;
pub use registry::Registry;
pub use replay::{Replayed, replay};
pub use shelf::{Shelf, Shelved};

use std::future::Future;

use writ_model::{Error, Execution, Workspace};

/// What a route needs to run a policy: everything of the pipeline behind one capability.
pub trait Execute: Send + Sync {
    /// Runs a policy and records it.
    ///
    /// # Errors
    /// What kept the run from starting or from being recorded. A run that failed is a record
    /// with an error.
    fn execute(&self, order: Order) -> impl Future<Output = Result<Execution, Error>> + Send;

    /// Runs a record again and compares.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::NotFound`]; what kept the run from starting.
    fn replay(&self, order: ReplayOrder) -> impl Future<Output = Result<Replayed, Error>> + Send;
}

/// Which record to run again, and for whom.
#[derive(Clone, Debug)]
pub struct ReplayOrder {
    /// Whose record.
    pub workspace: Workspace,
    /// Which.
    pub execution_id: String,
    /// Who asks.
    pub identity: String,
    /// How they proved it.
    pub principal_kind: String,
}
