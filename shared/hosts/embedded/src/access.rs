//! Authentication and authorization of callers: the local admin, holders of tokens, and bearers of
//! an issuer's JWTs.

use std::net::SocketAddr;
use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use writ_authz::{Authorizer, Issuer, LOCAL_ADMIN, PolicyError, Principal};
use writ_edge::{Caller, RouteSpec};
use writ_model::{Error, Identity, PrincipalKind, Role, Workspace};
use writ_oidc::{JwksCache, Provider, Settings};
use writ_os::Os;
use writ_ports::Clock;

use crate::Platform;
use crate::gateway::AccessControl;

/// Authenticates callers by the platform's tokens and an issuer's JWTs, and authorizes them by the
/// access policy.
pub(crate) struct EmbeddedAuthenticator {
    platform: Arc<Platform>,
    authorizer: Authorizer,
    /// The issuer of accepted JWTs; `None` where only tokens are accepted.
    issuer: Option<Issuer<JwksCache<Provider, Os>>>,
    /// The server listens on loopback alone, so a caller from there is a user of this machine.
    is_local: bool,
}

impl EmbeddedAuthenticator {
    /// Compiles the access policy for every route.
    ///
    /// # Errors
    /// The access policy does not know the access level of a route.
    pub(crate) fn new(
        platform: Arc<Platform>,
        oidc: Option<Settings>,
        is_local: bool,
    ) -> Result<Self, PolicyError> {
        let specs = writ_routes::specs();
        let routes = specs.iter().map(|spec| (spec.name, spec.access_level.name()));
        let issuer = oidc.map(|settings| settings.issuer(Os));
        Ok(Self { platform, authorizer: Authorizer::new(routes)?, issuer, is_local })
    }
}

impl AccessControl for EmbeddedAuthenticator {
    async fn authenticate(&self, headers: &HeaderMap, peer: SocketAddr) -> Result<Caller, Error> {
        let authorization = headers.get(AUTHORIZATION).map(|value| value.to_str().unwrap_or(""));
        if authorization.is_none() && self.is_local && peer.ip().is_loopback() {
            let identity = Identity {
                subject: LOCAL_ADMIN.to_owned(),
                workspace: Workspace::default(),
                role: Role::Admin,
            };
            return Ok(Caller { identity, principal_kind: PrincipalKind::Local });
        }
        let (issuer, now) = (self.issuer.as_ref(), self.platform.now());
        let Principal { identity, kind } =
            writ_authz::authenticate(&*self.platform, issuer, authorization, now).await?;
        Ok(Caller { identity, principal_kind: kind })
    }

    fn authorize(&self, caller: &Caller, spec: &RouteSpec) -> Result<String, Error> {
        self.authorizer.decide(&caller.identity, spec.name).map(|rule| rule.to_string())
    }
}
