//! Who may come in. The gateway asks; `writ-authz` knows.

use std::future::Future;
use std::net::SocketAddr;

use http::HeaderMap;
use writ_edge::{Caller, RouteSpec};
use writ_model::Error;

/// Says who is calling, and whether they may.
pub trait Access: Send + Sync + 'static {
    /// Who sent these headers from there. A caller on loopback is the local admin only where the
    /// server listens on loopback alone; the implementation knows.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::Unauthenticated`]; the token store's.
    fn authenticate(
        &self,
        headers: &HeaderMap,
        peer: SocketAddr,
    ) -> impl Future<Output = Result<Caller, Error>> + Send;

    /// The rule by which the caller may use the route.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::Forbidden`] with the rule that decided.
    fn authorize(&self, caller: &Caller, spec: &RouteSpec) -> Result<String, Error>;
}
