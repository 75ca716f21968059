//! The allowlist of an operator: destinations besides the public internet.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use ipnet::IpNet;

use crate::address::{ReservedRange, destination, reserved_range};
use crate::host::{Host, HostError};
use crate::own_listener::OwnListener;

/// The maximum number of entries of an allowlist.
const ENTRIES_MAX: usize = 256;

/// Networks and host names that callbacks may be sent to besides the public internet, also over
/// `http`. Written as a list with commas: `10.1.2.3/32,10.2.0.0/16,hooks.internal`. The default is
/// empty.
///
/// A name in the list may resolve to private, unique-local, shared and loopback addresses. All
/// other reserved addresses, such as the link-local ones of metadata services, require their
/// network in the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowlist {
    networks: Vec<IpNet>,
    names: Vec<String>,
    /// Never called, whatever the networks and names say; `None` where nothing listens.
    own_listener: Option<OwnListener>,
}

/// The error of an allowlist that does not parse.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AllowlistError {
    /// A network address has bits set beyond its prefix: a typing error, or a larger network than
    /// intended.
    #[error(
        "`{entry}` is no network, its address has more bits than its prefix; did you mean `{meant}`"
    )]
    Bits {
        /// The invalid entry, as written.
        entry: String,
        /// The network that contains the address.
        meant: IpNet,
    },
    /// The entry is not a network.
    #[error("`{entry}` is no network such as `10.1.0.0/16`")]
    Network {
        /// The invalid entry, as written.
        entry: String,
    },
    /// The entry is not a host name.
    #[error("`{entry}` {reason}")]
    Name {
        /// The invalid entry, as written.
        entry: String,
        /// The problem of the host name.
        #[source]
        reason: HostError,
    },
    /// The list has too many entries.
    #[error("the list has more than {ENTRIES_MAX} entries; allow larger networks")]
    TooMany,
}

impl Allowlist {
    /// Whether the list is empty, so that only the public internet is allowed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.networks.is_empty() && self.names.is_empty()
    }

    /// Excludes the listener of the platform itself: a callback to it would be a request of the
    /// platform in the name of a job's submitter.
    #[must_use]
    pub fn without_listener(mut self, address: SocketAddr) -> Self {
        self.own_listener = Some(OwnListener::at(address));
        self
    }

    /// Whether a connection to this address reaches the platform itself.
    pub(crate) fn is_own_listener(&self, target: SocketAddr) -> bool {
        self.own_listener.is_some_and(|own| own.is_at(target))
    }

    /// Whether the list contains this host, which allows requests over `http` to it.
    pub(crate) fn contains_host(&self, host: &Host) -> bool {
        match host {
            Host::Name(name) => self.names.contains(name),
            Host::Address(address) => self.contains_address(*address),
        }
    }

    /// Returns the reserved range that forbids a request to this host at this address; `None` where
    /// it is permitted.
    pub(crate) fn blocking_range(&self, host: &Host, address: IpAddr) -> Option<ReservedRange> {
        if self.contains_address(address) {
            return None;
        }
        let is_listed_name = matches!(host, Host::Name(_)) && self.contains_host(host);
        reserved_range(address)
            .filter(|reserved_range| !(is_listed_name && reserved_range.is_private_network()))
    }

    fn contains_address(&self, address: IpAddr) -> bool {
        let address = destination(address);
        self.networks.iter().any(|network| network.contains(&address))
    }
}

impl FromStr for Allowlist {
    type Err = AllowlistError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut allowlist = Self::default();
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        for (index, entry) in entries.enumerate() {
            if index == ENTRIES_MAX {
                return Err(AllowlistError::TooMany);
            }
            if let Some(network) = network(entry)? {
                allowlist.networks.push(network);
                continue;
            }
            match Host::parse(entry) {
                Ok(Host::Name(name)) => allowlist.names.push(name),
                Ok(Host::Address(address)) => allowlist.networks.push(address.into()),
                Err(reason) => {
                    return Err(AllowlistError::Name { entry: entry.to_owned(), reason });
                }
            }
        }
        Ok(allowlist)
    }
}

