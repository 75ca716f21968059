//! The engine's own thread: what can be done after a caller has its answer.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use crate::Cancellation;
use crate::engine::Shared;
use crate::host::Worker;
use crate::pool::Key;

/// Something to do later.
#[derive(Debug)]
pub(crate) enum Task {
    /// Wait for the end of a killed worker.
    Reap(Worker),
    /// The same, and prepare its successor if nobody has used the place reserved for it.
    Replace {
        /// The killed one.
        worker: Worker,
        /// Whom the successor is for.
        key: Key,
    },
    /// Nothing follows.
    Stop,
}

/// Does chores until told to stop.
pub(crate) fn run(shared: &Shared, tasks: &Receiver<Task>) {
    while let Ok(task) = tasks.recv() {
        match task {
            Task::Reap(worker) => drop(worker),
            Task::Replace { worker, key } => {
                let source = Arc::clone(worker.source());
                // The successor comes first: somebody may wait for it.
                if let Some(claim) = shared.pool.take_reserved(&key) {
                    match shared.start_worker(&source, &Cancellation::default()) {
                        Ok(spare) => drop(shared.pool.release(&claim, spare)),
                        Err(error) => {
                            // The next call finds out for itself, and reports it.
                            tracing::debug!(%error, "no spare worker");
                            shared.pool.release_slot(&claim);
                        }
                    }
                }
                drop(worker);
            }
            Task::Stop => return,
        }
    }
}
