//! The engine's maintenance thread: work that is done after a caller has its reply.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use crate::Cancellation;
use crate::engine::Shared;
use crate::host::{Purpose, Worker};
use crate::pool::Key;

/// One task of the maintenance thread.
#[derive(Debug)]
pub(crate) enum Task {
    /// Waits for the end of a killed worker and reaps it.
    Reap(Worker),
    /// The same, and prepares its successor if the slot reserved for it is still unused.
    Replace { worker: Worker, key: Key },
    /// Ends the thread; it is the last task.
    Stop,
}

/// Runs tasks until [`Task::Stop`], or until the engine is gone.
pub(crate) fn run(shared: &Shared, tasks: &Receiver<Task>) {
    while let Ok(task) = tasks.recv() {
        match task {
            Task::Reap(worker) => drop(worker),
            Task::Replace { worker, key } => {
                let source = Arc::clone(worker.source());
                // The successor first: a call may already wait for it.
                if let Some(request) = shared.pool.take_reserved(&key) {
                    match shared.start_worker(&source, Purpose::Run, &Cancellation::default()) {
                        Ok(spare) => drop(shared.pool.release(&request, spare)),
                        Err(error) => {
                            // The next call meets the same error, and reports it.
                            tracing::debug!(%error, "no spare worker");
                            shared.pool.release_slot(&request);
                        }
                    }
                }
                drop(worker);
            }
            Task::Stop => return,
        }
    }
}
