//! The trusted issuer of JWTs.

use writ_model::Error;
use writ_ports::{Issuer, Jwk, SigningKeys};

/// The default name of the claim with the workspace.
pub const WORKSPACE_CLAIM: &str = "writ_workspace";

/// The default name of the claim with the role.
pub const ROLE_CLAIM: &str = "writ_role";

/// A trusted issuer of JWTs, and the claims that they must contain.
#[derive(Clone, Debug)]
pub struct Issuer<K> {
    /// The `iss` claim of its JWTs, compared byte for byte.
    pub url: String,
    /// The audience: the value in the `aud` claim that names this platform.
    pub audience: String,
    /// The name of the claim with the caller's workspace.
    pub workspace_claim: String,
    /// The name of the claim with the caller's role.
    pub role_claim: String,
    /// The source of the issuer's public keys.
    pub keys: K,
}

/// No issuer: only opaque tokens are accepted.
pub const NO_ISSUER: Option<&Issuer<NoKeys>> = None;

/// The keys of [`NO_ISSUER`]. This type has no values.
#[derive(Clone, Copy, Debug)]
pub enum NoKeys {}

impl SigningKeys for NoKeys {
    async fn key(&self, _kid: &str) -> Result<Option<Jwk>, Error> {
        match *self {}
    }
}
