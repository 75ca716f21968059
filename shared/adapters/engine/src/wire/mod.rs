//! The protocol between the platform, its zygotes and its workers.

pub(crate) mod control;
pub(crate) mod frame;
mod message;

pub(crate) use message::{Reply, WorkerRequest, WorkerRequestRef};

/// `argv[1]` of a process that is started as a zygote.
pub(crate) const ZYGOTE_ARGUMENT: &str = "__writ-worker";

/// The descriptor of a zygote's control socket, and of a worker's own socket.
pub(crate) const SOCKET_FD: i32 = 3;

/// A worker's descriptor of the pipe for a copy of what it prints, which the platform reads if the
/// worker is killed before its reply. It holds [`PRINTED_BYTES_MAX`] bytes; the rest is dropped.
pub(crate) const PRINTED_FD: i32 = 4;

/// The capacity of that pipe in bytes, the default of Linux (pipe(7)).
pub(crate) const PRINTED_BYTES_MAX: usize = 64 << 10;

/// A worker's descriptor of the memory file that its checkpoint goes to; see `worker::memory`.
pub(crate) const IMAGE_FD: i32 = 5;

/// The size of that file in bytes. It takes memory only where something was written.
pub(crate) const IMAGE_BYTES_MAX: usize = 1 << 30;

/// A worker's descriptor of its own list of mappings.
pub(crate) const MAPS_FD: i32 = 6;

/// A worker's descriptor of its own entries of pages.
pub(crate) const PAGES_FD: i32 = 7;

/// The descriptor of the memory file that a zygote shares with its workers.
pub(crate) const BASE_FD: i32 = 8;
/// The mark of a worker that compiles code. The marks of one that compiles or applies a schema are the
/// locations of schemas in a policy.
pub(crate) const CODE: &str = "/code";

/// The exit code of a worker after a panic of its interpreter.
pub(crate) const EXIT_PANIC: i32 = 101;

/// The exit code of a worker that could not put its memory back after a run.
pub(crate) const EXIT_NO_RESTORE: i32 = 79;

/// The exit code of a worker or a zygote that could not set up its sandbox.
pub(crate) const EXIT_NO_SANDBOX: i32 = 78;
