//! One worker as the platform sees it: from its fork to its burial.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::resource::Resource;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};

use super::channel::{Channel, ChannelError};
use super::deadline::Deadline;
use super::ending::RunLimits;
use super::{Zygote, validate};
use crate::config::CompileBudget;
use crate::sys::{self, PidFd};
use crate::wire::{OrderRef, PRINTED_BYTES_MAX, Reply};
use crate::{Budget, Call, Cancellation, Checked, Failed, Failure, Outcome, Source};

/// JSON writes one byte as six at most (`\u0000`); twice, for the output and for what was
/// printed.
const REPLY_GROWTH: usize = 12;
/// What an answer may need beside output and print: coverage, a traceback, diagnostics.
const REPLY_BYTES_EXTRA: usize = 4 << 20;
/// How much of a worker's last words is read.
const STDERR_BYTES_MAX: usize = 16 << 10;
/// How long a process may take to end once it has hung up or was killed: the kernel frees its
/// memory meanwhile.
const DEATH_PATIENCE: Duration = Duration::from_secs(10);

/// A process that has compiled one source and can run it.
#[derive(Debug)]
pub(crate) struct Worker {
    zygote: Arc<Zygote>,
    source: Arc<Source>,
    pid: i32,
    pidfd: Arc<PidFd>,
    channel: Channel,
    stderr: OwnedFd,
    /// Where it leaves a copy of what it prints.
    printed: OwnedFd,
    checked: Checked,
    reusable: bool,
    /// The address space that it has when idle.
    idle_bytes: u64,
    /// The limits that are in force, so that an unchanged one costs no system call.
    limits: Limits,
    runs: u64,
    reaped: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Limits {
    address_space: u64,
    cpu_s: u64,
}

/// A run that ended its worker, or a worker that never came to run.
#[derive(Debug)]
pub(crate) enum RunError {
    /// It was dead before it got the call, which therefore did not run.
    Unsent,
    /// This came of the call.
    Failed(Failed),
}

impl Worker {
    /// Forks a worker and has it compile a source, which a cancellation stops.
    pub(crate) fn start(
        zygote: &Arc<Zygote>,
        source: &Arc<Source>,
        budget: &CompileBudget,
        cancellation: &Cancellation,
    ) -> Result<Self, Failure> {
        let mut worker = Self::fork(zygote, source)
            .map_err(|error| Failure::WorkerLost { reason: format!("no start: {error}") })?;
        if !cancellation.watch(&worker.pidfd) {
            return Err(cancelled());
        }
        let limits = RunLimits {
            time_ms: u64::try_from(budget.time.as_millis()).unwrap_or(u64::MAX),
            memory_bytes: budget.memory_bytes_max,
        };
        let reply = worker.arm(budget.time, budget.memory_bytes_max).and_then(|deadline| {
            worker.channel.ask(OrderRef::Compile(source), &deadline, REPLY_BYTES_EXTRA)
        });
        match reply {
            Ok(Reply::Ready { checked, reusable }) => {
                worker.checked = checked;
                worker.reusable = reusable;
                worker.measure().map_err(|error| worker.explain(&error.into(), limits))?;
                cancellation.unwatch().then_some(worker).ok_or_else(cancelled)
            }
            Ok(Reply::Refused(diagnostics)) => Err(Failure::Compile(diagnostics)),
            Ok(_) => {
                Err(worker
                    .explain(&ChannelError::ProtocolViolation("not its turn".to_owned()), limits))
            }
            Err(broken) => Err(worker.explain(&broken, limits)),
        }
    }

    fn fork(zygote: &Arc<Zygote>, source: &Arc<Source>) -> io::Result<Self> {
        let (ours, theirs) =
            socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC)?;
        fcntl(&ours, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let (stderr, their_stderr) = nix::unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        let (printed, their_printed) = nix::unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        let channel = Channel::new(ours)?;
        let fds = [theirs.as_fd(), their_stderr.as_fd(), their_printed.as_fd()];
        let (pid, pidfd) = zygote.fork(fds)?;
        let mut worker = Self {
            zygote: Arc::clone(zygote),
            source: Arc::clone(source),
            pid,
            pidfd,
            channel,
            stderr,
            printed,
            checked: Checked::default(),
            reusable: false,
            idle_bytes: 0,
            limits: Limits::default(),
            runs: 0,
            reaped: false,
        };
        worker.measure()?;
        Ok(worker)
    }

    /// Runs a call. After an error the worker is dead.
    pub(crate) fn run(
        &mut self,
        call: &Call,
        budget: &Budget,
        deadline: &Deadline,
    ) -> Result<Result<Outcome, Failed>, RunError> {
        let reply_bytes_max =
            budget.output_bytes_max.saturating_mul(REPLY_GROWTH).saturating_add(REPLY_BYTES_EXTRA);
        let reply = self.limit(budget.time, budget.memory_bytes_max).and_then(|()| {
            let order = OrderRef::Run { call, budget };
            self.channel.ask(order, deadline, reply_bytes_max)
        });
        self.runs += 1;
        let limits =
            RunLimits { time_ms: deadline.budget_ms(), memory_bytes: budget.memory_bytes_max };
        let failure = match reply {
            Ok(Reply::Ran { result, printed, reusable }) => {
                self.reusable &= reusable;
                let result = validate::result(result, printed, call, budget);
                let printed = result.as_ref().map_or_else(|no| &no.printed, |yes| &yes.printed);
                if !printed.is_empty() {
                    // The copy of it is not the next run's.
                    self.copies();
                }
                return Ok(result);
            }
            Err(ChannelError::Unsent) if !self.zygote.is_closed() => return Err(RunError::Unsent),
            Err(ChannelError::TooLarge) => {
                self.end();
                Failure::OutputTooLarge { budget_bytes: budget.output_bytes_max }
            }
            Ok(_) => {
                self.explain(&ChannelError::ProtocolViolation("not its turn".to_owned()), limits)
            }
            Err(broken) => self.explain(&broken, limits),
        };
        let printed = validate::printed(self.copies(), budget);
        Err(RunError::Failed(Failed { failure, printed }))
    }

