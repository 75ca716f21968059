//! Classification of IP addresses: public ones, and the ranges of all others.
//!
//! The source is the registries of special-purpose addresses of the Internet Assigned Numbers
//! Authority (iana-ipv4-special-registry, iana-ipv6-special-registry). Of IPv6, only the assigned
//! global unicast space counts as public, so that a block that gets a purpose later is rejected
//! before it is added here.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

/// The purpose of an address range that is not public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReservedRange {
    /// Unassigned: 240.0.0.0/4, and the unassigned space of IPv6.
    Unassigned,
    /// All hosts on a link (limited broadcast).
    Broadcast,
    /// Benchmarks of network devices (RFC 2544).
    Benchmarking,
    /// The host below a virtual machine in a cloud, at a public address.
    CloudHost,
    /// Examples in documentation (RFC 5737, RFC 3849).
    Documentation,
    /// Link-local addresses, which include the metadata services of clouds.
    LinkLocal,
    /// Loopback addresses of the machine itself.
    Loopback,
    /// Multicast groups of hosts.
    Multicast,
    /// Private networks (RFC 1918).
    Private,
    /// Protocol assignments of the IETF (RFC 6890).
    Protocol,
    /// Shared networks between carriers and their customers (RFC 6598).
    Shared,
    /// Private networks of IPv6 before RFC 3879.
    SiteLocal,
    /// IPv4 addresses embedded in IPv6 ones, for obsolete tunnels.
    Tunnel,
    /// Private networks of IPv6 (RFC 4193).
    UniqueLocal,
    /// The unspecified address, or "this network".
    Unspecified,
}

impl ReservedRange {
    /// Whether the range is a private network or loopback. A host name in the allowlist may resolve
    /// to these ranges; the others require their network in the allowlist.
    pub(crate) fn is_private_network(self) -> bool {
        matches!(self, Self::Loopback | Self::Private | Self::Shared | Self::UniqueLocal)
    }
}

impl fmt::Display for ReservedRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unassigned => "an unassigned address",
            Self::Broadcast => "a broadcast address",
            Self::Benchmarking => "a benchmarking address",
            Self::CloudHost => "the address of a cloud's host",
            Self::Documentation => "a documentation address",
            Self::LinkLocal => "a link-local address",
            Self::Loopback => "a loopback address",
            Self::Multicast => "a multicast address",
            Self::Private => "a private address",
            Self::Protocol => "an address for protocols",
            Self::Shared => "a carrier's shared address",
            Self::SiteLocal => "a site-local address",
            Self::Tunnel => "a tunnel's address",
            Self::UniqueLocal => "a unique-local address",
            Self::Unspecified => "an unspecified address",
        })
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

/// Returns the network with these first four groups.
const fn v6(a: u16, b: u16, c: u16, d: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0), prefix)
}

/// The first network that contains an address decides; an address in none is public.
const V4: [(Ipv4Net, ReservedRange); 17] = [
    (v4(0, 0, 0, 0, 8), ReservedRange::Unspecified),
    (v4(10, 0, 0, 0, 8), ReservedRange::Private),
    (v4(100, 64, 0, 0, 10), ReservedRange::Shared),
    (v4(127, 0, 0, 0, 8), ReservedRange::Loopback),
    // The platform services of Azure for virtual machines.
    (v4(168, 63, 129, 16, 32), ReservedRange::CloudHost),
    (v4(169, 254, 0, 0, 16), ReservedRange::LinkLocal),
    (v4(172, 16, 0, 0, 12), ReservedRange::Private),
    (v4(192, 0, 0, 0, 24), ReservedRange::Protocol),
    (v4(192, 0, 2, 0, 24), ReservedRange::Documentation),
    // Relays of 6to4 (RFC 7526).
    (v4(192, 88, 99, 0, 24), ReservedRange::Tunnel),
    (v4(192, 168, 0, 0, 16), ReservedRange::Private),
    (v4(198, 18, 0, 0, 15), ReservedRange::Benchmarking),
    (v4(198, 51, 100, 0, 24), ReservedRange::Documentation),
    (v4(203, 0, 113, 0, 24), ReservedRange::Documentation),
    (v4(224, 0, 0, 0, 4), ReservedRange::Multicast),
    (v4(255, 255, 255, 255, 32), ReservedRange::Broadcast),
    (v4(240, 0, 0, 0, 4), ReservedRange::Unassigned),
];

