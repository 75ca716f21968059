//! What the platform and its worker processes say to each other.

pub(crate) mod control;
pub(crate) mod frame;
mod message;

pub(crate) use message::{Order, OrderRef, Reply};

/// `argv[1]` of a process that was started as a zygote.
pub(crate) const MARKER: &str = "__writ-worker";

/// The descriptor of a zygote's control socket, and of a worker's own socket.
pub(crate) const SOCKET_FD: i32 = 3;

/// A worker's descriptor of the pipe into which it prints beside keeping it for its answer: what is
/// left of a run that is killed. It holds [`PRINTED_BYTES_MAX`]; what comes after that is dropped.
pub(crate) const PRINTED_FD: i32 = 4;

/// What that pipe holds, as Linux makes it (pipe(7)).
pub(crate) const PRINTED_BYTES_MAX: usize = 64 << 10;

/// How a worker ends that its interpreter's panic has ended.
pub(crate) const EXIT_PANIC: i32 = 101;

/// How a worker or a zygote ends that could not put itself into its sandbox.
pub(crate) const EXIT_NO_SANDBOX: i32 = 78;
