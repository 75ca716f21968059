//! Tests of connections on this machine, against the kernel's answers.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::process::{Command, Stdio};

use super::*;

/// A connection from this process to a listener of this process.
struct Pair {
    client: TcpStream,
    accepted: TcpStream,
    _listener: TcpListener,
}

impl Pair {
    fn new(listen: &str) -> Self {
        let listener = TcpListener::bind(listen).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        Self { client, accepted, _listener: listener }
    }

    /// The client's address and the server's.
    fn ends(&self) -> (SocketAddr, SocketAddr) {
        (self.accepted.peer_addr().unwrap(), self.accepted.local_addr().unwrap())
    }

    fn peer(&self) -> Peer {
        let (address, local) = self.ends();
        Peer::of_connection(address, local)
    }
}

fn uid() -> u32 {
    geteuid().as_raw()
}

#[test]
fn both_interfaces_of_the_kernel_name_the_same_owner() {
    for listen in ["127.0.0.1:0", "[::1]:0"] {
        let pair = Pair::new(listen);
        let (near, far) = pair.ends();
        let owner = sock_diag::find(near, far).unwrap().unwrap();
        assert_eq!(owner.uid, uid(), "{listen}");
        assert!(own_sockets().unwrap().contains(&owner.inode), "{listen}");
        assert_eq!(proc_net::find(near, far), Some(owner), "{listen}");
        // The server's end is another socket.
        assert_ne!(sock_diag::find(far, near).unwrap(), Some(owner), "{listen}");
    }
}

#[test]
fn an_ipv6_socket_that_uses_ipv4_is_found() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mapped = Ipv4Addr::LOCALHOST.to_ipv6_mapped();
    let port = listener.local_addr().unwrap().port();
    let _client = TcpStream::connect((mapped, port)).unwrap();
    let (accepted, near) = listener.accept().unwrap();
    let far = accepted.local_addr().unwrap();
    let owner = sock_diag::find(near, far).unwrap().unwrap();
    assert_eq!(proc_net::find(near, far), Some(owner));
    assert_eq!(owner.uid, uid());
}

#[test]
fn a_connection_of_the_server_itself_is_never_the_users() {
    for listen in ["127.0.0.1:0", "[::1]:0"] {
        assert_eq!(Pair::new(listen).peer().owner, PeerOwner::SameProcess, "{listen}");
    }
}

/// The test below, in a process of its own: connects to the port and waits for the end.
#[test]
fn connects_where_a_test_says_so() {
    let Ok(address) = std::env::var("WRIT_TEST_CONNECT_TO") else { return };
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"x").unwrap();
    let _ = stream.read(&mut [0; 1]);
}

#[test]
fn another_process_of_the_same_user_is_the_user() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "gateway::peer::tests::connects_where_a_test_says_so"])
        .env("WRIT_TEST_CONNECT_TO", listener.local_addr().unwrap().to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let (mut accepted, address) = listener.accept().unwrap();
    let peer = Peer::of_connection(address, accepted.local_addr().unwrap());
    accepted.read_exact(&mut [0; 1]).unwrap();
    drop(accepted);
    child.wait().unwrap();
    assert_eq!(peer.owner, PeerOwner::SameUser);
}

#[test]
fn the_owner_is_compared_with_the_servers_user_and_sockets() {
    let owner = SocketOwner { uid: 1_000, inode: 7 };
    for (own_sockets, own_uid, expected) in [
        ([6], Some(1_000), PeerOwner::SameUser),
        ([7], Some(1_000), PeerOwner::SameProcess),
        ([6], Some(0), PeerOwner::OtherUser { uid: 1_000 }),
        ([7], Some(0), PeerOwner::SameProcess),
        ([6], None, PeerOwner::Unknown),
    ] {
        assert_eq!(classify(owner, &own_sockets, own_uid), expected);
    }
}

#[test]
fn the_tables_are_read_only_where_sock_diag_does_not_work() {
    let (by_diag, by_tables) = (SocketOwner { uid: 1, inode: 1 }, SocketOwner { uid: 2, inode: 2 });
    let has_sock_diag = AtomicBool::new(false);
    let ask = |answer| owner_by(answer, &has_sock_diag, || Some(by_tables));
    assert_eq!(ask(Ok(None)), Some(by_tables), "the kernel may lack the interface");
    assert_eq!(ask(Ok(Some(by_diag))), Some(by_diag));
    assert_eq!(ask(Ok(None)), None, "the client is gone");
    assert_eq!(ask(Err(io::ErrorKind::PermissionDenied.into())), Some(by_tables));
}

#[test]
fn a_client_that_is_gone_has_no_owner() {
    let pair = Pair::new("127.0.0.1:0");
    let (near, far) = pair.ends();
    let Pair { client, accepted, _listener } = pair;
    drop(client);
    assert_eq!(Peer::of_connection(near, far).owner, PeerOwner::Unknown);
    drop(accepted);
    assert_eq!(Peer::of_connection(near, far).owner, PeerOwner::Unknown);
}

#[test]
fn a_client_that_sends_no_more_still_has_its_owner() {
    let pair = Pair::new("127.0.0.1:0");
    pair.client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(pair.peer().owner, PeerOwner::SameProcess);
}

#[test]
fn a_listening_socket_is_no_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (near, far) = (listener.local_addr().unwrap(), "127.0.0.1:1".parse().unwrap());
    assert_eq!(sock_diag::find(near, far).unwrap(), None);
    assert_eq!(proc_net::find(near, far), None);
}

#[test]
fn another_machine_has_no_owner_here() {
    let pair = Pair::new("127.0.0.1:0");
    let (near, far) = pair.ends();
    let elsewhere: SocketAddr = "198.51.100.7:4000".parse().unwrap();
    assert_eq!(Peer::of_connection(elsewhere, far).owner, PeerOwner::Unknown);
    assert_eq!(Peer::of_connection(near, elsewhere).owner, PeerOwner::Unknown);
}

#[test]
fn a_map_of_users_is_whole_or_not() {
    assert!(maps_every_user("         0          0 4294967295\n"));
    assert!(!maps_every_user("         0       1000          1\n"));
    assert!(!maps_every_user("0 0 1000\n1000 1000 4294966295\n"));
    assert!(!maps_every_user(""));
}
