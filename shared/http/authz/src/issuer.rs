//! An identity provider that the platform believes.

use writ_model::Error;
use writ_ports::{Jwk, SigningKeys};

/// The claim that says the workspace, where nobody chose another.
pub const WORKSPACE_CLAIM: &str = "writ_workspace";

/// The claim that says the role, where nobody chose another.
pub const ROLE_CLAIM: &str = "writ_role";

/// Whose JWTs are believed, and what they must say.
#[derive(Clone, Debug)]
pub struct Issuer<K> {
    /// The `iss` of its JWTs, compared byte for byte.
    pub url: String,
    /// What names this platform in `aud`.
    pub audience: String,
    /// The claim that says the caller's workspace.
    pub workspace_claim: String,
    /// The claim that says the caller's role.
    pub role_claim: String,
    /// Its public keys.
    pub keys: K,
}

/// No issuer: opaque tokens alone are believed.
pub const NO_ISSUER: Option<&Issuer<NoKeys>> = None;

/// The keys of nobody. There is no value of this type.
#[derive(Clone, Copy, Debug)]
pub enum NoKeys {}

impl SigningKeys for NoKeys {
    async fn key(&self, _kid: &str) -> Result<Option<Jwk>, Error> {
        match *self {}
    }
}
