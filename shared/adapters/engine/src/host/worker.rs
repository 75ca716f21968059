//! The platform's handle of one worker, from its fork until it is reaped.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::resource::Resource;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};

use super::channel::{Channel, ChannelError};
use super::deadline::Deadline;
use super::exit_status::{ExitStatus, RunLimits};
use super::purpose::{Purpose, blame};
use super::{Zygote, validate};
use crate::config::CompileBudget;
use crate::sys::{self, PidFd};
use crate::wire::{IMAGE_BYTES_MAX, PRINTED_BYTES_MAX, Reply, WorkerRequestRef};
use crate::worker::{memory_file, seal};
use crate::{Budget, Call, Cancellation, CheckReport, FailedRun, Failure, Outcome, Source};

/// The largest ratio of a reply to the output limit: JSON escapes one byte as six at most (`\u0000`),
/// and the limit applies twice, to the output and to what was printed.
const REPLY_GROWTH: usize = 12;
/// Bytes of a reply beside the output and the printed text: coverage, a traceback, diagnostics.
const REPLY_BYTES_EXTRA: usize = 4 << 20;
/// How much of a worker's standard error is read.
const STDERR_BYTES_MAX: usize = 16 << 10;
/// How long a process may take to end after it closed its socket or was killed: the kernel frees
/// its memory meanwhile.
const EXIT_TIMEOUT: Duration = Duration::from_secs(10);

/// A process that has compiled one source and can run it.
#[derive(Debug)]
pub(crate) struct Worker {
    zygote: Arc<Zygote>,
    source: Arc<Source>,
    pid: i32,
    pidfd: Arc<PidFd>,
    channel: Channel,
    stderr: OwnedFd,
    /// The pipe with a copy of what the worker prints.
    printed: OwnedFd,
    checked: CheckReport,
    /// Whether it puts its memory back after each run.
    reusable: bool,
    /// The address space of the idle worker, in bytes.
    idle_bytes: u64,
    /// The limits in force, so that an unchanged one costs no system call.
    resource_limits: ResourceLimits,
    reaped: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct ResourceLimits {
    address_space: u64,
    cpu_s: u64,
}

/// A run that ended its worker, or that its worker never received.
#[derive(Debug)]
pub(crate) enum RunError {
    /// The worker was dead before it received the call, so the call did not run.
    NotSent,
    /// The call ran, and ended the worker with this failure.
    Failed(FailedRun),
}

/// A worker that did not start.
#[derive(Debug)]
pub(crate) struct StartError {
    pub(crate) failure: Failure,
    /// Whether the worker has replied; otherwise it did not survive.
    pub(crate) replied: bool,
}

impl From<Failure> for StartError {
    fn from(failure: Failure) -> Self {
        Self { failure, replied: false }
    }
}

impl Worker {
    /// Forks a worker and compiles a source in it, for a purpose. A cancellation kills the worker.
    ///
    /// # Errors
    /// [`Failure::Compile`] with the diagnostics; [`Failure::Schema`] and [`Failure::InvalidInput`];
    /// the failures of a run otherwise.
    pub(crate) fn start(
        zygote: &Arc<Zygote>,
        source: &Arc<Source>,
        purpose: Purpose<'_>,
        budget: &CompileBudget,
        cancellation: &Cancellation,
    ) -> Result<Self, StartError> {
        let (mut worker, image) = Self::fork(zygote, source)
            .map_err(|error| Failure::WorkerLost { reason: format!("no start: {error}") })?;
        if !cancellation.register(&worker.pidfd) {
            return Err(cancellation_failure().into());
        }
        let limits = RunLimits {
            time_ms: u64::try_from(budget.time.as_millis()).unwrap_or(u64::MAX),
            memory_bytes: budget.memory_bytes_max,
        };
        let reply =
            worker.start_deadline(budget.time, budget.memory_bytes_max).and_then(|deadline| {
                worker.channel.exchange(purpose.request(source), &deadline, REPLY_BYTES_EXTRA)
            });
        let error = match reply {
            Ok(Reply::Ready { checked, single_use }) => {
                worker.checked = checked;
                worker.reusable = match single_use {
                    None => seal(image.as_fd())
                        .inspect_err(
                            |error| tracing::warn!(%error, "a worker's memory is not sealed"),
                        )
                        .is_ok(),
                    Some(reason) => {
                        tracing::warn!(reason, "a worker serves one run only");
                        false
                    }
                };
                worker
                    .measure_idle_memory()
                    .map_err(|error| worker.explain(&error.into(), limits))?;
                // The marks of the compilation are not what the first run prints.
                worker.take_printed_copy();
                return match cancellation.unregister() {
                    true => Ok(worker),
                    false => Err(cancellation_failure().into()),
                };
            }
            Ok(Reply::CompileFailed(diagnostics)) => {
                return Err(StartError { failure: Failure::Compile(diagnostics), replied: true });
            }
            Ok(Reply::SchemaFailed(failure)) => {
                match validate::refusal(failure, purpose.documents()) {
                    Ok(failure) => return Err(StartError { failure, replied: true }),
                    Err(error) => error,
                }
            }
            Ok(Reply::RunFinished { .. }) => {
                ChannelError::ProtocolViolation("a reply out of turn".to_owned())
            }
            Err(error) => error,
        };
        let failure = worker.explain(&error, limits);
        Err(blame(failure, &worker.take_printed_copy()).into())
    }

