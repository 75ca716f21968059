//! How a worker's process ended, and the failure that it means for the run.

use nix::sys::signal::Signal;

use crate::Failure;
use crate::wire::control::{self, Packet};
use crate::wire::{EXIT_NO_RESTORE, EXIT_NO_SANDBOX, EXIT_PANIC};

/// The limits of the run or of the compilation, for the failure's message.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunLimits {
    pub(super) time_ms: u64,
    pub(super) memory_bytes: u64,
}

/// How a process ended, as its zygote reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ExitStatus {
    /// The process exited with this code.
    Exited(i32),
    /// This signal ended the process.
    Signaled(Signal),
    /// The status is unknown, as when the zygote ended as well.
    Unknown,
}

impl From<Packet> for ExitStatus {
    fn from(packet: Packet) -> Self {
        match packet.kind {
            control::EXITED => Self::Exited(packet.a),
            control::SIGNALED => Signal::try_from(packet.a).map_or(Self::Unknown, Self::Signaled),
            _ => Self::Unknown,
        }
    }
}

impl ExitStatus {
    /// The failure that this status means for a worker that the platform has not killed. `stderr` is
    /// what the worker wrote to its standard error.
    pub(super) fn explain(self, stderr: &str, limits: RunLimits) -> Failure {
        let out_of_memory = Failure::OutOfMemory { budget_bytes: limits.memory_bytes };
        match self {
            Self::Signaled(Signal::SIGABRT) if stderr.contains("memory allocation of ") => {
                out_of_memory
            }
            Self::Exited(EXIT_PANIC) if stderr.contains("capacity overflow") => out_of_memory,
            Self::Signaled(Signal::SIGXCPU) => Failure::TimedOut { budget_ms: limits.time_ms },
            Self::Signaled(Signal::SIGSYS) => {
                Failure::Crashed { signal: "SIGSYS: a forbidden system call".to_owned() }
            }
            Self::Signaled(
                signal @ (Signal::SIGKILL | Signal::SIGTERM | Signal::SIGINT | Signal::SIGHUP),
            ) => Failure::WorkerLost {
                reason: format!(
                    "{} from outside: an operator, or the host being out of memory",
                    signal.as_str()
                ),
            },
            Self::Signaled(signal) => Failure::Crashed { signal: signal.as_str().to_owned() },
            Self::Exited(EXIT_PANIC) => {
                Failure::Crashed { signal: format!("panic: {}", panic_message(stderr)) }
            }
            Self::Exited(EXIT_NO_SANDBOX) => Failure::WorkerLost {
                reason: format!("its sandbox could not be set up: {}", stderr.trim()),
            },
            Self::Exited(EXIT_NO_RESTORE) => Failure::WorkerLost {
                reason: format!("its memory could not be put back: {}", stderr.trim()),
            },
            Self::Exited(code) => Failure::Crashed { signal: format!("exit code {code}") },
            Self::Unknown => Failure::WorkerLost { reason: "its zygote is gone too".to_owned() },
        }
    }
}

/// The message of a panic, without the thread and the location in the source.
fn panic_message(stderr: &str) -> &str {
    let report = stderr.rsplit_once(" panicked at ").map_or(stderr, |(_, rest)| rest);
    let message = report.split_once('\n').map_or(report, |(_, rest)| rest);
    message.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: RunLimits = RunLimits { time_ms: 100, memory_bytes: 1000 };

    #[test]
    fn every_exit_status_has_its_failure() {
        let crashed = |signal: &str| Failure::Crashed { signal: signal.to_owned() };
        let out_of_memory = Failure::OutOfMemory { budget_bytes: 1000 };
        let panic = "\nthread 'main' (7) panicked at src/a.rs:1:2:\nindex out of bounds\nnote: x";
        let cases = [
            (ExitStatus::Signaled(Signal::SIGSEGV), "", crashed("SIGSEGV")),
            (ExitStatus::Signaled(Signal::SIGABRT), "", crashed("SIGABRT")),
            (
                ExitStatus::Signaled(Signal::SIGABRT),
                "memory allocation of 8 bytes failed\n",
                out_of_memory.clone(),
            ),
            (
                ExitStatus::Exited(EXIT_PANIC),
                "x panicked at y:\ncapacity overflow\n",
                out_of_memory,
            ),
            (ExitStatus::Exited(EXIT_PANIC), panic, crashed("panic: index out of bounds")),
            (ExitStatus::Exited(3), "", crashed("exit code 3")),
            (ExitStatus::Signaled(Signal::SIGSYS), "", crashed("SIGSYS: a forbidden system call")),
            (ExitStatus::Signaled(Signal::SIGXCPU), "", Failure::TimedOut { budget_ms: 100 }),
        ];
        for (status, stderr, expected) in cases {
            assert_eq!(status.explain(stderr, LIMITS), expected);
        }
    }

    #[test]
    fn what_the_platform_or_its_host_did_is_not_blamed_on_the_policy() {
        let restore = ExitStatus::Exited(EXIT_NO_RESTORE);
        for status in [ExitStatus::Signaled(Signal::SIGKILL), ExitStatus::Unknown, restore] {
            let failure = status.explain("", LIMITS);
            assert!(matches!(failure, Failure::WorkerLost { .. }), "{failure:?}");
        }
    }
}
