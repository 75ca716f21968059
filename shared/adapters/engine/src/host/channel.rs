//! One order to a worker and its one answer, against a deadline.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, send};
use nix::unistd::read;

use super::deadline::{Alarm, Deadline};
use crate::wire::frame::{self, BUFFER_BYTES_KEPT, HEADER_BYTES, ORDER_BYTES_MAX, Unframed};
use crate::wire::{OrderRef, Reply};

/// What a buffer starts with; it grows as bytes arrive, never because a worker says so.
const READ_BYTES: usize = 16 << 10;

/// Why there is no answer. After any of these the worker is of no use any more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ChannelError {
    /// It was dead before it got the order.
    Unsent,
    /// It hung up; its end says why.
    Closed,
    /// The deadline passed.
    Expired,
    /// Its answer is larger than it may be.
    TooLarge,
    /// Its answer is none.
    ProtocolViolation(String),
    /// Something failed on our side.
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

impl From<Unframed> for ChannelError {
    fn from(error: Unframed) -> Self {
        Self::Host(error.to_string())
    }
}

/// Our end of a worker's socket, which never blocks us.
#[derive(Debug)]
pub(crate) struct Channel {
    socket: OwnedFd,
    alarm: Alarm,
    sent: Vec<u8>,
    received: Vec<u8>,
}

impl Channel {
    /// `socket` is non-blocking.
    pub(crate) fn new(socket: OwnedFd) -> nix::Result<Self> {
        Ok(Self { socket, alarm: Alarm::new()?, sent: Vec::new(), received: Vec::new() })
    }

    /// Asks, and waits for the answer of at most `reply_bytes_max`.
    pub(crate) fn ask(
        &mut self,
        order: OrderRef<'_>,
        deadline: &Deadline,
        reply_bytes_max: usize,
    ) -> Result<Reply, ChannelError> {
        frame::encode(&mut self.sent, &order)?;
        if self.sent.len() > HEADER_BYTES + ORDER_BYTES_MAX {
            let (size, most) = (self.sent.len(), ORDER_BYTES_MAX);
            return Err(ChannelError::Host(format!(
                "an order of {size} bytes; {most} are the most"
            )));
        }
        self.alarm.set(deadline)?;
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
                Err(Errno::EPIPE) if rest.len() == self.sent.len() => {
                    return Err(ChannelError::Unsent);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Receives exactly one frame; says where it ends.
    fn receive(&mut self, reply_bytes_max: usize) -> Result<usize, ChannelError> {
        let mut filled = 0;
        loop {
            let whole = match frame::announced(self.received.get(..filled).unwrap_or_default()) {
                Some(payload) if payload > reply_bytes_max => return Err(ChannelError::TooLarge),
                Some(payload) => Some(HEADER_BYTES + payload),
                None => None,
            };
            match whole {
                Some(whole) if filled == whole => return Ok(whole),
                Some(whole) if filled > whole => {
                    return Err(ChannelError::ProtocolViolation("more than one answer".to_owned()));
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

    /// Waits until the socket is ready, or the deadline has passed.
    fn wait(&self, readiness: PollFlags) -> Result<(), ChannelError> {
        let mut fds = [
            PollFd::new(self.socket.as_fd(), readiness),
            PollFd::new(self.alarm.as_fd(), PollFlags::POLLIN),
        ];
        loop {
            match poll(&mut fds, PollTimeout::NONE) {
                Err(Errno::EINTR) => continue,
                Err(error) => return Err(error.into()),
                Ok(_) => {}
            }
            let [socket, alarm] = &fds;
            if socket.any() == Some(true) {
                return Ok(());
            }
            if alarm.any() == Some(true) {
                return Err(ChannelError::Expired);
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
        }
    }

    /// What the platform makes of a worker that writes `bytes` and then hangs up.
    fn ask_one_that_says(bytes: &[u8]) -> Result<Reply, ChannelError> {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let mut channel = Channel::new(ours.into()).unwrap();
        let bytes = bytes.to_vec();
        let worker = std::thread::spawn(move || {
            let mut header = [0; HEADER_BYTES];
            theirs.read_exact(&mut header).unwrap();
            let mut order = vec![0; frame::announced(&header).unwrap()];
            theirs.read_exact(&mut order).unwrap();
            theirs.write_all(&bytes).unwrap();
        });
        let deadline = Deadline::after(Duration::from_secs(60)).unwrap();
        let reply = channel.ask(OrderRef::Compile(&source()), &deadline, REPLY_BYTES_MAX);
        worker.join().unwrap();
        reply
    }

    fn framed(payload: &[u8]) -> Vec<u8> {
        let mut frame = u32::try_from(payload.len()).unwrap().to_le_bytes().to_vec();
        frame.extend_from_slice(payload);
        frame
    }

    #[test]
    fn an_honest_answer_arrives() {
        let reply = ask_one_that_says(&framed(br#"{"refused":[]}"#)).unwrap();
        assert!(matches!(reply, Reply::Refused(diagnostics) if diagnostics.is_empty()));
    }

    #[test]
    fn lies_about_lengths_and_content_are_recognised() {
        let two = [framed(br#"{"refused":[]}"#), framed(br#"{"refused":[]}"#)].concat();
        let cases: [(&[u8], Recognised); 6] = [
            (b"", |broken| *broken == ChannelError::Closed),
            (b"\x05\0", |broken| *broken == ChannelError::Closed),
            (b"\x05\0\0\0ab", |broken| *broken == ChannelError::Closed),
            (b"\xff\xff\xff\xff", |broken| *broken == ChannelError::TooLarge),
            (b"\x02\0\0\0{}", |broken| matches!(broken, ChannelError::ProtocolViolation(_))),
            (&two, |broken| matches!(broken, ChannelError::ProtocolViolation(_))),
        ];
        for (bytes, expected) in cases {
            let broken = ask_one_that_says(bytes).unwrap_err();
            assert!(expected(&broken), "{bytes:?}: {broken:?}");
        }
    }

    #[test]
    fn a_worker_that_says_nothing_runs_into_the_deadline_and_a_dead_one_does_not() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let mut channel = Channel::new(ours.into()).unwrap();
        let deadline = Deadline::after(Duration::from_millis(5)).unwrap();
        let broken = channel.ask(OrderRef::Compile(&source()), &deadline, REPLY_BYTES_MAX);
        assert_eq!(broken.unwrap_err(), ChannelError::Expired);
        drop(theirs);
        let deadline = Deadline::after(Duration::from_secs(60)).unwrap();
        let broken = channel.ask(OrderRef::Compile(&source()), &deadline, REPLY_BYTES_MAX);
        assert_eq!(broken.unwrap_err(), ChannelError::Unsent);
    }

    #[test]
    fn a_worker_that_never_reads_cannot_hold_a_large_order_up() {
        let (ours, _theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let mut channel = Channel::new(ours.into()).unwrap();
        let large = Source { code: "x".repeat(8 << 20), ..source() };
        let deadline = Deadline::after(Duration::from_millis(5)).unwrap();
        let broken = channel.ask(OrderRef::Compile(&large), &deadline, REPLY_BYTES_MAX);
        assert_eq!(broken.unwrap_err(), ChannelError::Expired);
    }
}