    fn fork(zygote: &Arc<Zygote>, source: &Arc<Source>) -> io::Result<(Self, OwnedFd)> {
        let (local_end, remote_end) =
            socketpair(AddressFamily::Unix, SockType::Stream, None, SockFlag::SOCK_CLOEXEC)?;
        fcntl(&local_end, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let (stderr, remote_stderr) = nix::unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        let (printed, remote_printed) = nix::unistd::pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK)?;
        let channel = Channel::new(local_end)?;
        let image = memory_file(c"writ-worker", IMAGE_BYTES_MAX)?;
        let fds =
            [remote_end.as_fd(), remote_stderr.as_fd(), remote_printed.as_fd(), image.as_fd()];
        let (pid, pidfd) = zygote.fork(fds)?;
        let mut worker = Self {
            zygote: Arc::clone(zygote),
            source: Arc::clone(source),
            pid,
            pidfd,
            channel,
            stderr,
            printed,
            checked: CheckReport::default(),
            reusable: false,
            idle_bytes: 0,
            resource_limits: ResourceLimits::default(),
            reaped: false,
        };
        worker.measure_idle_memory()?;
        Ok((worker, image))
    }

    /// Runs a call and validates its result.
    ///
    /// # Errors
    /// [`RunError`]; the worker is dead then.
    pub(crate) fn run(
        &mut self,
        call: &Call,
        budget: &Budget,
        deadline: &Deadline,
    ) -> Result<Result<Outcome, FailedRun>, RunError> {
        let reply_bytes_max =
            budget.output_bytes_max.saturating_mul(REPLY_GROWTH).saturating_add(REPLY_BYTES_EXTRA);
        let reply = self.set_limits(budget.time, budget.memory_bytes_max).and_then(|()| {
            let request = WorkerRequestRef::Run { call, budget };
            self.channel.exchange(request, deadline, reply_bytes_max)
        });
        let limits =
            RunLimits { time_ms: deadline.budget_ms(), memory_bytes: budget.memory_bytes_max };
        let failure = match reply {
            Ok(Reply::RunFinished { result, printed }) => {
                let result = validate::result(result, printed, call, budget);
                let printed = result
                    .as_ref()
                    .map_or_else(|failed| &failed.printed, |outcome| &outcome.printed);
                if !printed.is_empty() {
                    // Empty the pipe, so that the next run does not find this run's copy.
                    self.take_printed_copy();
                }
                return Ok(result);
            }
            Err(ChannelError::NotSent) if !self.zygote.is_closed() => {
                return Err(RunError::NotSent);
            }
            Err(ChannelError::ReplyTooLarge) => {
                self.kill_and_reap();
                Failure::OutputTooLarge { budget_bytes: budget.output_bytes_max }
            }
            Ok(_) => self.explain(
                &ChannelError::ProtocolViolation("a reply out of turn".to_owned()),
                limits,
            ),
            Err(error) => self.explain(&error, limits),
        };
        let printed = validate::printed(self.take_printed_copy(), budget);
        Err(RunError::Failed(FailedRun { failure, printed }))
    }

    /// Registers the worker to be killed by a cancellation; see [`Cancellation::register`].
    pub(crate) fn register_cancellation(&self, cancellation: &Cancellation) -> bool {
        cancellation.register(&self.pidfd)
    }

    /// The result of the compilation.
    pub(crate) fn checked(&self) -> &CheckReport {
        &self.checked
    }

    /// The source that the worker has compiled.
    pub(crate) fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// Whether the worker may serve another run.
    pub(crate) fn is_reusable(&self) -> bool {
        self.reusable
    }

    /// Kills the worker now; [`Drop`] waits for its end and reaps it.
    pub(crate) fn kill(&self) {
        self.pidfd.kill();
    }