/// Parses an entry as a network; `None` where it does not have the form of one.
fn network(entry: &str) -> Result<Option<IpNet>, AllowlistError> {
    if let Ok(address) = entry.parse::<IpAddr>() {
        return Ok(Some(address.into()));
    }
    if !entry.contains('/') {
        return Ok(None);
    }
    let network: IpNet =
        entry.parse().map_err(|_| AllowlistError::Network { entry: entry.to_owned() })?;
    let meant = network.trunc();
    if meant != network {
        return Err(AllowlistError::Bits { entry: entry.to_owned(), meant });
    }
    Ok(Some(network))
}

impl fmt::Display for Allowlist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let networks = self.networks.iter().map(ToString::to_string);
        let entries: Vec<String> = networks.chain(self.names.iter().cloned()).collect();
        f.write_str(&entries.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowlist(text: &str) -> Allowlist {
        text.parse().unwrap()
    }

    #[test]
    fn a_list_is_shown_as_it_is_read() {
        for (text, printed) in [
            ("", ""),
            (" , ", ""),
            ("127.0.0.1/32,10.1.0.0/16,hooks.internal", "127.0.0.1/32,10.1.0.0/16,hooks.internal"),
            (" Hooks.Internal , 10.1.0.0/16 ", "10.1.0.0/16,hooks.internal"),
            ("10.1.2.3", "10.1.2.3/32"),
            ("fd00::/8,::1", "fd00::/8,::1/128"),
            ("[::1]", "::1/128"),
            ("localhost", "localhost"),
        ] {
            assert_eq!(allowlist(text).to_string(), printed, "{text}");
            assert_eq!(allowlist(printed), allowlist(text), "{text}");
        }
        assert!(Allowlist::default().is_empty());
        assert!(!allowlist("localhost").is_empty());
        assert!(!allowlist("10.0.0.0/8").is_empty());
    }

    #[test]
    fn what_is_no_network_and_no_name_is_refused_with_its_reason() {
        for (text, expected) in [
            ("10.1.2.3/16", "did you mean `10.1.0.0/16`"),
            ("10.0.0.0/33", "`10.0.0.0/33` is no network such as"),
            ("10.0/8", "`10.0/8` is no network such as"),
            ("https://hooks.internal", "is no network such as"),
            ("*.internal", "`*.internal` is no host name"),
            ("127.1", "`127.1` is neither a name nor four decimal numbers"),
            ("hooks.internal:8080", "is no host name"),
        ] {
            let error = text.parse::<Allowlist>().unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
        let long = vec!["a"; ENTRIES_MAX + 1].join(",");
        assert_eq!(long.parse::<Allowlist>(), Err(AllowlistError::TooMany));
        assert!(vec!["a"; ENTRIES_MAX].join(",").parse::<Allowlist>().is_ok());
    }

    #[test]
    fn a_name_that_is_allowed_leads_to_networks_of_ones_own_and_no_further() {
        let list = allowlist("hooks.internal,192.0.2.0/24,169.254.7.0/24");
        for (host, address, is_refused) in [
            ("hooks.internal", "10.0.0.1", false),
            ("hooks.internal", "127.0.0.1", false),
            ("hooks.internal", "::1", false),
            ("hooks.internal", "100.64.0.1", false),
            ("hooks.internal", "fd12::1", false),
            ("hooks.internal", "::ffff:10.0.0.1", false),
            ("hooks.internal", "169.254.169.254", true),
            ("hooks.internal", "169.254.7.1", false),
            ("hooks.internal", "0.0.0.0", true),
            ("hooks.internal", "224.0.0.1", true),
            ("hooks.internal", "8.8.8.8", false),
            ("other.example", "10.0.0.1", true),
            ("other.example", "192.0.2.1", false),
            ("other.example", "::ffff:192.0.2.1", false),
            ("192.0.2.1", "192.0.2.1", false),
            ("10.0.0.1", "10.0.0.1", true),
        ] {
            let blocking_range =
                list.blocking_range(&Host::parse(host).unwrap(), address.parse().unwrap());
            assert_eq!(blocking_range.is_some(), is_refused, "{host} at {address}");
        }
    }
}
