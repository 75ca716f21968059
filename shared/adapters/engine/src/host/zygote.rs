//! The platform's handle of a zygote, which forks workers and reports how they ended.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::exit_status::ExitStatus;
use super::launch::{ParentThread, ZygoteProcess, launch};
use crate::sys::PidFd;
use crate::wire::control::{self, Packet};
use crate::zygote_kind::ZygoteKind;

/// How long a shutdown waits until the workers that it has killed are reaped by their callers.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(20);

/// One running zygote. Dropping this value kills the zygote and all its workers.
#[derive(Debug)]
pub(crate) struct Zygote {
    allow_weak: bool,
    lost: AtomicBool,
    state: Mutex<State>,
    /// Notified when a worker was reaped.
    reaped: Condvar,
    /// Kills the process when it is dropped.
    parent_thread: Mutex<Option<ParentThread>>,
}

#[derive(Debug)]
struct State {
    control: OwnedFd,
    /// Every worker that is not reaped yet, by process number. The kernel does not give the number
    /// to another process before that.
    workers: HashMap<i32, Arc<PidFd>>,
    closed: bool,
}

impl Zygote {
    /// Starts a zygote; that of a language takes as long as the language's imports.
    pub(crate) fn start(kind: ZygoteKind, allow_weak: bool) -> Result<Self, String> {
        let ZygoteProcess { control, parent_thread } = launch(kind, allow_weak)?;
        Ok(Self {
            allow_weak,
            lost: AtomicBool::new(false),
            state: Mutex::new(State { control, workers: HashMap::new(), closed: false }),
            reaped: Condvar::new(),
            parent_thread: Mutex::new(Some(parent_thread)),
        })
    }

    /// Whether the zygote no longer replies, so that another one has to be started.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    /// Whether workers may run without the whole sandbox.
    pub(super) fn allows_weak_sandbox(&self) -> bool {
        self.allow_weak
    }

    /// The number of workers that are not reaped yet.
    pub(crate) fn workers(&self) -> usize {
        self.state().workers.len()
    }

    /// Kills every worker, waits until they are reaped, and ends the zygote.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        for pidfd in state.workers.values() {
            pidfd.kill();
        }
        let waited = self.reaped.wait_timeout_while(state, SHUTDOWN_TIMEOUT, |state| {
            !state.workers.is_empty() && !self.is_lost()
        });
        if waited.is_ok_and(|(_, waited)| waited.timed_out()) {
            tracing::error!("some workers were not reaped before the end of their zygote");
        }
        drop(self.parent_thread.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    /// Whether [`Self::close`] was called; from then on no worker is forked.
    pub(super) fn is_closed(&self) -> bool {
        self.state().closed
    }

    /// Forks a worker with these descriptors: its socket, its standard error, the pipe for a copy of
    /// what it prints, and the memory file for its checkpoint.
    pub(super) fn fork(&self, fds: [BorrowedFd<'_>; 4]) -> io::Result<(i32, Arc<PidFd>)> {
        let mut state = self.state();
        if state.closed {
            return Err(io::Error::other("the engine was shut down"));
        }
        let request = Packet::new(control::FORK, self.allow_weak.into());
        let pid = self.exchange(&state, request, &fds)?.a;
        if pid <= 0 {
            return Err(io::Error::from_raw_os_error(pid.saturating_neg()));
        }
        // No race, although the number came over a socket: the zygote reaps a worker only on request.
        let pidfd = Arc::new(PidFd::open(pid)?);
        state.workers.insert(pid, Arc::clone(&pidfd));
        Ok((pid, pidfd))
    }

    /// Reaps a worker that has ended, and returns its exit status.
    pub(super) fn reap(&self, pid: i32) -> ExitStatus {
        let mut state = self.state();
        let answer = self.exchange(&state, Packet::new(control::REAP, pid), &[]);
        state.workers.remove(&pid);
        drop(state);
        self.reaped.notify_all();
        answer.map_or(ExitStatus::Unknown, ExitStatus::from)
    }

    fn exchange(
        &self,
        state: &State,
        request: Packet,
        fds: &[BorrowedFd<'_>],
    ) -> io::Result<Packet> {
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
