//! What the platform and its worker processes say to each other.

pub(crate) mod control;
pub(crate) mod frame;
mod message;

pub(crate) use message::{Order, OrderRef, Reply};

/// `argv[1]` of a process that was started as a zygote.
pub(crate) const MARKER: &str = "__writ-worker";

/// The descriptor of a zygote's control socket, and of a worker's own socket.
pub(crate) const SOCKET_FD: i32 = 3;

/// How a worker ends that its interpreter's panic has ended.
pub(crate) const EXIT_PANIC: i32 = 101;

/// How a worker or a zygote ends that could not put itself into its sandbox.
pub(crate) const EXIT_NO_SANDBOX: i32 = 78;
