//! How a worker's process ended, and what that says about the run.

use nix::sys::signal::Signal;

use crate::Failure;
use crate::wire::control::{self, Packet};
use crate::wire::{EXIT_NO_SANDBOX, EXIT_PANIC};

/// What a caller was promised, for the message.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunLimits {
    pub(super) time_ms: u64,
    pub(super) memory_bytes: u64,
}

/// The end of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It exited.
    Exited(i32),
    /// A signal ended it.
    Signaled(Signal),
    /// Nobody knows, as when its zygote ended as well.
    Unknown,
}

impl From<Packet> for Ending {
    fn from(packet: Packet) -> Self {
        match packet.kind {
            control::EXITED => Self::Exited(packet.a),
            control::SIGNALED => Signal::try_from(packet.a).map_or(Self::Unknown, Self::Signaled),
            _ => Self::Unknown,
        }
    }
}

impl Ending {
    /// Why a worker that nobody here has killed is gone. `stderr` is what it left behind.
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
            Self::Exited(code) => Failure::Crashed { signal: format!("exit code {code}") },
            Self::Unknown => Failure::WorkerLost { reason: "its zygote is gone too".to_owned() },
        }
    }
}

/// A panic's own words, without the thread and the place in our code.
fn panic_message(stderr: &str) -> &str {
    let after_place = stderr.rsplit_once(" panicked at ").map_or(stderr, |(_, rest)| rest);
    let message = after_place.split_once('\n').map_or(after_place, |(_, rest)| rest);
    message.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: RunLimits = RunLimits { time_ms: 100, memory_bytes: 1000 };

    #[test]
    fn every_way_to_end_has_its_failure() {
        let crashed = |signal: &str| Failure::Crashed { signal: signal.to_owned() };
        let out_of_memory = Failure::OutOfMemory { budget_bytes: 1000 };
        let panic = "\nthread 'main' (7) panicked at src/a.rs:1:2:\nindex out of bounds\nnote: x";
        let cases = [
            (Ending::Signaled(Signal::SIGSEGV), "", crashed("SIGSEGV")),
            (Ending::Signaled(Signal::SIGABRT), "", crashed("SIGABRT")),
            (
                Ending::Signaled(Signal::SIGABRT),
                "memory allocation of 8 bytes failed\n",
                out_of_memory.clone(),
            ),
            (Ending::Exited(EXIT_PANIC), "x panicked at y:\ncapacity overflow\n", out_of_memory),
            (Ending::Exited(EXIT_PANIC), panic, crashed("panic: index out of bounds")),
            (Ending::Exited(3), "", crashed("exit code 3")),
            (Ending::Signaled(Signal::SIGSYS), "", crashed("SIGSYS: a forbidden system call")),
            (Ending::Signaled(Signal::SIGXCPU), "", Failure::TimedOut { budget_ms: 100 }),
        ];
        for (ending, stderr, expected) in cases {
            assert_eq!(ending.explain(stderr, LIMITS), expected);
        }
    }

    #[test]
    fn a_kill_from_outside_is_not_blamed_on_the_policy() {
        for ending in [Ending::Signaled(Signal::SIGKILL), Ending::Unknown] {
            let failure = ending.explain("", LIMITS);
            assert!(matches!(failure, Failure::WorkerLost { .. }), "{failure:?}");
        }
    }
}
