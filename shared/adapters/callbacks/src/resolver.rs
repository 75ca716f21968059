//! Resolution of host names: every address is validated, and connections go only to validated
//! addresses. So a name that resolves to another address later (DNS rebinding) has no effect.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use crate::allowlist::Allowlist;
use crate::host::{Host, port_of};
use crate::send_error::{OwnListenerError, ReservedAddressError};

/// The maximum number of addresses of a host that a connection tries.
const ADDRESSES_MAX: usize = 8;

/// Resolves host names to addresses.
pub trait Lookup: fmt::Debug + Send + Sync + 'static {
    /// Returns the addresses of this host, with the port.
    ///
    /// # Errors
    /// Returns an error where the name has no address, or no name server responds.
    fn lookup(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>>;
}

/// The resolver of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok((host, port).to_socket_addrs()?.collect())
    }
}

/// A resolver that rejects a host unless all its addresses are permitted.
#[derive(Debug)]
pub(crate) struct ValidatingResolver {
    allowlist: Arc<Allowlist>,
    lookup: Arc<dyn Lookup>,
}

impl ValidatingResolver {
    pub(crate) fn new(allowlist: Arc<Allowlist>, lookup: Arc<dyn Lookup>) -> Self {
        Self { allowlist, lookup }
    }

    fn addresses(
        &self,
        host: &Host,
        port: u16,
        timeout: NextTimeout,
    ) -> Result<Vec<SocketAddr>, Error> {
        let name = match host {
            Host::Address(address) => return Ok(vec![SocketAddr::new(*address, port)]),
            Host::Name(name) => name.clone(),
        };
        if timeout.after.is_not_happening() {
            return self.lookup.lookup(&name, port).map_err(|_| Error::HostNotFound);
        }
        // A lookup cannot be cancelled: it ends on its own thread, by the time limits of the
        // system.
        let (sender, receiver) = sync_channel(1);
        let lookup = Arc::clone(&self.lookup);
        thread::Builder::new()
            .name("callback-name".to_owned())
            .spawn(move || drop(sender.send(lookup.lookup(&name, port))))?;
        match receiver.recv_timeout(*timeout.after) {
            Ok(found) => found.map_err(|_| Error::HostNotFound),
            Err(RecvTimeoutError::Timeout) => Err(Error::Timeout(timeout.reason)),
            Err(RecvTimeoutError::Disconnected) => Err(Error::HostNotFound),
        }
    }
}

impl Resolver for ValidatingResolver {
    fn resolve(
        &self,
        uri: &Uri,
        _: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let host = uri.host().and_then(|host| Host::parse(host).ok());
        let host = host.ok_or(Error::HostNotFound)?;
        let found = self.addresses(&host, port_of(uri), timeout)?;
        // One reserved address among public ones is an attack, or a mistake to report: reject them
        // all.
        if let Some(reserved_range) =
            found.iter().find_map(|address| self.allowlist.blocking_range(&host, address.ip()))
        {
            return Err(Error::Other(Box::new(ReservedAddressError(reserved_range))));
        }
        if found.iter().any(|address| self.allowlist.is_own_listener(*address)) {
            return Err(Error::Other(Box::new(OwnListenerError)));
        }
        let mut addresses = self.empty();
        found.into_iter().take(ADDRESSES_MAX).for_each(|address| addresses.push(address));
        if addresses.is_empty() { Err(Error::HostNotFound) } else { Ok(addresses) }
    }
}
