//! The gateway's interface to authentication and authorization.

use std::future::Future;
use std::net::SocketAddr;

use http::HeaderMap;
use writ_edge::{Caller, RouteSpec};
use writ_model::Error;

/// Authenticates and authorizes callers.
pub trait AccessControl: Send + Sync + 'static {
    /// Returns the caller that sent these headers from this address. A caller on loopback is the
    /// local admin only where the server listens on loopback alone, which the implementation knows.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::Unauthenticated`] without valid credentials;
    /// [`writ_model::ErrorKind::Unavailable`] where they cannot be checked.
    fn authenticate(
        &self,
        headers: &HeaderMap,
        peer: SocketAddr,
    ) -> impl Future<Output = Result<Caller, Error>> + Send;

    /// Returns the name of the rule that permits the caller to use the route.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::Forbidden`], with the rule that forbids it.
    fn authorize(&self, caller: &Caller, spec: &RouteSpec) -> Result<String, Error>;
}
