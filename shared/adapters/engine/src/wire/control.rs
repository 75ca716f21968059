//! The control socket between the platform and a zygote: one packet per message, eight bytes.

use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};

use crate::sys;

/// The first packet of a zygote. Another program, or another version of this one, does not send it.
pub(crate) const HELLO: u32 = 0x5752_0003;
/// Forks a worker with the four descriptors that come along: its socket, its standard error, the
/// pipe for a copy of what it prints, and the memory file for its checkpoint.
///
/// `a` is 1 when a worker may run without a system-call filter. The reply's `a` is the worker's
/// process number, or a negative error number.
pub(crate) const FORK: u32 = 1;
/// Waits for the worker with the process number `a`. The reply says how it ended: [`EXITED`],
/// [`SIGNALED`] or [`UNKNOWN`].
pub(crate) const REAP: u32 = 2;
/// The reply to [`FORK`].
pub(crate) const FORKED: u32 = 3;
/// The worker exited; `a` is its exit code.
pub(crate) const EXITED: u32 = 4;
/// A signal ended the worker; `a` is the signal's number.
pub(crate) const SIGNALED: u32 = 5;
/// The worker's status is unknown; `a` is an error number.
pub(crate) const UNKNOWN: u32 = 6;

const PACKET_BYTES: usize = 8;
const FDS_MAX: usize = 4;

/// One message of the control socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) kind: u32,
    pub(crate) a: i32,
}

impl Packet {
    pub(crate) fn new(kind: u32, a: i32) -> Self {
        Self { kind, a }
    }

    fn to_bytes(self) -> [u8; PACKET_BYTES] {
        let mut bytes = [0; PACKET_BYTES];
        let parts = [self.kind.to_le_bytes(), self.a.to_le_bytes()];
        for (to, from) in bytes.iter_mut().zip(parts.as_flattened()) {
            *to = *from;
        }
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = bytes.split_first_chunk()?;
        let (a, rest) = rest.split_first_chunk()?;
        rest.is_empty()
            .then_some(Self { kind: u32::from_le_bytes(*kind), a: i32::from_le_bytes(*a) })
    }
}

/// Sends one packet, with descriptors.
pub(crate) fn send(
    socket: BorrowedFd<'_>,
    packet: Packet,
    fds: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let bytes = packet.to_bytes();
    let raw: Vec<i32> = fds.iter().map(AsRawFd::as_raw_fd).collect();
    let rights = [ControlMessage::ScmRights(&raw)];
    let rights = if raw.is_empty() { &[][..] } else { &rights[..] };
    loop {
        let sent = sendmsg::<()>(
            socket.as_raw_fd(),
            &[IoSlice::new(&bytes)],
            rights,
            MsgFlags::MSG_NOSIGNAL,
            None,
        );
        match sent {
            Err(Errno::EINTR) => {}
            other => return Ok(other.map(drop)?),
        }
    }
}

/// Receives one packet with its descriptors; `None` once the other side has closed the socket.
pub(crate) fn receive(socket: BorrowedFd<'_>) -> io::Result<Option<(Packet, Vec<OwnedFd>)>> {
    let mut bytes = [0; PACKET_BYTES + 1];
    let mut rights = nix::cmsg_space!([i32; FDS_MAX]);
    let (length, fds) = loop {
        let mut buffers = [IoSliceMut::new(&mut bytes)];
        let received = recvmsg::<()>(
            socket.as_raw_fd(),
            &mut buffers,
            Some(&mut rights),
            MsgFlags::MSG_CMSG_CLOEXEC,
        );
        match received {
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
            Ok(message) => {
                let mut fds = Vec::new();
                for part in message.cmsgs()? {
                    if let ControlMessageOwned::ScmRights(raw) = part {
                        fds.extend(raw.into_iter().map(sys::adopt));
                    }
                }
                break (message.bytes, fds);
            }
        }
    };
    if length == 0 {
        return Ok(None);
    }
    let packet = bytes.get(..length).and_then(Packet::from_bytes);
    packet.map(|packet| Some((packet, fds))).ok_or_else(|| {
        io::Error::new(io::ErrorKind::InvalidData, format!("a packet of {length} bytes"))
    })
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use nix::sys::socket::{AddressFamily, SockFlag, SockType, socketpair};

    use super::*;

    #[test]
    fn a_packet_arrives_whole_with_its_descriptors_and_an_end_is_no_packet() {
        let (ours, theirs) =
            socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
                .unwrap();
        let packet = Packet { kind: FORK, a: -7 };
        send(ours.as_fd(), packet, &[ours.as_fd(), theirs.as_fd()]).unwrap();
        let (received, fds) = receive(theirs.as_fd()).unwrap().unwrap();
        assert_eq!(received, packet);
        assert_eq!(fds.len(), 2);
        drop((fds, ours));
        assert!(receive(theirs.as_fd()).unwrap().is_none());
    }

    #[test]
    fn a_packet_of_another_size_is_refused() {
        let (ours, theirs) =
            socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
                .unwrap();
        for size in [1, 7, 9, 100] {
            nix::unistd::write(&ours, &vec![0; size]).unwrap();
            assert!(receive(theirs.as_fd()).is_err(), "{size}");
        }
    }
}
