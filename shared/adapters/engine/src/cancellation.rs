//! Stopping a run from another thread than the one that waits for its end.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::sys::PidFd;

/// A way to stop one run, whatever it does just then; see
/// [`Engine::cancel`](crate::Engine::cancel).
#[derive(Debug, Default)]
pub struct Cancellation {
    stage: Mutex<Stage>,
    /// What the run sleeps on while it waits for a place.
    wake: Arc<Condvar>,
}

#[derive(Debug, Default)]
enum Stage {
    /// No process works for the run: not yet, or not any more.
    #[default]
    Idle,
    /// This one compiles its source, or runs its call.
    Served(Arc<PidFd>),
    /// Nothing works for it, and nothing will.
    Cancelled,
}

impl Cancellation {
    /// Whether the run has been told to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(*self.stage(), Stage::Cancelled)
    }

    /// From here on a cancellation kills this worker. Says whether there was none yet; otherwise
    /// the worker is untouched.
    pub(crate) fn watch(&self, worker: &Arc<PidFd>) -> bool {
        let mut stage = self.stage();
        if matches!(*stage, Stage::Cancelled) {
            return false;
        }
        *stage = Stage::Served(Arc::clone(worker));
        true
    }

    /// From here on no cancellation kills anything. Says whether none has: only then may the
    /// worker serve somebody else.
    pub(crate) fn unwatch(&self) -> bool {
        let mut stage = self.stage();
        if matches!(*stage, Stage::Cancelled) {
            return false;
        }
        *stage = Stage::Idle;
        true
    }

    /// Stops what works for the run, now and in future. A run that sleeps has to be woken.
    pub(crate) fn cancel(&self) {
        if let Stage::Served(worker) = std::mem::replace(&mut *self.stage(), Stage::Cancelled) {
            worker.kill();
        }
    }

    pub(crate) fn wake(&self) -> &Arc<Condvar> {
        &self.wake
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

    /// Something to kill.
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
        assert!(cancellation.watch(&first.pidfd));
        cancellation.cancel();
        assert!(first.pidfd.wait(LONG));
        assert!(!cancellation.unwatch());
        assert!(!cancellation.watch(&later.pidfd));
        cancellation.cancel();
        assert!(!later.pidfd.wait(AT_ONCE));
    }

    #[test]
    fn a_worker_that_has_done_its_run_is_not_killed() {
        let process = Process::start();
        let cancellation = Cancellation::default();
        assert!(cancellation.watch(&process.pidfd));
        assert!(cancellation.unwatch());
        cancellation.cancel();
        assert!(cancellation.is_cancelled());
        assert!(!process.pidfd.wait(AT_ONCE));
    }
}
