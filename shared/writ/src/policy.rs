//! A policy in hand.

use std::sync::Arc;

use serde_json::{Value, json};
use writ_model::{Digest, Error, Language, PolicyRule};
use writ_pipeline::CompiledPolicy;

/// A policy with its schemas compiled.
#[derive(Clone, Debug)]
pub struct Policy {
    body: Arc<str>,
    digest: Digest,
    prepared: Arc<CompiledPolicy>,
}

impl Policy {
    /// From a whole policy document, as the registry takes it.
    ///
    /// # Errors
    /// Where the document is wrong.
    pub fn from_json(text: &str) -> Result<Self, Error> {
        let policy = PolicyRule::from_json(text)?;
        let body = policy.to_body()?;
        Ok(Self {
            digest: Digest::of(body.as_bytes()),
            body: body.into(),
            prepared: Arc::new(CompiledPolicy::new(policy)?),
        })
    }

    /// From source code alone, under the URI `{name}:0-local`.
    ///
    /// # Errors
    /// A name that cannot be part of a URI.
    pub fn from_code(name: &str, language: Language, code: &str) -> Result<Self, Error> {
        let document: Value = json!({
            "name": name,
            "version": "0",
            "release_tag": "local",
            "code": code,
            "code_type": language.name(),
        });
        Self::from_json(&document.to_string())
    }

    /// The policy with its schemas compiled.
    #[must_use]
    pub fn prepared(&self) -> &CompiledPolicy {
        &self.prepared
    }

    pub(crate) fn body(&self) -> &Arc<str> {
        &self.body
    }

    /// SHA-256 of the stored body.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }
}
