//! One request to a worker and its one reply, with a deadline.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, send};
use nix::unistd::read;

use super::deadline::{Deadline, DeadlineTimer};
use crate::wire::frame::{self, BUFFER_BYTES_KEPT, FrameError, HEADER_BYTES, REQUEST_BYTES_MAX};
use crate::wire::{Reply, WorkerRequestRef};

/// The initial size of the receive buffer. It grows as bytes arrive, never by the length that a
/// worker announces.
const READ_BYTES: usize = 16 << 10;

/// Why there is no reply. After any of these errors the worker must be discarded.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ChannelError {
    /// The worker was dead before it received the request.
    NotSent,
    /// The worker closed its socket; its exit status says why.
    Closed,
    /// The deadline passed before the whole reply arrived.
    DeadlineExceeded,
    /// The reply is larger than the caller accepts.
    ReplyTooLarge,
    /// The bytes are no valid reply.
    ProtocolViolation(String),
    /// A system call of the platform's own process failed.
    Host(String),
}

impl From<Errno> for ChannelError {
    fn from(error: Errno) -> Self {
        match error {
            Errno::EPIPE | Errno::ECONNRESET => Self::Closed,
            other => Self::Host(other.to_string()),
        }
    }
}

impl From<FrameError> for ChannelError {
    fn from(error: FrameError) -> Self {
        Self::Host(error.to_string())
    }
}

/// The platform's end of a worker's socket; it is non-blocking.
#[derive(Debug)]
pub(crate) struct Channel {
    socket: OwnedFd,
    timer: DeadlineTimer,
    sent: Vec<u8>,
    received: Vec<u8>,
}

impl Channel {
    /// Wraps a socket, which the caller must have made non-blocking.
    pub(crate) fn new(socket: OwnedFd) -> nix::Result<Self> {
        Ok(Self { socket, timer: DeadlineTimer::new()?, sent: Vec::new(), received: Vec::new() })
    }

    /// Sends a request and waits for its reply of at most `reply_bytes_max` bytes.
    ///
    /// # Errors
    /// See [`ChannelError`]; after any of them the worker must be discarded.
    pub(crate) fn exchange(
        &mut self,
        request: WorkerRequestRef<'_>,
        deadline: &Deadline,
        reply_bytes_max: usize,
    ) -> Result<Reply, ChannelError> {
        frame::encode(&mut self.sent, &request)?;
        if self.sent.len() > HEADER_BYTES + REQUEST_BYTES_MAX {
            let (size, most) = (self.sent.len(), REQUEST_BYTES_MAX);
            return Err(ChannelError::Host(format!(
                "a request of {size} bytes; the limit is {most}"
            )));
        }
        self.timer.set(deadline)?;
        self.send()?;
        let length = self.receive(reply_bytes_max)?;
        let payload = self.received.get(HEADER_BYTES..length).unwrap_or_default();
        let reply = serde_json::from_slice(payload)
            .map_err(|error| ChannelError::ProtocolViolation(format!("unreadable: {error}")));
        for buffer in [&mut self.sent, &mut self.received] {
            if buffer.capacity() > BUFFER_BYTES_KEPT {
                *buffer = Vec::new();
            }
        }
        reply
    }

