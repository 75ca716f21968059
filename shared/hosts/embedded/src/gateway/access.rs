//! The gateway's interface to authentication and authorization.

use std::future::Future;

use http::HeaderMap;
use writ_edge::{Caller, RouteSpec};
use writ_model::Error;

use super::Peer;

/// Authenticates and authorizes callers.
pub trait AccessControl: Send + Sync + 'static {
    /// Returns the caller that sent these headers on a connection of this peer. Whether a process of
    /// the server's own user is the local admin, the implementation knows.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::Unauthenticated`] without valid credentials;
    /// [`writ_model::ErrorKind::Unavailable`] where they cannot be checked.
    fn authenticate(
        &self,
        headers: &HeaderMap,
        peer: &Peer,
    ) -> impl Future<Output = Result<Caller, Error>> + Send;

    /// Returns the name of the rule that permits the caller to use the route.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::Forbidden`], with the rule that forbids it.
    fn authorize(&self, caller: &Caller, spec: &RouteSpec) -> Result<String, Error>;
}
