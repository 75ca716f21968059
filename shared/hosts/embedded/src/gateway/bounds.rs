//! The limits on what a client can consume.

use std::time::Duration;

/// Time after the deadline in which a cancelled request stores its reply for its idempotency key.
pub(super) const SETTLE_TIME: Duration = Duration::from_secs(2);

/// The limits of one server on connections, sizes and times.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Concurrent connections; further ones wait in the listener's queue.
    pub connections_max: usize,
    /// Header lines of one request at most.
    pub headers_max: usize,
    /// Bytes of a request's line and headers at most, and of a read buffer; at least 8 KiB.
    pub head_bytes_max: usize,
    /// Time for a request's line and headers to arrive, and for a connection to be idle.
    pub head: Duration,
    /// Time for a request's body to arrive.
    pub body: Duration,
    /// Time from a request's headers to its response.
    pub deadline: Duration,
    /// Time for a client to read the next part of its response.
    pub reply: Duration,
    /// Time for running requests to end after a shutdown began.
    pub drain: Duration,
}

impl Default for Bounds {
    /// Every synchronous call ends within 25 seconds, because API Gateway stops at 30. A body may
    /// take ten of them; 4 MiB in that time is a slow mobile network. A shutdown waits as long as a
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
