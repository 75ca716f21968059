//! A zygote as the platform sees it: it forks workers and says how they ended.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use writ_model::Language;

use super::ending::Ending;
use super::launch::{Keeper, Launched, launch};
use crate::sys::PidFd;
use crate::wire::control::{self, Packet};

/// How long a shutdown waits for callers whose workers it has killed.
const FAREWELL_PATIENCE: Duration = Duration::from_secs(20);

/// One running zygote. Dropping it ends it and every worker of it.
#[derive(Debug)]
pub(crate) struct Zygote {
    weak: bool,
    lost: AtomicBool,
    state: Mutex<State>,
    /// Signalled when a worker was reaped.
    reaped: Condvar,
    /// Ends the process when it is dropped.
    keeper: Mutex<Option<Keeper>>,
}

#[derive(Debug)]
struct State {
    control: OwnedFd,
    /// Every worker that is not reaped yet. Until then nobody else gets its number.
    workers: HashMap<i32, Arc<PidFd>>,
    closed: bool,
}

impl Zygote {
    /// Starts the zygote of a language, which takes as long as the language's imports.
    pub(crate) fn start(language: Language, weak: bool) -> Result<Self, String> {
        let Launched { control, keeper } = launch(language, weak)?;
        Ok(Self {
            weak,
            lost: AtomicBool::new(false),
            state: Mutex::new(State { control, workers: HashMap::new(), closed: false }),
            reaped: Condvar::new(),
            keeper: Mutex::new(Some(keeper)),
        })
    }

    /// Whether it has stopped answering; another one has to be started.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    /// Whether a worker without the whole sandbox is better than none.
    pub(super) fn is_weak(&self) -> bool {
        self.weak
    }

    /// How many of its workers exist.
    pub(crate) fn workers(&self) -> usize {
        self.state().workers.len()
    }

    /// Kills every worker, waits until their callers have noticed, and ends the process.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        for pidfd in state.workers.values() {
            pidfd.kill();
        }
        let waited = self.reaped.wait_timeout_while(state, FAREWELL_PATIENCE, |state| {
            !state.workers.is_empty() && !self.is_lost()
        });
        if waited.is_ok_and(|(_, waited)| waited.timed_out()) {
            tracing::error!("some workers were not reaped before the end of their zygote");
        }
        drop(self.keeper.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Whether [`Self::close`] was called.
    pub(super) fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// Forks a worker around its socket, its standard error and the pipe into which it prints.
    pub(super) fn fork(&self, fds: [BorrowedFd<'_>; 3]) -> io::Result<(i32, Arc<PidFd>)> {
        let mut state = self.state();
        if state.closed {
            return Err(io::Error::other("the engine was shut down"));
        }
        let request = Packet::new(control::FORK, self.weak.into());
        let pid = self.ask(&state, request, &fds)?.a;
        if pid <= 0 {
            return Err(io::Error::from_raw_os_error(pid.saturating_neg()));
        }
        // Sound although the number came over a socket: the zygote reaps nobody unasked.
        let pidfd = Arc::new(PidFd::open(pid)?);
        state.workers.insert(pid, Arc::clone(&pidfd));
        Ok((pid, pidfd))
    }

    /// Says how a worker ended that has ended.
    pub(super) fn reap(&self, pid: i32) -> Ending {
        let mut state = self.state();
        let answer = self.ask(&state, Packet::new(control::REAP, pid), &[]);
        state.workers.remove(&pid);
        drop(state);
        self.reaped.notify_all();
        answer.map_or(Ending::Unknown, Ending::from)
    }

    fn ask(&self, state: &State, request: Packet, fds: &[BorrowedFd<'_>]) -> io::Result<Packet> {
        let socket = state.control.as_fd();
        let answer = control::send(socket, request, fds)
            .and_then(|()| control::receive(socket))
            .and_then(|answer| answer.ok_or_else(|| io::ErrorKind::UnexpectedEof.into()));
        match answer {
            Ok((packet, _)) => Ok(packet),
            Err(error) => {
                tracing::warn!(%error, "a zygote is lost");
                self.lost.store(true, Ordering::Release);
                Err(error)
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // INVARIANT: nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
