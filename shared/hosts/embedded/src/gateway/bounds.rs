//! The limits on what a client can consume.

use std::time::Duration;

/// Time after the deadline in which a cancelled request stores its reply for its idempotency key.
pub(super) const SETTLE_TIME: Duration = Duration::from_secs(2);

/// A body of more bytes is large: it takes long to process, and while it is processed many times its
/// size in memory.
pub(super) const LARGE_BODY_BYTES: usize = 64 << 10;
/// How nice the thread of such a request is to those that all requests share.
pub(super) const LARGE_BODY_NICENESS: i32 = 5;

/// The limits of one server on connections, sizes and times.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Concurrent connections. A further one takes the place of one without an authenticated request.
    pub connections_max: usize,
    /// Concurrent connections of one peer: a user of this machine, or the address of another one.
    pub peer_connections_max: usize,
    /// Connections beyond these bounds that are only answered on `/healthz`.
    pub reserved_connections: usize,
    /// Connections of one workspace with a request that runs, waits or is being answered; requests
    /// beyond them are refused.
    pub workspace_connections_max: usize,
    /// Requests that run at the same time; further ones wait in order.
    pub requests_max: usize,
    /// Requests of one workspace that run at the same time.
    pub workspace_requests_max: usize,
    /// Long polls that wait at the same time, beside the requests; further ones wait for their turn.
    pub long_polls_max: usize,
    /// Long polls of one workspace that wait at the same time.
    pub workspace_long_polls_max: usize,
    /// Requests with a large body that are read or run at the same time; further ones wait.
    pub large_bodies_max: usize,
    /// Requests of one workspace with a large body that are read or run at the same time.
    pub workspace_large_bodies_max: usize,
    /// Header lines of one request at most.
    pub headers_max: usize,
    /// Bytes of a request's line and headers at most, and of a read buffer; at least 8 KiB.
    pub head_bytes_max: usize,
    /// Time for a request's line and headers to arrive, from their first byte or the connection.
    pub head: Duration,
    /// Time for a connection to be idle between requests.
    pub idle: Duration,
    /// Time for a request's body to arrive.
    pub body: Duration,
    /// Time from a request's headers to its response.
    pub deadline: Duration,
    /// Time for a client to read the next part of its response.
    pub reply: Duration,
    /// Time for running requests to end after a shutdown began.
    pub drain: Duration,
}

impl Bounds {
    /// The limits of `writ up`. Every synchronous call ends within 25 seconds, because API Gateway
    /// stops at 30. A body may take ten of them; 4 MiB in that time is a slow mobile network. A
    /// shutdown waits as long as a call may take. One peer, or one workspace, has half of what is
    /// there; all connections fit into the 1,024 open files that most systems permit a process.
    pub const DEFAULT: Self = Self {
        connections_max: 512,
        peer_connections_max: 256,
        reserved_connections: 16,
        workspace_connections_max: 256,
        requests_max: 256,
        workspace_requests_max: 128,
        long_polls_max: 128,
        workspace_long_polls_max: 64,
        large_bodies_max: 16,
        workspace_large_bodies_max: 4,
        headers_max: 64,
        head_bytes_max: 64 << 10,
        head: Duration::from_secs(10),
        idle: Duration::from_secs(30),
        body: Duration::from_secs(10),
        deadline: Duration::from_secs(25),
        reply: Duration::from_secs(30),
        drain: Duration::from_secs(28),
    };
}

impl Default for Bounds {
    fn default() -> Self {
        Self::DEFAULT
    }
}
