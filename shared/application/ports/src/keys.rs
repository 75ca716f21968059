//! An identity provider's public keys.

use std::future::Future;

use serde::Deserialize;
use writ_model::Error;

/// One public key as its issuer publishes it (RFC 7517), read and not yet judged. Members for
/// private or shared keys are not read at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Jwk {
    /// Names the key among the issuer's; a key without one cannot be chosen.
    #[serde(default)]
    pub kid: Option<String>,
    /// The family: `RSA`, `EC` or `OKP`.
    pub kty: String,
    /// The one algorithm that the key is for, where its issuer says so.
    #[serde(default)]
    pub alg: Option<String>,
    /// What the key is for: `sig` or `enc`; either where nothing is said.
    #[serde(default, rename = "use")]
    pub usage: Option<String>,
    /// What may be done with it: `verify` for signatures.
    #[serde(default)]
    pub key_ops: Option<Vec<String>>,
    /// The curve, for `EC` and `OKP`.
    #[serde(default)]
    pub crv: Option<String>,
    /// The first coordinate, for `EC`; the whole key, for `OKP`. In base64url, as all that follow.
    #[serde(default)]
    pub x: Option<String>,
    /// The second coordinate, for `EC`.
    #[serde(default)]
    pub y: Option<String>,
    /// The modulus, for `RSA`.
    #[serde(default)]
    pub n: Option<String>,
    /// The exponent, for `RSA`.
    #[serde(default)]
    pub e: Option<String>,
}

impl Jwk {
    /// Whether its issuer lets signatures be verified with it.
    #[must_use]
    pub fn is_for_signatures(&self) -> bool {
        let usage = self.usage.as_deref().is_none_or(|usage| usage == "sig");
        let ops = self.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        usage && ops
    }
}

/// Looks an issuer's keys up. Not bound to a workspace: what is signed says which one.
pub trait SigningKeys: Send + Sync {
    /// The issuer's key for signatures of this id; `None` where the issuer publishes none.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::Unavailable`] while the issuer does not say what its keys are.
    fn key(&self, kid: &str) -> impl Future<Output = Result<Option<Jwk>, Error>> + Send;
}

crate::port!(SigningKeys, local);

/// The claim that names the caller's workspace, unless the operator chose another.
pub const WORKSPACE_CLAIM: &str = "writ_workspace";

/// The claim that names the caller's role, unless the operator chose another.
pub const ROLE_CLAIM: &str = "writ_role";

/// An identity provider that the platform trusts, and what its JWTs must say.
#[derive(Clone, Debug)]
pub struct Issuer<K> {
    /// The `iss` of its JWTs, compared byte for byte.
    pub url: String,
    /// The name of this platform in `aud`.
    pub audience: String,
    /// The claim that names the caller's workspace.
    pub workspace_claim: String,
    /// The claim that names the caller's role.
    pub role_claim: String,
    /// The provider's public keys.
    pub keys: K,
}
