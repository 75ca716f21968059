//! The listener of the platform itself, which is never called back.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, UdpSocket};

use crate::address::destination;

/// The address and port that the platform listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OwnListener {
    address: SocketAddr,
}

impl OwnListener {
    pub(crate) fn at(address: SocketAddr) -> Self {
        Self { address }
    }

    /// Whether a connection to `target` reaches the listener: by its own address, by the unspecified
    /// address, which leads to loopback, or by any address of this machine where the listener is
    /// bound to all of them.
    pub(crate) fn is_at(&self, target: SocketAddr) -> bool {
        if target.port() != self.address.port() {
            return false;
        }
        let (own, ip) = (destination(self.address.ip()), destination(target.ip()));
        if own.is_unspecified() {
            return is_of_this_machine(ip) || is_of_this_machine(target.ip());
        }
        own == ip || ip.is_unspecified()
    }
}

/// Whether this machine has the address: the kernel binds a socket to no other one. With the setting
/// `net.ipv4.ip_nonlocal_bind` it binds to every address, so the answer is "yes" too often there,
/// and never "no" for an address of this machine.
fn is_of_this_machine(ip: IpAddr) -> bool {
    ip.is_unspecified() || ip.is_loopback() || may_be_own(&UdpSocket::bind((ip, 0)))
}

/// Whether an attempt to bind a socket to an address permits that this machine has it. Errors such as
/// too many open files say nothing about the address.
fn may_be_own<T>(bound: &io::Result<T>) -> bool {
    bound.as_ref().err().is_none_or(|error| error.kind() != ErrorKind::AddrNotAvailable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_at(listener: &str, target: &str) -> bool {
        OwnListener::at(listener.parse().unwrap()).is_at(target.parse().unwrap())
    }

    #[test]
    fn a_listener_is_found_by_every_address_that_leads_to_it() {
        for (listener, target, expected) in [
            ("127.0.0.1:5000", "127.0.0.1:5000", true),
            ("127.0.0.1:5000", "[::ffff:127.0.0.1]:5000", true),
            ("127.0.0.1:5000", "[64:ff9b::127.0.0.1]:5000", true),
            ("127.0.0.1:5000", "0.0.0.0:5000", true),
            ("127.0.0.1:5000", "[::]:5000", true),
            ("127.0.0.1:5000", "127.0.0.1:5001", false),
            ("127.0.0.1:5000", "127.0.0.2:5000", false),
            ("127.0.0.1:5000", "198.51.100.7:5000", false),
            ("[::1]:5000", "[::1]:5000", true),
            ("[::1]:5000", "127.0.0.1:5000", false),
            ("0.0.0.0:5000", "127.0.0.1:5000", true),
            ("0.0.0.0:5000", "127.200.0.1:5000", true),
            ("0.0.0.0:5000", "[::ffff:127.0.0.1]:5000", true),
            ("0.0.0.0:5000", "0.0.0.0:5000", true),
            ("0.0.0.0:5000", "127.0.0.1:443", false),
            ("[::]:5000", "127.0.0.1:5000", true),
            ("[::]:5000", "[::1]:5000", true),
        ] {
            assert_eq!(is_at(listener, target), expected, "{listener} by {target}");
        }
        // Another machine's service on the same port.
        assert!(!is_at("0.0.0.0:443", "198.51.100.7:443"));
    }

    #[test]
    fn an_address_is_another_machines_only_where_the_system_says_so() {
        const EMFILE: i32 = 24;
        const EADDRNOTAVAIL: i32 = 99;
        assert!(may_be_own(&Ok(())));
        assert!(may_be_own::<()>(&Err(io::Error::from_raw_os_error(EMFILE))));
        assert!(!may_be_own::<()>(&Err(io::Error::from_raw_os_error(EADDRNOTAVAIL))));
    }

    /// The address that this machine sends from, if it has another one than loopback.
    #[test]
    fn a_listener_on_all_addresses_is_found_by_the_address_of_an_interface() {
        let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
        let outward = socket.connect("198.51.100.7:9").and_then(|()| socket.local_addr());
        let ip = outward.map_or(IpAddr::from([127, 0, 0, 1]), |address| address.ip());
        let target = SocketAddr::new(ip, 5000);
        assert!(OwnListener::at("0.0.0.0:5000".parse().unwrap()).is_at(target), "{target}");
    }
}
