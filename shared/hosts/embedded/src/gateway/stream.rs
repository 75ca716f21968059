//! A connection's socket with deadlines: for the head of a request, and for reading a response.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

use super::connection::ConnectionState;

type Timer = Pin<Box<Sleep>>;

/// A stream that fails when the client does not complete the head of a request, or reads nothing of
/// a response for a while. Such a client would otherwise hold the connection, and the response's
/// memory, for as long as it likes.
pub(super) struct ClientStream {
    stream: TcpStream,
    state: Arc<ConnectionState>,
    head: Duration,
    reply: Duration,
    /// The number of the head that is being received, and the time that is left for it.
    head_timer: Option<(u64, Timer)>,
    reply_timer: Option<Timer>,
}

impl ClientStream {
    /// `head` bounds the time from the first byte of a head to its last, `reply` the time in which a
    /// client reads nothing.
    pub(super) fn new(
        stream: TcpStream,
        state: Arc<ConnectionState>,
        head: Duration,
        reply: Duration,
    ) -> Self {
        Self { stream, state, head, reply, head_timer: None, reply_timer: None }
    }

    /// Whether the head that is being received is late; wakes the task at its deadline.
    fn is_head_late(&mut self, context: &mut Context<'_>) -> bool {
        let Some(number) = self.state.head_number() else {
            self.head_timer = None;
            return false;
        };
        if self.head_timer.as_ref().is_none_or(|(timed, _)| *timed != number) {
            self.head_timer = Some((number, Box::pin(sleep(self.head))));
        }
        self.head_timer.as_mut().is_some_and(|(_, timer)| timer.as_mut().poll(context).is_ready())
    }

    /// Fails the write with [`io::ErrorKind::TimedOut`] if the client read nothing for too long.
    fn with_timeout(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.reply_timer = None;
            return written;
        }
        let timeout = self.reply;
        let timer = self.reply_timer.get_or_insert_with(|| Box::pin(sleep(timeout)));
        timer.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.state.receive();
        }
        if read.is_pending() && self.is_head_late(context) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

/// A socket has nothing to flush and shuts down at once: only writes wait for the client.
impl AsyncWrite for ClientStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.with_timeout(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.with_timeout(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The server flushes when it has written the whole response.
        self.state.flush();
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
