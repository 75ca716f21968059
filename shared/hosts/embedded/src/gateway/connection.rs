//! The phase of one connection, and the table of all open connections with its bounds.
//!
//! A connection without an authenticated request costs its client nothing, so it may always be
//! closed for another one: a new connection takes the place of such a connection of the peer that
//! has the most. Connections with an authenticated request keep their place until the response is
//! sent; how many of them one workspace may have is bounded. When all places are taken by those,
//! some places in reserve still answer `/healthz`.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::bounds::Bounds;
use super::peer::{Peer, PeerOwner};
use super::request_limits::ConnectionPermit;

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The head of a request is being received.
    Head,
    /// No request is in progress.
    Idle,
    /// A request is in progress that is not authenticated.
    Request,
    /// An authenticated request is in progress.
    Authenticated,
    /// The connection lost its place and is being closed.
    Evicted,
}

struct Activity {
    phase: Phase,
    /// Counts the heads, so that each one has a deadline of its own.
    heads: u64,
    /// The permit of an authenticated request, from its authentication until its response is sent.
    permit: Option<ConnectionPermit>,
    /// A request was authenticated on this connection.
    is_known: bool,
}

/// The state of a connection, shared by its stream, its requests and the table.
pub(super) struct ConnectionState {
    activity: Mutex<Activity>,
    evicted: Notify,
}

impl ConnectionState {
    fn new() -> Self {
        let activity = Activity { phase: Phase::Head, heads: 1, permit: None, is_known: false };
        Self { activity: Mutex::new(activity), evicted: Notify::new() }
    }

    /// Notes that bytes arrived: on an idle connection, the head of its next request begins.
    pub(super) fn receive(&self) {
        let mut activity = lock(&self.activity);
        if activity.phase == Phase::Idle {
            activity.phase = Phase::Head;
            activity.heads += 1;
        }
    }

    /// The number of the head that is being received; `None` outside of heads.
    pub(super) fn head_number(&self) -> Option<u64> {
        let activity = lock(&self.activity);
        (activity.phase == Phase::Head).then_some(activity.heads)
    }

    /// Begins a request: its head is complete.
    pub(super) fn begin(&self) {
        self.go_to(Phase::Request, None);
    }

    /// Protects the connection of an authenticated request until its response is sent. Returns
    /// `false` if the connection has lost its place already.
    pub(super) fn authenticate(&self, permit: ConnectionPermit) -> bool {
        self.go_to(Phase::Authenticated, Some(permit))
    }

    /// Ends a request: its response goes to the client.
    pub(super) fn end(&self) {
        let mut activity = lock(&self.activity);
        if activity.phase != Phase::Evicted {
            activity.phase = Phase::Idle;
        }
    }

    /// Notes that every byte of the response was given to the system.
    pub(super) fn flush(&self) {
        let mut activity = lock(&self.activity);
        if activity.phase != Phase::Authenticated {
            activity.permit = None;
        }
    }

    fn go_to(&self, phase: Phase, permit: Option<ConnectionPermit>) -> bool {
        let mut activity = lock(&self.activity);
        if activity.phase == Phase::Evicted {
            return false;
        }
        activity.is_known |= permit.is_some();
        activity.permit = permit;
        activity.phase = phase;
        true
    }

    /// Completes when the connection has lost its place.
    pub(super) async fn evicted(&self) {
        self.evicted.notified().await;
    }

    /// Whether the connection may be closed for another one, and whether it served a request of a
    /// known caller: those are closed last.
    fn is_known_if_evictable(&self) -> Option<bool> {
        let activity = lock(&self.activity);
        activity.is_evictable().then_some(activity.is_known)
    }

    /// Takes the connection's place, unless it may not be closed any more.
    fn evict(&self) -> bool {
        let mut activity = lock(&self.activity);
        let is_evictable = activity.is_evictable();
        if is_evictable {
            activity.phase = Phase::Evicted;
            self.evicted.notify_one();
        }
        is_evictable
    }
}

impl Activity {
    fn is_evictable(&self) -> bool {
        self.permit.is_none() && self.phase != Phase::Evicted
    }
}

/// The clients that share the bound of one peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum PeerKey {
    /// A user of this machine.
    User(u32),
    /// Processes of the server's user.
    SameUser,
    V4(Ipv4Addr),
    /// The first 64 bits of an address, which one client may have to itself.
    V6([u16; 4]),
}

impl PeerKey {
    fn of(peer: &Peer) -> Self {
        match (peer.owner, peer.address.ip().to_canonical()) {
            (PeerOwner::SameUser | PeerOwner::SameProcess, _) => Self::SameUser,
            (PeerOwner::OtherUser { uid }, _) => Self::User(uid),
            (PeerOwner::Unknown, IpAddr::V4(ip)) => Self::V4(ip),
            (PeerOwner::Unknown, IpAddr::V6(ip)) => {
                let [a, b, c, d, ..] = ip.segments();
                Self::V6([a, b, c, d])
            }
        }
    }
}

struct Entry {
    peer: PeerKey,
    is_reserve: bool,
    state: Arc<ConnectionState>,
}

