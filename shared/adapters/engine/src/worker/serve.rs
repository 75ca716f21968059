//! A worker: compiles one source, then runs it at each request.

use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::errno::Errno;
use nix::unistd::{read, write};

use crate::language::{Isolation, Program, Runtime};
use crate::sys;
use crate::wire::frame::{self, BUFFER_BYTES_KEPT, HEADER_BYTES, REQUEST_BYTES_MAX};
use crate::wire::{EXIT_PANIC, Reply, SOCKET_FD, WorkerRequest};
use crate::{Budget, Call, FailedRun, Failure, Outcome};

/// The size of the first read, in bytes; larger frames grow the buffer.
const READ_BYTES: usize = 16 << 10;

/// Serves until the platform closes the socket. A panic, after writing its message to standard
/// error, ends the process: the interpreter's state may be inconsistent.
pub(super) fn serve(runtime: &mut dyn Runtime) -> ! {
    let served = catch_unwind(AssertUnwindSafe(|| {
        let mut connection = Connection::default();
        if let Some(WorkerRequest::Compile(source)) = connection.receive() {
            match runtime.compile(&source) {
                Err(diagnostics) => {
                    connection.send(&Reply::CompileFailed(diagnostics));
                }
                Ok(mut program) => {
                    drop(source);
                    run_requests(&mut connection, program.as_mut());
                }
            }
        }
    }));
    sys::exit_now(if served.is_ok() { 0 } else { EXIT_PANIC })
}

fn run_requests(connection: &mut Connection, program: &mut dyn Program) {
    let reusable = program.isolation() == Isolation::Reusable;
    if !connection.send(&Reply::Ready { checked: program.checked(), reusable }) {
        return;
    }
    while let Some(WorkerRequest::Run { call, budget }) = connection.receive() {
        let (result, printed) = match run(program, &call, &budget) {
            Ok(outcome) => (Ok(outcome), String::new()),
            Err(FailedRun { failure, printed }) => (Err(failure), printed),
        };
        let reusable = program.isolation() == Isolation::Reusable;
        if !connection.send(&Reply::RunFinished { result, printed, reusable }) {
            return;
        }
    }
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
        let request = serde_json::from_slice(self.received.get(HEADER_BYTES..filled)?).ok();
        shrink(&mut self.received);
        request
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
        shrink(&mut self.sent);
        true
    }
}

fn shrink(buffer: &mut Vec<u8>) {
    if buffer.capacity() > BUFFER_BYTES_KEPT {
        *buffer = Vec::new();
    }
}
