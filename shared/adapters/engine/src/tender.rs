//! The engine's own thread: what can be done after a caller has its answer.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use crate::Cancellation;
use crate::engine::Shared;
use crate::host::Worker;
use crate::pool::Key;

/// Something to do later.
#[derive(Debug)]
pub(crate) enum Chore {
    /// Wait for the end of a killed worker.
    Bury(Worker),
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
pub(crate) fn tend(shared: &Shared, chores: &Receiver<Chore>) {
    while let Ok(chore) = chores.recv() {
        match chore {
            Chore::Bury(worker) => drop(worker),
            Chore::Replace { worker, key } => {
                let source = Arc::clone(worker.source());
                // The successor comes first: somebody may wait for it.
                if let Some(claim) = shared.pool.take_reserved(&key) {
                    match shared.start_worker(&source, &Cancellation::default()) {
                        Ok(spare) => drop(shared.pool.release(&claim, spare)),
                        Err(error) => {
                            // The next call finds out for itself, and reports it.
                            tracing::debug!(%error, "no spare worker");
                            shared.pool.retire(&claim);
                        }
                    }
                }
                drop(worker);
            }
            Chore::Stop => return,
        }
    }
}
