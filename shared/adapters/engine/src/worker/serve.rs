//! A worker: compiles one source, then runs it at each request, and puts its memory back after each
//! run.

use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::errno::Errno;
use nix::unistd::{read, write};

use super::memory::{Base, Checkpoint};
use crate::language::{Program, Runtime};
use crate::sys;
use crate::wire::frame::{self, HEADER_BYTES, REQUEST_BYTES_MAX};
use crate::wire::{EXIT_NO_RESTORE, EXIT_PANIC, Reply, SOCKET_FD, WorkerRequest};
use crate::{Budget, Call, FailedRun, Failure, Outcome};

/// The size of the first read, in bytes; larger frames grow the buffer.
const READ_BYTES: usize = 16 << 10;

/// Serves until the platform closes the socket. A panic, after writing its message to standard
/// error, ends the process: the interpreter's state may be inconsistent.
///
/// `base` is the memory that the zygote shares with its workers, or the reason that there is none.
pub(super) fn serve(runtime: &mut dyn Runtime, base: &Result<Base, String>) -> ! {
    let served = catch_unwind(AssertUnwindSafe(|| serve_first(runtime, base)));
    sys::exit_now(served.unwrap_or(EXIT_PANIC))
}

/// Compiles the source of the first request, and then serves runs. Returns the exit code.
fn serve_first(runtime: &mut dyn Runtime, base: &Result<Base, String>) -> i32 {
    let (source, is_check) = match Connection::default().receive() {
        Some(WorkerRequest::Check(source)) => (source, true),
        Some(WorkerRequest::Compile(source)) => (source, false),
        Some(WorkerRequest::Run { .. }) | None => return 0,
    };
    let compiled = runtime.compile(&source);
    drop(source);
    match compiled {
        Err(diagnostics) => {
            send(&Reply::CompileFailed(diagnostics));
            0
        }
        Ok(program) if is_check => {
            send(&Reply::Ready { checked: program.checked(), single_use: None });
            0
        }
        Ok(mut program) => serve_runs(program.as_mut(), base),
    }
}

/// Serves runs, each on the memory that the compilation has left. Returns the exit code.
///
/// INVARIANT: in the loop, this function's frame holds nothing that was allocated after the
/// checkpoint.
fn serve_runs(program: &mut dyn Program, base: &Result<Base, String>) -> i32 {
    let checkpoint = base.as_ref().map_err(Clone::clone).and_then(Checkpoint::take);
    let mut goes_on = send_ready(program, checkpoint.as_ref().err());
    while goes_on && let Ok(checkpoint) = &checkpoint {
        if checkpoint.restore().is_err() {
            // Not even the program may be dropped: its memory is neither the old nor the new.
            sys::exit_now(EXIT_NO_RESTORE);
        }
        goes_on = serve_run(program);
    }
    if goes_on {
        serve_run(program);
    }
    0
}

/// Replies to the compilation. Returns whether the platform still listens.
#[inline(never)]
fn send_ready(program: &dyn Program, single_use: Option<&String>) -> bool {
    send(&Reply::Ready { checked: program.checked(), single_use: single_use.cloned() })
}

/// Receives and serves one run. Returns whether the platform may send another.
#[inline(never)]
fn serve_run(program: &mut dyn Program) -> bool {
    let mut connection = Connection::default();
    let Some(WorkerRequest::Run { call, budget }) = connection.receive() else { return false };
    let (result, printed) = match run(program, &call, &budget) {
        Ok(outcome) => (Ok(outcome), String::new()),
        Err(FailedRun { failure, printed }) => (Err(failure), printed),
    };
    connection.send(&Reply::RunFinished { result, printed })
}

fn send(reply: &Reply) -> bool {
    Connection::default().send(reply)
}

fn run(program: &mut dyn Program, call: &Call, budget: &Budget) -> Result<Outcome, FailedRun> {
    match program.run(call, budget) {
        Ok(outcome) if outcome.output.as_str().len() > budget.output_bytes_max => {
            let failure = Failure::OutputTooLarge { budget_bytes: budget.output_bytes_max };
            Err(FailedRun { failure, printed: outcome.printed })
        }
        Ok(outcome) => Ok(outcome),
        Err(failure) => Err(FailedRun { failure, printed: program.take_printed() }),
    }
}

/// The worker's end of its socket, with its two buffers.
#[derive(Default)]
struct Connection {
    received: Vec<u8>,
    sent: Vec<u8>,
}

impl Connection {
    /// The next request; `None` once the platform has closed the socket or sent an invalid one.
    fn receive(&mut self) -> Option<WorkerRequest> {
        let mut filled = 0;
        loop {
            let needed = match frame::payload_length(self.received.get(..filled)?) {
                Some(payload) if payload > REQUEST_BYTES_MAX => return None,
                Some(payload) => HEADER_BYTES + payload,
                None => READ_BYTES,
            };
            if filled >= HEADER_BYTES && filled >= needed {
                break;
            }
            if self.received.len() < needed {
                self.received.resize(needed, 0);
            }
            match read(sys::fixed_fd(SOCKET_FD), self.received.get_mut(filled..)?) {
                Err(Errno::EINTR) => {}
                Ok(0) | Err(_) => return None,
                Ok(count) => filled += count,
            }
        }
        serde_json::from_slice(self.received.get(HEADER_BYTES..filled)?).ok()
    }

    /// Sends a reply. Returns whether the platform still holds its end of the socket.
    fn send(&mut self, reply: &Reply) -> bool {
        if let Err(error) = frame::encode(&mut self.sent, reply) {
            eprintln!("{error}");
            return false;
        }
        let mut rest = self.sent.as_slice();
        while !rest.is_empty() {
            match write(sys::fixed_fd(SOCKET_FD), rest) {
                Err(Errno::EINTR) => {}
                Err(_) => return false,
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
            }
        }
        true
    }
}
