//! What a client can cost.

use std::time::Duration;

/// Time beyond the deadline for a request that was stopped to keep its reply for its key.
pub(super) const SETTLING: Duration = Duration::from_secs(2);

/// The bounds of one server.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Connections at once; further ones wait in the listener's queue.
    pub connections_max: usize,
    /// Header lines of a request at most.
    pub headers_max: usize,
    /// Bytes of a request's line and headers at most, and of a read buffer; 8 KiB at least.
    pub head_bytes_max: usize,
    /// Time for a request's line and headers to arrive, and for a connection to lie idle.
    pub head: Duration,
    /// Time for a body to arrive.
    pub body: Duration,
    /// Time from a request's headers to its reply.
    pub deadline: Duration,
    /// Time for a client to take the next part of its reply.
    pub reply: Duration,
    /// Time for running requests to end after a shutdown began.
    pub drain: Duration,
}

impl Default for Bounds {
    /// Every synchronous call ends within 25 seconds, as API Gateway stops at 30. A body gets
    /// ten of them; 4 MiB in that time is a slow mobile network. A shutdown waits as long as a
    /// call may take.
    fn default() -> Self {
        Self {
            connections_max: 256,
            headers_max: 64,
            head_bytes_max: 64 << 10,
            head: Duration::from_secs(30),
            body: Duration::from_secs(10),
            deadline: Duration::from_secs(25),
            reply: Duration::from_secs(30),
            drain: Duration::from_secs(28),
        }
    }
}
