//! A worker: compiles one source with its schemas, then runs it at each request, and puts its memory
//! back after each run.

use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::errno::Errno;
use nix::unistd::{read, write};
use writ_model::run::Document;
use writ_schema::CompiledSchemas;

use super::memory::{Base, Checkpoint};
use super::schemas;
use crate::language::{Program, Runtime};
use crate::sys;
use crate::wire::frame::{self, HEADER_BYTES, REQUEST_BYTES_MAX};
use crate::wire::{CODE, EXIT_NO_RESTORE, EXIT_PANIC, Reply, SOCKET_FD, WorkerRequest};
use crate::{Budget, Call, CheckReport, FailedRun, Failure, Outcome, Source, capture};

/// The size of the first read, in bytes; larger frames grow the buffer.
const READ_BYTES: usize = 16 << 10;

/// Serves until the platform closes the socket. A panic, after writing its message to standard
/// error, ends the process: the interpreter's state may be inconsistent.
///
/// `base` is the memory that the zygote shares with its workers, or the reason that there is none.
pub(super) fn serve(runtime: &mut dyn Runtime, base: &Result<Base, String>) -> ! {
    let served = catch_unwind(AssertUnwindSafe(|| serve_first(runtime, base)));
    sys::exit_now(if served.is_ok() { 0 } else { EXIT_PANIC })
}

/// Serves the first request, and then runs where it is for runs.
fn serve_first(runtime: &mut dyn Runtime, base: &Result<Base, String>) {
    let reply = match Connection::default().receive() {
        Some(WorkerRequest::Compile(source)) => match compile(runtime, &source, &[]) {
            Err(reply) => reply,
            Ok((schemas, mut program)) => {
                drop(source);
                return serve_runs(&schemas, program.as_mut(), base);
            }
        },
        Some(WorkerRequest::Check { source, documents }) => {
            match compile(runtime, &source, &documents) {
                Err(reply) => reply,
                Ok((_, program)) => Reply::Ready { checked: program.checked(), single_use: None },
            }
        }
        Some(WorkerRequest::Validate { schemas, documents }) => {
            match schemas::validate(&schemas, &documents) {
                Err(failure) => Reply::SchemaFailed(failure),
                Ok(_) => Reply::Ready { checked: CheckReport::default(), single_use: None },
            }
        }
        Some(WorkerRequest::Run { .. }) | None => return,
    };
    Connection::default().send(&reply);
}

/// Compiles a source after its schemas, which the values have to fit.
///
/// # Errors
/// The reply to a source that is refused.
fn compile(
    runtime: &mut dyn Runtime,
    source: &Source,
    documents: &[Document],
) -> Result<(CompiledSchemas, Box<dyn Program>), Reply> {
    let schemas = schemas::validate(&source.schemas, documents).map_err(Reply::SchemaFailed)?;
    capture::mark(CODE);
    let program = runtime.compile(source).map_err(Reply::CompileFailed)?;
    Ok((schemas, program))
}

/// Serves runs, each on the memory that the compilation has left.
///
/// INVARIANT: in the loop, this function's frame holds nothing that was allocated after the
/// checkpoint.
fn serve_runs(schemas: &CompiledSchemas, program: &mut dyn Program, base: &Result<Base, String>) {
    let checkpoint = base.as_ref().map_err(Clone::clone).and_then(Checkpoint::take);
    let mut goes_on = send_ready(program, checkpoint.as_ref().err());
    while goes_on && let Ok(checkpoint) = &checkpoint {
        if checkpoint.restore().is_err() {
            // Not even the program may be dropped: its memory is neither the old nor the new.
            sys::exit_now(EXIT_NO_RESTORE);
        }
        goes_on = serve_run(schemas, program);
    }
    if goes_on {
        serve_run(schemas, program);
    }
}

/// Replies to the compilation. Returns whether the platform still listens.
#[inline(never)]
fn send_ready(program: &dyn Program, single_use: Option<&String>) -> bool {
    let reply = Reply::Ready { checked: program.checked(), single_use: single_use.cloned() };
    Connection::default().send(&reply)
}

/// Receives and serves one run. Returns whether the platform may send another.
#[inline(never)]
fn serve_run(schemas: &CompiledSchemas, program: &mut dyn Program) -> bool {
    let mut connection = Connection::default();
    let Some(WorkerRequest::Run { call, budget }) = connection.receive() else { return false };
    let (result, printed) = match run(schemas, program, &call, &budget) {
        Ok(outcome) => (Ok(outcome), String::new()),
        Err(FailedRun { failure, printed }) => (Err(failure), printed),
    };
    connection.send(&Reply::RunFinished { result, printed })
}

/// Validates the input, runs the program and validates its output, all under one budget.
fn run(
    schemas: &CompiledSchemas,
    program: &mut dyn Program,
    call: &Call,
    budget: &Budget,
) -> Result<Outcome, FailedRun> {
    schemas.check_call(call)?;
    match program.run(call, budget) {
        Ok(outcome) if outcome.output.as_str().len() > budget.output_bytes_max => {
            let failure = Failure::OutputTooLarge { budget_bytes: budget.output_bytes_max };
            Err(FailedRun { failure, printed: outcome.printed })
        }
        Ok(outcome) => match schemas.check_output(call, &outcome.output) {
            Ok(()) => Ok(outcome),
            Err(failure) => Err(FailedRun { failure, printed: outcome.printed }),
        },
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
