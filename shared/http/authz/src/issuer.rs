//! The platform without an identity provider.

use writ_model::Error;
use writ_ports::{Issuer, Jwk, SigningKeys};

/// No issuer: only opaque tokens are accepted.
pub const NO_ISSUER: Option<&Issuer<NoKeys>> = None;

/// The keys of no issuer. There is no value of this type.
#[derive(Clone, Copy, Debug)]
pub enum NoKeys {}

impl SigningKeys for NoKeys {
    async fn key(&self, _kid: &str) -> Result<Option<Jwk>, Error> {
        match *self {}
    }
}
