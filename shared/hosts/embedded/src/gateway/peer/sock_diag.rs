//! The owner of a socket by sock_diag(7): one request over netlink about one connection.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd as _;

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recvfrom, sendto,
    socket,
};

use super::SocketOwner;

/// `SOCK_DIAG_BY_FAMILY`, the type of the request and of its answer.
const SOCK_DIAG_BY_FAMILY: u16 = 20;
/// `NLM_F_REQUEST`: no dump, so the answer is one socket.
const NLM_F_REQUEST: u16 = 1;
/// `NLMSG_ERROR`, the type of a refusal.
const NLMSG_ERROR: u16 = 2;
/// The length of `struct nlmsghdr`.
const HEADER_BYTES: usize = 16;
/// The length of a request: the header and `struct inet_diag_req_v2`.
const REQUEST_BYTES: u32 = 72;
/// `INET_DIAG_NOCOOKIE`: any socket with these addresses.
const NO_COOKIE: [u8; 8] = [0xff; 8];
/// The states of a connection that was established and is not over: `TCP_ESTABLISHED`,
/// `TCP_FIN_WAIT1`, `TCP_FIN_WAIT2`, `TCP_CLOSE_WAIT`, `TCP_LAST_ACK` and `TCP_CLOSING`.
pub(super) const CONNECTED_STATES: [u8; 6] = [1, 4, 5, 8, 9, 11];

/// Returns the owner of the TCP socket that is connected from `near` to `far`; `None` where the
/// kernel knows no such socket.
pub(super) fn find(near: SocketAddr, far: SocketAddr) -> io::Result<Option<SocketOwner>> {
    let kernel = NetlinkAddr::new(0, 0);
    let socket = socket(
        AddressFamily::Netlink,
        SockType::Datagram,
        SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
        SockProtocol::NetlinkSockDiag,
    )?;
    sendto(socket.as_raw_fd(), &request(near, far), &kernel, MsgFlags::empty())?;
    let mut answer = [0; 1024];
    // The kernel answers while the request is sent, so there is nothing to wait for.
    let (bytes, sender) =
        recvfrom::<NetlinkAddr>(socket.as_raw_fd(), &mut answer).map_err(io::Error::from)?;
    if sender.is_none_or(|sender| sender.pid() != 0) {
        return Err(io::Error::other("the answer is not the kernel's"));
    }
    parse(answer.get(..bytes).unwrap_or_default(), near, far)
}

/// Writes `struct nlmsghdr` and `struct inet_diag_req_v2` (linux/netlink.h, linux/inet_diag.h).
fn request(near: SocketAddr, far: SocketAddr) -> Vec<u8> {
    let family = match near {
        SocketAddr::V4(_) => libc::AF_INET,
        SocketAddr::V6(_) => libc::AF_INET6,
    };
    let mut bytes = Vec::new();
    bytes.extend(REQUEST_BYTES.to_ne_bytes());
    bytes.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    bytes.extend(NLM_F_REQUEST.to_ne_bytes());
    // The sequence number and the sender's port.
    bytes.extend([0; 8]);
    bytes.extend([family as u8, libc::IPPROTO_TCP as u8, 0, 0]);
    // The states, which count for dumps alone.
    bytes.extend([0xff; 4]);
    bytes.extend(near.port().to_be_bytes());
    bytes.extend(far.port().to_be_bytes());
    bytes.extend(address_bytes(near.ip()));
    bytes.extend(address_bytes(far.ip()));
    // Any interface.
    bytes.extend([0; 4]);
    bytes.extend(NO_COOKIE);
    bytes
}

/// An address in 16 bytes, of which one of IPv4 uses the first four.
fn address_bytes(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(v4) => {
            let [a, b, c, d] = v4.octets();
            [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        }
        IpAddr::V6(v6) => v6.octets(),
    }
}

/// Parses `struct nlmsghdr` and `struct inet_diag_msg`. The kernel falls back to a listening socket
/// where no connection matches, so the addresses and the state are compared.
fn parse(answer: &[u8], near: SocketAddr, far: SocketAddr) -> io::Result<Option<SocketOwner>> {
    let too_short = || io::Error::from(io::ErrorKind::UnexpectedEof);
    let kind = u16::from_ne_bytes(bytes_at(answer, 4).ok_or_else(too_short)?);
    let body = answer.get(HEADER_BYTES..).ok_or_else(too_short)?;
    if kind == NLMSG_ERROR {
        let errno = i32::from_ne_bytes(bytes_at(body, 0).ok_or_else(too_short)?);
        return match Errno::from_raw(errno.saturating_neg()) {
            Errno::ENOENT => Ok(None),
            errno => Err(errno.into()),
        };
    }
    if kind != SOCK_DIAG_BY_FAMILY {
        return Err(io::Error::other("the answer is no socket"));
    }
    Ok(parse_socket(body, near, far))
}

fn parse_socket(body: &[u8], near: SocketAddr, far: SocketAddr) -> Option<SocketOwner> {
    let [family, state] = bytes_at(body, 0)?;
    let is_connected = CONNECTED_STATES.contains(&state);
    let is_near = end(family, bytes_at(body, 4)?, bytes_at(body, 8)?) == Some(canonical(near));
    let is_far = end(family, bytes_at(body, 6)?, bytes_at(body, 24)?) == Some(canonical(far));
    let uid = u32::from_ne_bytes(bytes_at(body, 64)?);
    let inode = u32::from_ne_bytes(bytes_at(body, 68)?);
    // A socket that its process has closed has no inode.
    let is_owned = is_connected && is_near && is_far && inode != 0;
    is_owned.then_some(SocketOwner { uid, inode })
}

/// One end of a connection. A client with a socket of IPv6 may use addresses of IPv4.
fn end(family: u8, port: [u8; 2], address: [u8; 16]) -> Option<(IpAddr, u16)> {
    let ip = match i32::from(family) {
        libc::AF_INET => {
            let [a, b, c, d, ..] = address;
            IpAddr::from([a, b, c, d])
        }
        libc::AF_INET6 => IpAddr::from(address).to_canonical(),
        _ => return None,
    };
    Some((ip, u16::from_be_bytes(port)))
}

/// An address and port as [`end`] returns them.
pub(super) fn canonical(address: SocketAddr) -> (IpAddr, u16) {
    (address.ip().to_canonical(), address.port())
}

fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}
