//! The keys of a provider, without HTTP.

use std::sync::atomic::{AtomicBool, Ordering};

use writ_model::{Error, ErrorKind};
use writ_ports::{Jwk, SigningKeys};

use super::Provider;

/// The published keys of a [`Provider`] at hand; a test can make them unreachable.
#[derive(Debug)]
pub struct SigningKeySet {
    keys: Vec<Jwk>,
    is_reachable: AtomicBool,
}

impl SigningKeySet {
    /// The keys that this provider publishes.
    #[must_use]
    pub fn of(provider: &Provider) -> Self {
        let keys = serde_json::from_value(provider.jwks()["keys"].take()).unwrap();
        Self { keys, is_reachable: AtomicBool::new(true) }
    }

    /// Answers with an error from now on, or with keys again.
    pub fn set_reachable(&self, is_reachable: bool) {
        self.is_reachable.store(is_reachable, Ordering::SeqCst);
    }
}

impl SigningKeys for SigningKeySet {
    async fn key(&self, kid: &str) -> Result<Option<Jwk>, Error> {
        if !self.is_reachable.load(Ordering::SeqCst) {
            let message = "the identity provider could not be reached";
            return Err(Error::new(ErrorKind::Unavailable, message));
        }
        let is_it = |key: &&Jwk| key.kid.as_deref() == Some(kid) && key.is_for_signatures();
        Ok(self.keys.iter().find(is_it).cloned())
    }
}