/// The open connections by age.
#[derive(Default)]
struct Table {
    next: u64,
    open: BTreeMap<u64, Entry>,
}

impl Table {
    fn count(&self, is_counted: impl Fn(&Entry) -> bool) -> usize {
        self.open.values().filter(|entry| is_counted(entry)).count()
    }

    /// Closes the oldest connection among these that may be closed, those of known callers last.
    fn evict(&mut self, is_candidate: impl Fn(&Entry) -> bool) -> bool {
        let candidates = self.open.iter().filter(|(_, entry)| is_candidate(entry));
        let mut evictable: Vec<_> = candidates
            .filter_map(|(id, entry)| Some((entry.state.is_known_if_evictable()?, *id)))
            .collect();
        evictable.sort_unstable();
        // A request may have been authenticated meanwhile, so each is asked again as it is closed.
        let evicted = evictable
            .into_iter()
            .map(|(_, id)| id)
            .find(|id| self.open.get(id).is_some_and(|entry| entry.state.evict()));
        evicted.and_then(|id| self.open.remove(&id)).is_some()
    }

    /// The peer with the most connections that may be closed.
    fn largest_peer(&self) -> Option<PeerKey> {
        let mut counts: BTreeMap<PeerKey, usize> = BTreeMap::new();
        for entry in self.open.values().filter(|entry| !entry.is_reserve) {
            if entry.state.is_known_if_evictable().is_some() {
                *counts.entry(entry.peer).or_default() += 1;
            }
        }
        counts.into_iter().max_by_key(|(_, count)| *count).map(|(peer, _)| peer)
    }

    /// Makes a place for a connection of this peer; `false` if all are taken.
    fn make_place(&mut self, peer: PeerKey, bounds: &Bounds) -> bool {
        if self.count(|entry| !entry.is_reserve && entry.peer == peer)
            >= bounds.peer_connections_max
        {
            return self.evict(|entry| !entry.is_reserve && entry.peer == peer);
        }
        if self.count(|entry| !entry.is_reserve) < bounds.connections_max {
            return true;
        }
        let largest = self.largest_peer();
        largest
            .is_some_and(|largest| self.evict(|entry| !entry.is_reserve && entry.peer == largest))
    }
}

/// The open connections of a server.
pub(super) struct ConnectionTable {
    bounds: Bounds,
    table: Mutex<Table>,
}

impl ConnectionTable {
    pub(super) fn new(bounds: Bounds) -> Arc<Self> {
        Arc::new(Self { bounds, table: Mutex::default() })
    }

    /// Gives a new connection its place; `None` if even those in reserve are taken.
    pub(super) fn admit(self: &Arc<Self>, peer: Peer) -> Option<Connection> {
        let key = PeerKey::of(&peer);
        let mut table = lock(&self.table);
        let is_reserve = !table.make_place(key, &self.bounds);
        let is_reserve_full =
            is_reserve && table.count(|entry| entry.is_reserve) >= self.bounds.reserved_connections;
        if is_reserve_full && !table.evict(|entry| entry.is_reserve) {
            return None;
        }
        let id = table.next;
        table.next += 1;
        let state = Arc::new(ConnectionState::new());
        table.open.insert(id, Entry { peer: key, is_reserve, state: Arc::clone(&state) });
        drop(table);
        Some(Connection { id, peer, is_reserve, state, table: Arc::clone(self) })
    }
}

/// One open connection; its place is free when it is dropped.
pub(super) struct Connection {
    id: u64,
    pub(super) peer: Peer,
    /// The connection has a place in reserve, which is for `/healthz` alone.
    pub(super) is_reserve: bool,
    pub(super) state: Arc<ConnectionState>,
    table: Arc<ConnectionTable>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        lock(&self.table.table).open.remove(&self.id);
    }
}

