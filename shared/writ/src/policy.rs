//! Loading of policies.

use std::sync::Arc;

use serde_json::{Value, json};
use writ_model::{Digest, Error, Language, PolicyRule};
use writ_pipeline::CompiledPolicy;

/// A policy that is read and ready to run. Cloning it is cheap.
///
/// ```
/// # fn main() -> Result<(), writ::Error> {
/// let policy = writ::Policy::from_code("double", writ::Language::Cel, "input.n * 2")?;
/// assert_eq!(policy.clone().digest(), policy.digest());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Policy {
    body: Arc<str>,
    digest: Digest,
    compiled: Arc<CompiledPolicy>,
}

impl Policy {
    /// Parses a whole policy document in JSON, as the API expects it.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::InvalidRequest`] for text that is not a policy document, with the
    /// location of the error as a JSON Pointer or as line and column.
    ///
    /// ```
    /// # fn main() -> Result<(), writ::Error> {
    /// let policy = writ::Policy::from_json(
    ///     r#"{
    ///         "name": "double", "version": "1.0", "release_tag": "beta", "code_type": "cel",
    ///         "code": "input.n * 2"
    ///     }"#,
    /// )?;
    /// assert_eq!(policy.compiled().policy().policy_rule_uri.to_string(), "double:1.0-beta");
    /// assert!(writ::Policy::from_json("{}").is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_json(text: &str) -> Result<Self, Error> {
        let mut policy = PolicyRule::from_json(text)?;
        policy.settle_schema_formats();
        let body = policy.to_body()?;
        Ok(Self {
            digest: Digest::of(body.as_bytes()),
            body: body.into(),
            compiled: Arc::new(CompiledPolicy::new(policy)?),
        })
    }

    /// Makes a policy from source code alone, with the URI `{name}:0-local`.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::InvalidRequest`] for a name that cannot be part of a URI. Code that
    /// does not compile is an error of [`Writ::check`](crate::Writ::check) and of the run.
    ///
    /// ```
    /// use writ::{Language, Policy};
    ///
    /// let policy = Policy::from_code("double", Language::Cel, "input.n * 2").unwrap();
    /// assert_eq!(policy.compiled().policy().policy_rule_uri.to_string(), "double:0-local");
    /// assert!(Policy::from_code("not:a name", Language::Cel, "1").is_err());
    /// ```
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

    /// Returns the policy's document, ready for an engine. Its code and schemas are not compiled yet.
    ///
    /// ```
    /// # fn main() -> Result<(), writ::Error> {
    /// let policy = writ::Policy::from_code("double", writ::Language::Cel, "input.n * 2")?;
    /// assert_eq!(policy.compiled().policy().code, "input.n * 2");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn compiled(&self) -> &CompiledPolicy {
        &self.compiled
    }

    pub(crate) fn body(&self) -> &Arc<str> {
        &self.body
    }

    /// Returns the SHA-256 digest of the document in its canonical form, 64 hexadecimal digits, as a
    /// platform computes it for the same document.
    ///
    /// ```
    /// # fn main() -> Result<(), writ::Error> {
    /// let policy = writ::Policy::from_code("double", writ::Language::Cel, "input.n * 2")?;
    /// assert_eq!(policy.digest().as_str().len(), 64);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.digest
    }
}
