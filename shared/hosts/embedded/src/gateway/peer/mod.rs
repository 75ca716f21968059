//! The other end of a connection: which user of this machine it belongs to, as the kernel says.
//!
//! An address on loopback says little: every user of this machine, a reverse proxy and the server's
//! own callbacks connect from it. The kernel knows the owner of the very socket.

mod proc_net;
mod sock_diag;

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::unistd::geteuid;

/// The uid that the kernel reports for users that a user namespace does not map, where
/// `/proc/sys/kernel/overflowuid` cannot be read.
const OVERFLOW_UID: u32 = 65_534;

/// The client's end of an accepted connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The address and port that the client connects from.
    pub address: SocketAddr,
    /// The user that the client's socket belongs to.
    pub owner: PeerOwner,
}

/// The owner of the socket at the client's end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PeerOwner {
    /// A process of the server's own user, other than the server.
    SameUser,
    /// The server process itself, for example a callback that it sends.
    SameProcess,
    /// A process of another user of this machine.
    OtherUser {
        /// The numeric user id.
        uid: u32,
    },
    /// A client on another machine, or one that the kernel does not know.
    Unknown,
}

/// The owner of a connected socket of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct SocketOwner {
    uid: u32,
    /// The number by which `/proc/PID/fd` names the socket; never 0.
    inode: u32,
}

impl Peer {
    /// Asks the kernel about the connection from `address` to `local`.
    pub(super) fn of_connection(address: SocketAddr, local: SocketAddr) -> Self {
        let is_loopback = address.ip().is_loopback() && local.ip().is_loopback();
        let owner = if is_loopback { owner_of(address, local) } else { PeerOwner::Unknown };
        Self { address, owner }
    }
}

fn owner_of(address: SocketAddr, local: SocketAddr) -> PeerOwner {
    // A list of the server's own sockets takes as long as it has connections, so another user must
    // not lead to it, however often it connects.
    let (Some(owner), Some(uid)) = (find_owner(address, local), own_uid()) else {
        return PeerOwner::Unknown;
    };
    if owner.uid != uid {
        return PeerOwner::OtherUser { uid: owner.uid };
    }
    // INVARIANT: the server's own sockets are listed before the kernel is asked. The connection
    // exists already; if its socket is this process's and open when the kernel answers, then it is
    // in the list, and if it is closed by then, the kernel names no owner.
    let own_sockets = own_sockets();
    let found = find_owner(address, local);
    let (Some(own_sockets), Some(owner)) = (own_sockets, found) else { return PeerOwner::Unknown };
    classify(owner, &own_sockets, own_uid())
}

fn classify(owner: SocketOwner, own_sockets: &[u32], own_uid: Option<u32>) -> PeerOwner {
    if own_sockets.contains(&owner.inode) {
        return PeerOwner::SameProcess;
    }
    match own_uid {
        Some(uid) if uid == owner.uid => PeerOwner::SameUser,
        Some(_) => PeerOwner::OtherUser { uid: owner.uid },
        None => PeerOwner::Unknown,
    }
}

/// Returns the owner of the socket that is connected from `near` to `far`.
fn find_owner(near: SocketAddr, far: SocketAddr) -> Option<SocketOwner> {
    /// Whether sock_diag(7) has found a connection.
    static HAS_SOCK_DIAG: AtomicBool = AtomicBool::new(false);
    owner_by(sock_diag::find(near, far), &HAS_SOCK_DIAG, || proc_net::find(near, far))
}

/// Returns the owner by sock_diag(7), else by the tables of all connections. These are long where
/// there are many connections, so a client that is gone must not lead to them.
fn owner_by(
    answer: io::Result<Option<SocketOwner>>,
    has_sock_diag: &AtomicBool,
    find_in_tables: impl FnOnce() -> Option<SocketOwner>,
) -> Option<SocketOwner> {
    match answer {
        Ok(Some(owner)) => {
            has_sock_diag.store(true, Ordering::Relaxed);
            Some(owner)
        }
        Ok(None) if has_sock_diag.load(Ordering::Relaxed) => None,
        // The kernel answers "not found" as well where it was built without this interface.
        Ok(None) => find_in_tables(),
        Err(error) => {
            tracing::debug!(%error, "sock_diag(7) is not available; reading /proc/net");
            find_in_tables()
        }
    }
}

/// The inodes of the sockets that this process has open; `None` without `/proc`.
fn own_sockets() -> Option<Vec<u32>> {
    let descriptors = fs::read_dir("/proc/self/fd").ok()?;
    let targets = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    let inodes = targets.filter_map(|target| {
        target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
    });
    Some(inodes.collect())
}

/// The effective user of this process; `None` where the kernel reports other users by the same
/// number.
fn own_uid() -> Option<u32> {
    static UID: OnceLock<Option<u32>> = OnceLock::new();
    *UID.get_or_init(|| {
        let overflow = fs::read_to_string("/proc/sys/kernel/overflowuid");
        let overflow =
            overflow.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(OVERFLOW_UID);
        let map = fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
        let uid = geteuid().as_raw();
        (uid != overflow || maps_every_user(&map)).then_some(uid)
    })
}

/// Whether a user namespace has a number for every user, as the initial one: `0 0 4294967295`.
fn maps_every_user(uid_map: &str) -> bool {
    uid_map.split_whitespace().eq(["0", "0", "4294967295"])
}

#[cfg(test)]
mod tests;