    fn send(&self) -> Result<(), ChannelError> {
        let mut rest = self.sent.as_slice();
        while !rest.is_empty() {
            match send(self.socket.as_raw_fd(), rest, MsgFlags::MSG_NOSIGNAL) {
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => self.wait(PollFlags::POLLOUT)?,
                Err(Errno::EPIPE | Errno::ECONNRESET) if rest.len() == self.sent.len() => {
                    return Err(ChannelError::NotSent);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Receives exactly one frame. Returns its length with the header, in bytes.
    fn receive(&mut self, reply_bytes_max: usize) -> Result<usize, ChannelError> {
        let mut filled = 0;
        loop {
            let whole = match frame::payload_length(self.received.get(..filled).unwrap_or_default())
            {
                Some(payload) if payload > reply_bytes_max => {
                    return Err(ChannelError::ReplyTooLarge);
                }
                Some(payload) => Some(HEADER_BYTES + payload),
                None => None,
            };
            match whole {
                Some(whole) if filled == whole => return Ok(whole),
                Some(whole) if filled > whole => {
                    return Err(ChannelError::ProtocolViolation("more than one reply".to_owned()));
                }
                _ => {}
            }
            if filled == self.received.len() {
                let grown = READ_BYTES.max(filled * 2);
                self.received.resize(whole.map_or(grown, |whole| grown.min(whole + 1)), 0);
            }
            self.wait(PollFlags::POLLIN)?;
            match read(&self.socket, self.received.get_mut(filled..).unwrap_or_default()) {
                Err(Errno::EINTR | Errno::EAGAIN) => {}
                Err(error) => return Err(error.into()),
                Ok(0) => return Err(ChannelError::Closed),
                Ok(count) => filled += count,
            }
        }
    }

    /// Waits until the socket is ready; fails when the deadline passes first.
    fn wait(&self, readiness: PollFlags) -> Result<(), ChannelError> {
        let mut fds = [
            PollFd::new(self.socket.as_fd(), readiness),
            PollFd::new(self.timer.as_fd(), PollFlags::POLLIN),
        ];
        loop {
            match poll(&mut fds, PollTimeout::NONE) {
                Err(Errno::EINTR) => continue,
                Err(error) => return Err(error.into()),
                Ok(_) => {}
            }
            let [socket, timer] = &fds;
            if socket.any() == Some(true) {
                return Ok(());
            }
            if timer.any() == Some(true) {
                return Err(ChannelError::DeadlineExceeded);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    use writ_model::{Digest, Language};

    use super::*;
    use crate::Source;

    const REPLY_BYTES_MAX: usize = 1000;

    type Recognised = fn(&ChannelError) -> bool;

    fn source() -> Source {
        Source {
            language: Language::Rego,
            code: "package a".to_owned(),
            digest: Digest::of(b"a"),
            functionality_data: None,
            schemas: Default::default(),
        }
    }

    /// The result of a request to a worker that writes `bytes` and then closes its socket.
    fn exchange_with_worker_that_writes(bytes: &[u8]) -> Result<Reply, ChannelError> {
        let (local_end, mut remote_end) = UnixStream::pair().unwrap();
        local_end.set_nonblocking(true).unwrap();
        let mut channel = Channel::new(local_end.into()).unwrap();
        let bytes = bytes.to_vec();
        let worker = std::thread::spawn(move || {
            let mut header = [0; HEADER_BYTES];
            remote_end.read_exact(&mut header).unwrap();
            let mut request = vec![0; frame::payload_length(&header).unwrap()];
            remote_end.read_exact(&mut request).unwrap();
            remote_end.write_all(&bytes).unwrap();
        });
        let deadline = Deadline::after(Duration::from_secs(60)).unwrap();
        let reply =
            channel.exchange(WorkerRequestRef::Compile(&source()), &deadline, REPLY_BYTES_MAX);
        worker.join().unwrap();
        reply
    }

    fn framed(payload: &[u8]) -> Vec<u8> {
        let mut frame = u32::try_from(payload.len()).unwrap().to_le_bytes().to_vec();
        frame.extend_from_slice(payload);
        frame
    }

    #[test]
    fn a_valid_reply_arrives() {
        let reply = exchange_with_worker_that_writes(&framed(br#"{"refused":[]}"#)).unwrap();
        assert!(matches!(reply, Reply::CompileFailed(diagnostics) if diagnostics.is_empty()));
    }

    #[test]
    fn wrong_lengths_and_content_are_recognised() {
        let two = [framed(br#"{"refused":[]}"#), framed(br#"{"refused":[]}"#)].concat();
        let cases: [(&[u8], Recognised); 6] = [
            (b"", |error| *error == ChannelError::Closed),
            (b"\x05\0", |error| *error == ChannelError::Closed),
            (b"\x05\0\0\0ab", |error| *error == ChannelError::Closed),
            (b"\xff\xff\xff\xff", |error| *error == ChannelError::ReplyTooLarge),
            (b"\x02\0\0\0{}", |error| matches!(error, ChannelError::ProtocolViolation(_))),
            (&two, |error| matches!(error, ChannelError::ProtocolViolation(_))),
        ];
        for (bytes, expected) in cases {
            let error = exchange_with_worker_that_writes(bytes).unwrap_err();
            assert!(expected(&error), "{bytes:?}: {error:?}");
        }
    }

    #[test]
    fn a_silent_worker_exceeds_the_deadline_and_a_dead_one_does_not() {
        let (local_end, remote_end) = UnixStream::pair().unwrap();
        local_end.set_nonblocking(true).unwrap();
        let mut channel = Channel::new(local_end.into()).unwrap();
        let deadline = Deadline::after(Duration::from_millis(5)).unwrap();
        let error =
            channel.exchange(WorkerRequestRef::Compile(&source()), &deadline, REPLY_BYTES_MAX);
        assert_eq!(error.unwrap_err(), ChannelError::DeadlineExceeded);
        drop(remote_end);
        let deadline = Deadline::after(Duration::from_secs(60)).unwrap();
        let error =
            channel.exchange(WorkerRequestRef::Compile(&source()), &deadline, REPLY_BYTES_MAX);
        assert_eq!(error.unwrap_err(), ChannelError::NotSent);
    }

    #[test]
    fn a_worker_that_never_reads_cannot_block_a_large_request() {
        let (local_end, _remote_end) = UnixStream::pair().unwrap();
        local_end.set_nonblocking(true).unwrap();
        let mut channel = Channel::new(local_end.into()).unwrap();
        let large = Source { code: "x".repeat(8 << 20), ..source() };
        let deadline = Deadline::after(Duration::from_millis(5)).unwrap();
        let error = channel.exchange(WorkerRequestRef::Compile(&large), &deadline, REPLY_BYTES_MAX);
        assert_eq!(error.unwrap_err(), ChannelError::DeadlineExceeded);
    }
}
