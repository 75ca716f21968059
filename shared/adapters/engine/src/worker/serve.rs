//! A worker: compiles one source, then runs it as often as it is told to.

use std::panic::{AssertUnwindSafe, catch_unwind};

use nix::errno::Errno;
use nix::unistd::{read, write};

use crate::language::{Isolation, Program, Runtime};
use crate::sys;
use crate::wire::frame::{self, BUFFER_BYTES_KEPT, HEADER_BYTES, ORDER_BYTES_MAX};
use crate::wire::{EXIT_PANIC, Order, Reply, SOCKET_FD};
use crate::{Budget, Call, Failed, Failure, Outcome};

/// A first read takes this much at most; larger frames grow the buffer.
const READ_BYTES: usize = 16 << 10;

/// Serves until the platform hangs up. A panic has left its message on standard error and ends
/// the process: what it has left behind in the interpreter serves nobody.
pub(super) fn serve(runtime: &mut dyn Runtime) -> ! {
    let served = catch_unwind(AssertUnwindSafe(|| {
        let mut pipe = Pipe::default();
        if let Some(Order::Compile(source)) = pipe.receive() {
            match runtime.compile(&source) {
                Err(diagnostics) => {
                    pipe.send(&Reply::Refused(diagnostics));
                }
                Ok(mut program) => {
                    drop(source);
                    answer(&mut pipe, program.as_mut());
                }
            }
        }
    }));
    sys::exit_now(if served.is_ok() { 0 } else { EXIT_PANIC })
}

fn answer(pipe: &mut Pipe, program: &mut dyn Program) {
    let reusable = program.isolation() == Isolation::Reusable;
    if !pipe.send(&Reply::Ready { checked: program.checked(), reusable }) {
        return;
    }
    while let Some(Order::Run { call, budget }) = pipe.receive() {
        let (result, printed) = match run(program, &call, &budget) {
            Ok(outcome) => (Ok(outcome), String::new()),
            Err(Failed { failure, printed }) => (Err(failure), printed),
        };
        let reusable = program.isolation() == Isolation::Reusable;
        if !pipe.send(&Reply::Ran { result, printed, reusable }) {
            return;
        }
    }
}

fn run(program: &mut dyn Program, call: &Call, budget: &Budget) -> Result<Outcome, Failed> {
    match program.run(call, budget) {
        Ok(outcome) if outcome.output.as_str().len() > budget.output_bytes_max => {
            let failure = Failure::OutputTooLarge { budget_bytes: budget.output_bytes_max };
            Err(Failed { failure, printed: outcome.printed })
        }
        Ok(outcome) => Ok(outcome),
        Err(failure) => Err(Failed { failure, printed: program.take_printed() }),
    }
}

/// The worker's end of its socket, and the two buffers that it keeps.
#[derive(Default)]
struct Pipe {
    received: Vec<u8>,
    sent: Vec<u8>,
}

impl Pipe {
    /// The next order; nothing once the platform has hung up or talks nonsense.
    fn receive(&mut self) -> Option<Order> {
        let mut filled = 0;
        loop {
            let needed = match frame::announced(self.received.get(..filled)?) {
                Some(payload) if payload > ORDER_BYTES_MAX => return None,
                Some(payload) => HEADER_BYTES + payload,
                None => READ_BYTES,
            };
            if filled >= HEADER_BYTES && filled >= needed {
                break;
            }
            if self.received.len() < needed {
                self.received.resize(needed, 0);
            }
            match read(sys::agreed(SOCKET_FD), self.received.get_mut(filled..)?) {
                Err(Errno::EINTR) => {}
                Ok(0) | Err(_) => return None,
                Ok(count) => filled += count,
            }
        }
        let order = serde_json::from_slice(self.received.get(HEADER_BYTES..filled)?).ok();
        shrink(&mut self.received);
        order
    }

    /// Says whether the platform is still there.
    fn send(&mut self, reply: &Reply) -> bool {
        if let Err(error) = frame::encode(&mut self.sent, reply) {
            eprintln!("{error}");
            return false;
        }
        let mut rest = self.sent.as_slice();
        while !rest.is_empty() {
            match write(sys::agreed(SOCKET_FD), rest) {
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
