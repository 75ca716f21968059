//! Who does the jobs on Lambda: from a batch of the queue's messages to a look for each.
//!
//! A message is only a hint. Its look runs in a task of its own, so that a panic costs that message
//! and no other; what could not be worked on is given back by its id and comes again, until the
//! queue puts it among the dead letters.

mod batch;
mod message;
mod signal_handler;

pub use batch::{Batch, batch};
pub use signal_handler::{PipelineSignalHandler, SignalHandler};

use writ_jobs::Runner;

/// The platform's own executor.
const BUILTIN: &str = "builtin";

/// A runner of the platform's own, by the name of the machine that it runs on.
#[must_use]
pub fn named(node_id: Option<String>) -> Runner {
    Runner { executor_id: BUILTIN.to_owned(), node_id }
}