    fn start_deadline(&mut self, time: Duration, memory: u64) -> Result<Deadline, ChannelError> {
        self.set_limits(time, memory)?;
        Ok(Deadline::after(time)?)
    }

    fn measure_idle_memory(&mut self) -> io::Result<()> {
        self.idle_bytes = sys::address_space(self.pid)?;
        Ok(())
    }

    /// Sets the limits from outside: the worker itself cannot change them.
    fn set_limits(&mut self, time: Duration, memory: u64) -> Result<(), ChannelError> {
        let used = sys::cpu_used(self.pid).map_err(limit_error)?;
        // Whole seconds, rounded up: the deadline comes first; this limit holds if the platform is
        // stopped.
        let cpu_s = used.saturating_add(time).as_secs() + 1;
        if self.resource_limits.cpu_s != cpu_s {
            self.set_limit(Resource::RLIMIT_CPU, cpu_s)?;
            self.resource_limits.cpu_s = cpu_s;
        }
        let address_space = self.idle_bytes.saturating_add(memory);
        if self.resource_limits.address_space != address_space {
            self.set_limit(Resource::RLIMIT_AS, address_space)?;
            self.resource_limits.address_space = address_space;
        }
        Ok(())
    }

    fn set_limit(&self, resource: Resource, soft: u64) -> Result<(), ChannelError> {
        match sys::set_soft_limit(self.pid, resource, soft).map_err(limit_error) {
            // `allow_weak_sandbox` permits it; a warning was logged at the start.
            Err(ChannelError::Host(_)) if self.zygote.allows_weak_sandbox() => Ok(()),
            other => other,
        }
    }

    /// Kills and reaps the worker, and returns the failure of its call.
    fn explain(&mut self, error: &ChannelError, limits: RunLimits) -> Failure {
        match error {
            ChannelError::NotSent | ChannelError::Closed => {
                // It closed its socket, so it is about to end; its own exit status says why.
                if !self.pidfd.wait(EXIT_TIMEOUT) {
                    self.pidfd.kill();
                }
                let status = self.reap();
                if self.zygote.is_closed() {
                    return Failure::WorkerLost { reason: "the engine was shut down".to_owned() };
                }
                status.explain(&self.stderr_tail(), limits)
            }
            ChannelError::DeadlineExceeded => {
                self.kill_and_reap();
                Failure::TimedOut { budget_ms: limits.time_ms }
            }
            ChannelError::ReplyTooLarge => {
                self.kill_and_reap();
                Failure::Crashed { signal: "a reply without end".to_owned() }
            }
            ChannelError::ProtocolViolation(what) => {
                self.kill_and_reap();
                Failure::Crashed { signal: format!("an invalid reply: {what}") }
            }
            ChannelError::Host(what) => {
                self.kill_and_reap();
                Failure::WorkerLost { reason: what.clone() }
            }
        }
    }

    fn kill_and_reap(&mut self) {
        self.pidfd.kill();
        self.reap();
    }

    fn reap(&mut self) -> ExitStatus {
        self.reaped = true;
        if !self.pidfd.wait(EXIT_TIMEOUT) {
            tracing::error!(pid = self.pid, "a killed worker does not end");
        }
        self.zygote.reap(self.pid)
    }

    fn stderr_tail(&self) -> String {
        String::from_utf8_lossy(&read_available(&self.stderr, STDERR_BYTES_MAX)).into_owned()
    }

    /// Empties the pipe with the copy of what the worker printed.
    fn take_printed_copy(&self) -> Vec<u8> {
        read_available(&self.printed, PRINTED_BYTES_MAX)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if !self.reaped {
            self.kill_and_reap();
        }
    }
}

/// Reads what a pipe holds, at most `bytes_max` bytes, without blocking.
fn read_available(pipe: &OwnedFd, bytes_max: usize) -> Vec<u8> {
    let mut bytes = vec![0; bytes_max];
    let length = nix::unistd::read(pipe, &mut bytes).unwrap_or(0);
    bytes.truncate(length);
    bytes
}

/// The failure of a cancelled run.
pub(crate) fn cancellation_failure() -> Failure {
    Failure::WorkerLost { reason: "its run was cancelled".to_owned() }
}

/// A process that has ended has no CPU clock and no limits any more, so it did not receive the
/// request.
fn limit_error(error: io::Error) -> ChannelError {
    match error.raw_os_error() {
        Some(libc::ESRCH | libc::EINVAL) => ChannelError::NotSent,
        _ => ChannelError::Host(format!("its limits cannot be set: {error}")),
    }
}

impl From<io::Error> for ChannelError {
    fn from(error: io::Error) -> Self {
        Self::Host(error.to_string())
    }
}