    /// Has a cancellation kill it from here on; see [`Cancellation::watch`].
    pub(crate) fn register_cancellation(&self, cancellation: &Cancellation) -> bool {
        cancellation.watch(&self.pidfd)
    }

    /// What its compiler said.
    pub(crate) fn checked(&self) -> &Checked {
        &self.checked
    }

    /// What it has compiled.
    pub(crate) fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// Whether it may serve another run.
    pub(crate) fn is_reusable(&self) -> bool {
        self.reusable
    }

    /// How many calls it has got.
    pub(crate) fn runs(&self) -> u64 {
        self.runs
    }

    /// Stops it now; [`Drop`] waits for its end and buries it.
    pub(crate) fn kill(&self) {
        self.pidfd.kill();
    }

    fn arm(&mut self, time: Duration, memory: u64) -> Result<Deadline, ChannelError> {
        self.limit(time, memory)?;
        Ok(Deadline::after(time)?)
    }

    fn measure(&mut self) -> io::Result<()> {
        self.idle_bytes = sys::address_space(self.pid)?;
        Ok(())
    }

    /// Re-arms the limits from outside: the worker itself may not touch them.
    fn limit(&mut self, time: Duration, memory: u64) -> Result<(), ChannelError> {
        let used = sys::cpu_used(self.pid).map_err(gone)?;
        // Whole seconds, rounded up: the deadline comes first, this holds if we are stopped.
        let cpu_s = used.saturating_add(time).as_secs() + 1;
        if self.limits.cpu_s != cpu_s {
            self.set_limit(Resource::RLIMIT_CPU, cpu_s)?;
            self.limits.cpu_s = cpu_s;
        }
        let address_space = self.idle_bytes.saturating_add(memory);
        if self.limits.address_space != address_space {
            self.set_limit(Resource::RLIMIT_AS, address_space)?;
            self.limits.address_space = address_space;
        }
        Ok(())
    }

    fn set_limit(&self, resource: Resource, soft: u64) -> Result<(), ChannelError> {
        match sys::set_soft_limit(self.pid, resource, soft).map_err(gone) {
            // The operator has been told at the start, and has agreed.
            Err(ChannelError::Host(_)) if self.zygote.is_weak() => Ok(()),
            other => other,
        }
    }

    /// Ends the worker, if it has not ended already, and says what became of the call.
    fn explain(&mut self, broken: &ChannelError, limits: RunLimits) -> Failure {
        match broken {
            ChannelError::Unsent | ChannelError::Closed => {
                // It has hung up, so its end is near; how it ends by itself says why.
                if !self.pidfd.wait(DEATH_PATIENCE) {
                    self.pidfd.kill();
                }
                let ending = self.bury();
                if self.zygote.is_closed() {
                    return Failure::WorkerLost { reason: "the engine was shut down".to_owned() };
                }
                ending.explain(&self.stderr_tail(), limits)
            }
            ChannelError::Expired => {
                self.end();
                Failure::TimedOut { budget_ms: limits.time_ms }
            }
            ChannelError::TooLarge => {
                self.end();
                Failure::Crashed { signal: "an endless answer".to_owned() }
            }
            ChannelError::ProtocolViolation(what) => {
                self.end();
                Failure::Crashed { signal: format!("an unreadable answer: {what}") }
            }
            ChannelError::Host(what) => {
                self.end();
                Failure::WorkerLost { reason: what.clone() }
            }
        }
    }

    fn end(&mut self) {
        self.pidfd.kill();
        self.bury();
    }

    fn bury(&mut self) -> super::ending::Ending {
        self.reaped = true;
        if !self.pidfd.wait(DEATH_PATIENCE) {
            tracing::error!(pid = self.pid, "a killed worker does not end");
        }
        self.zygote.reap(self.pid)
    }

    fn stderr_tail(&self) -> String {
        String::from_utf8_lossy(&taken(&self.stderr, STDERR_BYTES_MAX)).into_owned()
    }

    /// Empties the pipe into which it prints.
    fn copies(&self) -> Vec<u8> {
        taken(&self.printed, PRINTED_BYTES_MAX)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if !self.reaped {
            self.end();
        }
    }
}

/// What a pipe holds, which it never has us wait for.
fn taken(pipe: &OwnedFd, bytes_max: usize) -> Vec<u8> {
    let mut bytes = vec![0; bytes_max];
    let length = nix::unistd::read(pipe, &mut bytes).unwrap_or(0);
    bytes.truncate(length);
    bytes
}

/// What became of a run that nobody wanted any more.
pub(crate) fn cancelled() -> Failure {
    Failure::WorkerLost { reason: "its run was cancelled".to_owned() }
}

/// A process that has ended has no clock and no limits any more; whether the zygote has been
/// lost as well, its end will tell.
fn gone(error: io::Error) -> ChannelError {
    match error.raw_os_error() {
        Some(libc::ESRCH | libc::EINVAL) => ChannelError::Unsent,
        _ => ChannelError::Host(format!("its limits cannot be set: {error}")),
    }
}

impl From<io::Error> for ChannelError {
    fn from(error: io::Error) -> Self {
        Self::Host(error.to_string())
    }
}