/// No code panics while it holds one of these locks, so a poisoned lock is still consistent.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use writ_model::Workspace;

    use super::super::request_limits::RequestLimits;
    use super::*;

    const BOUNDS: Bounds = Bounds {
        connections_max: 4,
        peer_connections_max: 3,
        reserved_connections: 1,
        ..Bounds::DEFAULT
    };

    fn permit() -> ConnectionPermit {
        RequestLimits::new(BOUNDS).connection(&Workspace::default()).unwrap()
    }

    fn peer(uid: u32) -> Peer {
        Peer { address: ([127, 0, 0, 1], 1).into(), owner: PeerOwner::OtherUser { uid } }
    }

    fn is_evicted(connection: &Connection) -> bool {
        lock(&connection.state.activity).phase == Phase::Evicted
    }

    /// A connection with an authenticated request in progress.
    fn busy(table: &Arc<ConnectionTable>, uid: u32) -> Connection {
        let connection = table.admit(peer(uid)).unwrap();
        connection.state.begin();
        assert!(connection.state.authenticate(permit()));
        connection
    }

    #[test]
    fn half_sent_heads_give_way_to_new_connections() {
        let table = ConnectionTable::new(BOUNDS);
        let mut held: Vec<_> = (0..20).map(|_| table.admit(peer(1)).unwrap()).collect();
        assert_eq!(held.iter().filter(|connection| !is_evicted(connection)).count(), 3);
        assert!(held.iter().all(|connection| !connection.is_reserve));
        // Another peer's connections are not touched by it.
        let other = table.admit(peer(2)).unwrap();
        held.extend((0..20).map(|_| table.admit(peer(1)).unwrap()));
        assert!(!is_evicted(&other) && !other.is_reserve);
    }

    #[test]
    fn the_peer_with_the_most_connections_loses_one() {
        let table = ConnectionTable::new(BOUNDS);
        let first = table.admit(peer(1)).unwrap();
        let many: Vec<_> = (0..3).map(|_| table.admit(peer(2)).unwrap()).collect();
        let third = table.admit(peer(3)).unwrap();
        assert!(!is_evicted(&first) && !third.is_reserve);
        assert_eq!(many.iter().map(is_evicted).collect::<Vec<_>>(), [true, false, false]);
    }

    #[test]
    fn a_known_callers_idle_connection_is_closed_last() {
        let table = ConnectionTable::new(BOUNDS);
        let known = busy(&table, 1);
        known.state.end();
        known.state.flush();
        let heads: Vec<_> = (0..5).map(|_| table.admit(peer(1)).unwrap()).collect();
        assert!(!is_evicted(&known));
        assert_eq!(heads.iter().filter(|connection| !is_evicted(connection)).count(), 2);
        let _busy: Vec<_> = (0..2).map(|_| busy(&table, 1)).collect();
        let _last = table.admit(peer(1)).unwrap();
        assert!(is_evicted(&known));
    }

    #[test]
    fn an_authenticated_request_keeps_its_place_and_a_reserve_is_left() {
        let table = ConnectionTable::new(BOUNDS);
        let mut busy: Vec<_> = [1, 1, 1, 2].map(|uid| busy(&table, uid)).into();
        let reserve = table.admit(peer(3)).unwrap();
        assert!(reserve.is_reserve);
        let newer = table.admit(peer(1)).unwrap();
        assert!(newer.is_reserve && is_evicted(&reserve));
        assert!(!busy.iter().any(is_evicted));
        busy.pop();
        assert!(!table.admit(peer(3)).unwrap().is_reserve, "a place is free again");
    }

    #[test]
    fn a_reply_that_is_being_read_is_not_cut_off() {
        let table = ConnectionTable::new(Bounds { peer_connections_max: 1, ..BOUNDS });
        let reading = busy(&table, 1);
        // What is sent before the response does not end the request.
        reading.state.flush();
        reading.state.end();
        assert!(table.admit(peer(1)).unwrap().is_reserve);
        reading.state.flush();
        assert!(!table.admit(peer(1)).unwrap().is_reserve);
        assert!(is_evicted(&reading));
        assert!(!reading.state.authenticate(permit()), "its request does not run any more");
    }

    #[test]
    fn a_reply_of_a_public_page_may_be_cut_off() {
        let table = ConnectionTable::new(Bounds { peer_connections_max: 1, ..BOUNDS });
        let reading = busy(&table, 1);
        reading.state.end();
        reading.state.begin();
        reading.state.end();
        assert!(!table.admit(peer(1)).unwrap().is_reserve);
        assert!(is_evicted(&reading));
    }

    #[test]
    fn a_request_that_was_authenticated_meanwhile_is_not_closed() {
        let table = ConnectionTable::new(BOUNDS);
        let connection = table.admit(peer(1)).unwrap();
        connection.state.begin();
        assert_eq!(connection.state.is_known_if_evictable(), Some(false));
        assert!(connection.state.authenticate(permit()));
        assert!(!connection.state.evict() && !is_evicted(&connection));
    }

    #[test]
    fn each_head_has_a_number_of_its_own() {
        let state = ConnectionState::new();
        assert_eq!(state.head_number(), Some(1));
        state.receive();
        assert_eq!(state.head_number(), Some(1));
        state.begin();
        state.receive();
        assert_eq!(state.head_number(), None);
        state.end();
        assert_eq!(state.head_number(), None);
        state.receive();
        assert_eq!(state.head_number(), Some(2));
    }

    #[test]
    fn peers_are_users_of_this_machine_and_networks_of_others() {
        let of =
            |address: &str, owner| PeerKey::of(&Peer { address: address.parse().unwrap(), owner });
        let unknown = PeerOwner::Unknown;
        assert_eq!(of("127.0.0.1:1", PeerOwner::OtherUser { uid: 7 }), PeerKey::User(7));
        assert_eq!(of("127.0.0.1:1", PeerOwner::SameUser), of("[::1]:2", PeerOwner::SameUser));
        assert_eq!(of("198.51.100.7:1", unknown), of("[::ffff:198.51.100.7]:2", unknown));
        assert_eq!(of("[2001:db8::1]:1", unknown), of("[2001:db8::ffff:1]:2", unknown));
        assert_ne!(of("[2001:db8::1]:1", unknown), of("[2001:db8:0:1::1]:1", unknown));
    }
}
