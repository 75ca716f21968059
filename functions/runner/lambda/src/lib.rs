//! The job runner on Lambda: processes the signals of a batch of the queue's messages.
//!
//! Each signal is processed in a task of its own, so that a panic costs that message and no other. A
//! message that could not be processed is returned by its id and delivered again, until the queue
//! puts it among the dead letters.

mod batch;
mod message;
mod signal_handler;

pub use batch::{Batch, batch};
pub use signal_handler::{PipelineSignalHandler, SignalHandler};

use writ_jobs::Runner;
use writ_model::ExecutorId;

/// A runner of the platform's own, by the name of the machine that it runs on.
#[must_use]
pub fn runner(node_id: Option<String>) -> Runner {
    Runner { executor_id: ExecutorId::BUILTIN, node_id }
}
