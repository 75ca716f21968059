//! Authentication and authorization of callers: the local admin, holders of tokens, and bearers of
//! an issuer's JWTs.

use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName};
use writ_authz::{Authorizer, Issuer, LOCAL_ADMIN, PolicyError, Principal};
use writ_edge::{Caller, RouteSpec};
use writ_model::{Error, ErrorKind, Identity, PrincipalKind, Role, Workspace};
use writ_oidc::{JwksCache, Provider, Settings};
use writ_os::Os;
use writ_ports::Clock;

use crate::Platform;
use crate::gateway::{AccessControl, Peer, PeerOwner};

/// Authenticates callers by the platform's tokens and an issuer's JWTs, and authorizes them by the
/// access policy.
pub(crate) struct EmbeddedAuthenticator {
    platform: Arc<Platform>,
    authorizer: Authorizer,
    /// The issuer of accepted JWTs; `None` where only tokens are accepted.
    issuer: Option<Issuer<JwksCache<Provider, Os>>>,
    /// A process of the server's own user needs no token: the server listens on loopback alone, and
    /// tokens are not required.
    has_local_admin: bool,
}

impl EmbeddedAuthenticator {
    /// Compiles the access policy for every route.
    ///
    /// # Errors
    /// The access policy does not know the access level of a route.
    pub(crate) fn new(
        platform: Arc<Platform>,
        oidc: Option<Settings>,
        has_local_admin: bool,
    ) -> Result<Self, PolicyError> {
        let specs = writ_routes::specs();
        let routes = specs.iter().map(|spec| (spec.name, spec.access_level.name()));
        let issuer = oidc.map(|settings| settings.issuer(Os));
        Ok(Self { platform, authorizer: Authorizer::new(routes)?, issuer, has_local_admin })
    }
}

impl AccessControl for EmbeddedAuthenticator {
    async fn authenticate(&self, headers: &HeaderMap, peer: &Peer) -> Result<Caller, Error> {
        let authorization = headers.get(AUTHORIZATION).map(|value| value.to_str().unwrap_or(""));
        let mut objection = None;
        if authorization.is_none() && self.has_local_admin {
            objection = local_admin_objection(headers, peer);
            if objection.is_none() {
                let identity = Identity {
                    subject: LOCAL_ADMIN.to_owned(),
                    workspace: Workspace::default(),
                    role: Role::Admin,
                };
                return Ok(Caller { identity, principal_kind: PrincipalKind::Local });
            }
        }
        let (issuer, now) = (self.issuer.as_ref(), self.platform.now());
        let principal = writ_authz::authenticate(&*self.platform, issuer, authorization, now).await;
        let Principal { identity, kind } = principal.map_err(|error| explain(error, objection))?;
        Ok(Caller { identity, principal_kind: kind })
    }

    fn authorize(&self, caller: &Caller, spec: &RouteSpec) -> Result<String, Error> {
        self.authorizer.decide(&caller.identity, spec.name).map(|rule| rule.to_string())
    }
}

/// Returns the reason why a request without credentials is not the local admin's; `None` where it
/// is. The local admin is a process of the server's own user on this machine, and not the server
/// itself, which sends callbacks that others wrote. A request that a proxy forwarded has another
/// sender than the process that the connection belongs to.
fn local_admin_objection(headers: &HeaderMap, peer: &Peer) -> Option<String> {
    if let Some(name) = headers.keys().find(|name| is_forwarding(name)) {
        return Some(format!("a proxy forwarded this request, as its header `{name}` says"));
    }
    let reason = match peer.owner {
        PeerOwner::SameUser => return None,
        PeerOwner::SameProcess => "this connection belongs to the server itself".to_owned(),
        PeerOwner::OtherUser { uid } => {
            format!("this connection belongs to user {uid} and not to the server's user")
        }
        PeerOwner::Unknown => {
            "the system does not say which user this connection belongs to".to_owned()
        }
    };
    Some(reason)
}

/// Whether a proxy adds the header to requests that it forwards (RFC 9110, 7.6.3; RFC 7239).
fn is_forwarding(name: &HeaderName) -> bool {
    let name = name.as_str();
    ["forwarded", "via", "x-real-ip"].contains(&name) || name.starts_with("x-forwarded-")
}

/// Adds to an error of missing credentials why the caller needs them.
fn explain(mut error: Error, objection: Option<String>) -> Error {
    if let Some(objection) = objection
        && error.kind == ErrorKind::Unauthenticated
    {
        error.message = format!("{objection}, so it needs a token; {}", error.message);
    }
    error
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn objection(names: &[&'static str], owner: PeerOwner) -> Option<String> {
        let mut headers = HeaderMap::new();
        for name in names {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.insert(name, HeaderValue::from_static("1"));
        }
        local_admin_objection(&headers, &Peer { address: ([127, 0, 0, 1], 1).into(), owner })
    }

    #[test]
    fn only_the_servers_own_user_is_the_local_admin() {
        assert_eq!(objection(&[], PeerOwner::SameUser), None);
        for (owner, says) in [
            (PeerOwner::SameProcess, "the server itself"),
            (PeerOwner::OtherUser { uid: 1_000 }, "user 1000"),
            (PeerOwner::Unknown, "does not say"),
        ] {
            let objection = objection(&[], owner).unwrap();
            assert!(objection.contains(says), "{objection}");
        }
    }

    #[test]
    fn a_request_that_a_proxy_forwarded_is_not_the_local_admins() {
        for name in [
            "Forwarded",
            "VIA",
            "X-Forwarded-For",
            "x-forwarded-proto",
            "X-FORWARDED-ANYTHING",
            "X-Real-IP",
        ] {
            let objection = objection(&["accept", name], PeerOwner::SameUser).unwrap();
            assert!(objection.contains(&name.to_lowercase()), "{objection}");
        }
        let others = ["accept", "x-forwarded", "forwarded-by", "user-agent"];
        assert_eq!(objection(&others, PeerOwner::SameUser), None);
    }
}