/// The first network that contains an address decides; for an address in none, [`GLOBAL_V6`] does.
const V6: [(Ipv6Net, ReservedRange); 14] = [
    (Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 128), ReservedRange::Unspecified),
    (Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128), ReservedRange::Loopback),
    // IPv4-compatible addresses.
    (v6(0, 0, 0, 0, 96), ReservedRange::Tunnel),
    // NAT64 in local networks (RFC 8215).
    (v6(0x64, 0xff9b, 1, 0, 48), ReservedRange::Tunnel),
    (v6(0xfc00, 0, 0, 0, 7), ReservedRange::UniqueLocal),
    (v6(0xfe80, 0, 0, 0, 10), ReservedRange::LinkLocal),
    (v6(0xfec0, 0, 0, 0, 10), ReservedRange::SiteLocal),
    (v6(0xff00, 0, 0, 0, 8), ReservedRange::Multicast),
    // Teredo.
    (v6(0x2001, 0, 0, 0, 32), ReservedRange::Tunnel),
    (v6(0x2001, 2, 0, 0, 48), ReservedRange::Benchmarking),
    (v6(0x2001, 0, 0, 0, 23), ReservedRange::Protocol),
    (v6(0x2001, 0xdb8, 0, 0, 32), ReservedRange::Documentation),
    // 6to4.
    (v6(0x2002, 0, 0, 0, 16), ReservedRange::Tunnel),
    (v6(0x3fff, 0, 0, 0, 20), ReservedRange::Documentation),
];

/// The global unicast space of IPv6 (RFC 4291).
const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 0, 0, 3);

/// The well-known prefix of NAT64 (RFC 6052). In networks with IPv6 only, a resolver returns such
/// addresses for IPv4 hosts.
const NAT64: Ipv6Net = v6(0x64, 0xff9b, 0, 0, 96);

/// Returns the address that packets are delivered to: the IPv4 address of an IPv4-mapped or NAT64
/// address.
pub(crate) fn destination(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if NAT64.contains(&v6) => {
            let [.., a, b, c, d] = v6.octets();
            IpAddr::V4(Ipv4Addr::new(a, b, c, d))
        }
        canonical => canonical,
    }
}

/// Returns the reserved range of an address; `None` for a public one.
pub(crate) fn reserved_range(address: IpAddr) -> Option<ReservedRange> {
    match destination(address) {
        IpAddr::V4(address) => V4
            .iter()
            .find(|(net, _)| net.contains(&address))
            .map(|(_, reserved_range)| *reserved_range),
        IpAddr::V6(address) => {
            let known = V6.iter().find(|(net, _)| net.contains(&address));
            let unknown = (!GLOBAL_V6.contains(&address)).then_some(ReservedRange::Unassigned);
            known.map(|(_, reserved_range)| *reserved_range).or(unknown)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_address_of_the_table_is_what_it_says() {
        let cases = include_str!("address/cases.txt").lines();
        for line in cases.filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (address, expected) = line.split_once(' ').unwrap();
            let found = reserved_range(address.parse().unwrap());
            let found = found.map_or_else(|| "public".to_owned(), |found| found.to_string());
            assert_eq!(found, expected.trim(), "{address}");
        }
    }

    proptest! {
        /// A reserved IPv4 address is also reserved in every IPv6 form that is delivered to it.
        #[test]
        fn an_ipv4_address_inside_an_ipv6_one_is_no_way_around(bits: u32) {
            let plain = Ipv4Addr::from_bits(bits);
            let [a, b, c, d] = plain.octets();
            let high = u16::from_be_bytes([a, b]);
            let low = u16::from_be_bytes([c, d]);
            let expected = reserved_range(plain.into());
            let mapped = plain.to_ipv6_mapped();
            prop_assert_eq!(reserved_range(mapped.into()), expected);
            let nat64 = Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low);
            prop_assert_eq!(reserved_range(nat64.into()), expected);
            for tunnel in [
                Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low),
                Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
                Ipv6Addr::new(0x2001, 0, 0x4136, 0xe378, 0x8000, 0x63bf, !high, !low),
            ] {
                prop_assert!(reserved_range(tunnel.into()).is_some(), "{}", tunnel);
            }
        }
    }
}
