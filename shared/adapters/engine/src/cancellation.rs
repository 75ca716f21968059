//! Cancellation of a run from another thread than the one that waits for its end.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::sys::PidFd;

/// A handle to cancel one run, whether it waits, compiles or runs; see
/// [`Engine::cancel`](crate::Engine::cancel).
#[derive(Debug, Default)]
pub struct Cancellation {
    stage: Mutex<Stage>,
    /// Notified when the waiting run gets a slot, or is cancelled.
    condvar: Arc<Condvar>,
}

#[derive(Debug, Default)]
enum Stage {
    /// No worker is registered: not yet, or not any more.
    #[default]
    Idle,
    /// This worker compiles the source, or runs the call.
    Running(Arc<PidFd>),
    /// The run is cancelled; no worker can be registered any more.
    Cancelled,
}

impl Cancellation {
    /// Whether the run was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(*self.stage(), Stage::Cancelled)
    }

    /// Registers the worker to be killed by a cancellation. Returns `false`, and leaves the worker
    /// untouched, if the run was already cancelled.
    pub(crate) fn register(&self, worker: &Arc<PidFd>) -> bool {
        let mut stage = self.stage();
        if matches!(*stage, Stage::Cancelled) {
            return false;
        }
        *stage = Stage::Running(Arc::clone(worker));
        true
    }

    /// Unregisters the worker. Returns `false` if the run was cancelled: the worker is killed then,
    /// and must not serve another run.
    pub(crate) fn unregister(&self) -> bool {
        let mut stage = self.stage();
        if matches!(*stage, Stage::Cancelled) {
            return false;
        }
        *stage = Stage::Idle;
        true
    }

    /// Cancels the run and kills its worker. A waiting run must be notified by the caller.
    pub(crate) fn cancel(&self) {
        if let Stage::Running(worker) = std::mem::replace(&mut *self.stage(), Stage::Cancelled) {
            worker.kill();
        }
    }

    pub(crate) fn condvar(&self) -> &Arc<Condvar> {
        &self.condvar
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        // INVARIANT: nothing panics while it holds the lock.
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};
    use std::time::Duration;

    use super::*;

    const AT_ONCE: Duration = Duration::ZERO;
    const LONG: Duration = Duration::from_secs(60);

    /// A child process that sleeps until it is killed.
    struct Process {
        child: Child,
        pidfd: Arc<PidFd>,
    }

    impl Process {
        fn start() -> Self {
            let child = Command::new("sleep").arg("600").stdout(Stdio::null()).spawn().unwrap();
            let pidfd = PidFd::open(i32::try_from(child.id()).unwrap()).unwrap();
            Self { child, pidfd: Arc::new(pidfd) }
        }
    }

    impl Drop for Process {
        fn drop(&mut self) {
            self.pidfd.kill();
            self.child.wait().unwrap();
        }
    }

    #[test]
    fn a_cancellation_kills_the_worker_that_it_finds_and_no_later_one() {
        let (first, later) = (Process::start(), Process::start());
        let cancellation = Cancellation::default();
        assert!(cancellation.register(&first.pidfd));
        cancellation.cancel();
        assert!(first.pidfd.wait(LONG));
        assert!(!cancellation.unregister());
        assert!(!cancellation.register(&later.pidfd));
        cancellation.cancel();
        assert!(!later.pidfd.wait(AT_ONCE));
    }

    #[test]
    fn a_worker_that_has_finished_its_run_is_not_killed() {
        let process = Process::start();
        let cancellation = Cancellation::default();
        assert!(cancellation.register(&process.pidfd));
        assert!(cancellation.unregister());
        cancellation.cancel();
        assert!(cancellation.is_cancelled());
        assert!(!process.pidfd.wait(AT_ONCE));
    }
}
