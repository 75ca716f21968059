//! Items past their time to live.

use std::io;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// DynamoDB promises to remove expired items within days; readers check the time themselves.
const EVERY: Duration = Duration::from_secs(300);

/// The thread that removes them. Dropping it ends the thread.
#[derive(Debug)]
pub(super) struct Sweeper {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sweeper {
    pub(super) fn start(database: dynoxide::Database) -> io::Result<Self> {
        let (stop, stopped) = channel::<()>();
        let thread =
            std::thread::Builder::new().name("dynamodb-ttl".to_owned()).spawn(move || {
                while stopped.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                    if let Err(error) = database.sweep_ttl() {
                        tracing::warn!(%error, "expired items could not be removed");
                    }
                }
            })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has nothing left to sweep.
            let _ = thread.join();
        }
    }
}
