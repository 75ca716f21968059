//! The owner of a socket by `/proc/net/tcp` and `/proc/net/tcp6` (proc_net(5)), where sock_diag(7) is
//! not available.

use std::fs;
use std::net::{IpAddr, SocketAddr};

use super::SocketOwner;
use super::sock_diag::{CONNECTED_STATES, canonical};

/// Returns the owner of the TCP socket that is connected from `near` to `far`.
pub(super) fn find(near: SocketAddr, far: SocketAddr) -> Option<SocketOwner> {
    // A client with a socket of IPv6 may use addresses of IPv4.
    ["/proc/net/tcp", "/proc/net/tcp6"].iter().find_map(|path| {
        let table = fs::read_to_string(path).ok()?;
        find_in(&table, near, far)
    })
}

fn find_in(table: &str, near: SocketAddr, far: SocketAddr) -> Option<SocketOwner> {
    table.lines().skip(1).find_map(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let (local, remote) = (end(fields.next()?)?, end(fields.next()?)?);
        let state = u8::from_str_radix(fields.next()?, 16).ok()?;
        // The queues, the timer and the retransmissions come before the uid, and a time after it.
        let uid = fields.nth(3)?.parse().ok()?;
        let inode = fields.nth(1)?.parse().ok()?;
        let is_connected = CONNECTED_STATES.contains(&state);
        let is_same = local == canonical(near) && remote == canonical(far);
        (is_connected && is_same && inode != 0).then_some(SocketOwner { uid, inode })
    })
}

/// One end of a connection: groups of four bytes in the byte order of this machine, and a port.
fn end(text: &str) -> Option<(IpAddr, u16)> {
    let (address, port) = text.split_once(':')?;
    let group = |at: usize| {
        let digits = address.get(at * 8..(at + 1) * 8)?;
        u32::from_str_radix(digits, 16).ok().map(u32::to_ne_bytes)
    };
    let ip = if address.len() == 8 {
        IpAddr::from(group(0)?)
    } else {
        let groups = [group(0)?, group(1)?, group(2)?, group(3)?];
        let bytes: [u8; 16] = groups.as_flattened().try_into().ok()?;
        IpAddr::from(bytes).to_canonical()
    };
    Some((ip, u16::from_str_radix(port, 16).ok()?))
}
