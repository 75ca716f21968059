//! Verification of signatures.
//!
//! The key decides the algorithm. A token's `alg` must match it, so that a sender cannot use a
//! public key as a shared secret, or disable verification (RFC 8725, 3.1). This crate has no
//! symmetric algorithms.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    self, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};
use writ_ports::Jwk;

/// The minimum size of an RSA key, in bits (RFC 7518, 3.3). The library rounds a modulus up to
/// whole bytes before it compares.
const RSA_BITS_MIN: usize = 2048;

/// A signature algorithm of RFC 7518, 8037 or 9864, and the keys that it accepts.
pub(crate) struct Algorithm {
    name: &'static str,
    kty: &'static str,
    /// The curve, and the size of one of its coordinates in bytes.
    curve: Option<(&'static str, usize)>,
    verifier: Verifier,
}

enum Verifier {
    Rsa(&'static RsaParameters),
    Curve(&'static dyn VerificationAlgorithm),
}

const fn rsa(name: &'static str, parameters: &'static RsaParameters) -> Algorithm {
    Algorithm { name, kty: "RSA", curve: None, verifier: Verifier::Rsa(parameters) }
}

const fn curve(
    name: &'static str,
    kty: &'static str,
    curve: (&'static str, usize),
    verifier: &'static dyn VerificationAlgorithm,
) -> Algorithm {
    Algorithm { name, kty, curve: Some(curve), verifier: Verifier::Curve(verifier) }
}

/// The algorithms that are accepted.
static ALGORITHMS: [Algorithm; 10] = [
    rsa("RS256", &signature::RSA_PKCS1_2048_8192_SHA256),
    rsa("RS384", &signature::RSA_PKCS1_2048_8192_SHA384),
    rsa("RS512", &signature::RSA_PKCS1_2048_8192_SHA512),
    rsa("PS256", &signature::RSA_PSS_2048_8192_SHA256),
    rsa("PS384", &signature::RSA_PSS_2048_8192_SHA384),
    rsa("PS512", &signature::RSA_PSS_2048_8192_SHA512),
    curve("ES256", "EC", ("P-256", 32), &signature::ECDSA_P256_SHA256_FIXED),
    curve("ES384", "EC", ("P-384", 48), &signature::ECDSA_P384_SHA384_FIXED),
    curve("EdDSA", "OKP", ("Ed25519", 32), &signature::ED25519),
    // The fully specified name of the same algorithm (RFC 9864).
    curve("Ed25519", "OKP", ("Ed25519", 32), &signature::ED25519),
];

/// The error of a signature that does not verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SignatureError {
    /// The algorithm is `none`, symmetric, or unknown.
    #[error(
        "its `alg` is not accepted; expected RS256, RS384, RS512, PS256, PS384, PS512, ES256, \
         ES384 or EdDSA"
    )]
    Algorithm,
    /// The key of the token is for another algorithm or purpose.
    #[error("its `alg` is not what the key that it names is for")]
    Key,
    /// The issuer publishes an invalid key.
    #[error("the key that it names cannot be used: {0}; the identity provider has to replace it")]
    Unusable(&'static str),
    /// The signature is forged, damaged, or of another key.
    #[error("its signature does not fit what it says")]
    Mismatch,
}

impl Algorithm {
    /// Returns the accepted algorithm of this name.
    pub(crate) fn from_name(name: &str) -> Result<&'static Self, SignatureError> {
        ALGORITHMS.iter().find(|algorithm| algorithm.name == name).ok_or(SignatureError::Algorithm)
    }

    /// Verifies the signature of a message with a key.
    pub(crate) fn verify(
        &self,
        key: &Jwk,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        self.check_purpose(key)?;
        let verified = match &self.verifier {
            Verifier::Rsa(parameters) => rsa_key(key)?.verify(parameters, message, signature),
            Verifier::Curve(algorithm) => {
                let point = self.point(key)?;
                UnparsedPublicKey::new(*algorithm, point).verify(message, signature)
            }
        };
        verified.map_err(|_| SignatureError::Mismatch)
    }

    /// Checks that the key has the type of this algorithm, and that its issuer intends it for this
    /// use.
    fn check_purpose(&self, key: &Jwk) -> Result<(), SignatureError> {
        let curve = self.curve.map(|(name, _)| name);
        let is_of_family = key.kty == self.kty && curve.is_none_or(|_| key.crv.as_deref() == curve);
        let is_intended = key.alg.as_deref().is_none_or(|alg| {
            // `Ed25519` and `EdDSA` are two names of one algorithm.
            let spelt = |name| if name == "Ed25519" { "EdDSA" } else { name };
            spelt(alg) == spelt(self.name)
        });
        if is_of_family && is_intended && key.is_for_signatures() {
            Ok(())
        } else {
            Err(SignatureError::Key)
        }
    }

    /// Returns the public key in the encoding of the library.
    fn point(&self, key: &Jwk) -> Result<Vec<u8>, SignatureError> {
        let length = self.curve.map_or(0, |(_, length)| length);
        let coordinate = |text: &Option<String>| {
            let bytes = bytes_of(text)?;
            let unusable = SignatureError::Unusable("a coordinate is of the wrong length");
            if bytes.len() == length { Ok(bytes) } else { Err(unusable) }
        };
        let x = coordinate(&key.x)?;
        if self.kty == "OKP" {
            return Ok(x);
        }
        // The encoding of an uncompressed point (SEC 1, 2.3.3).
        Ok([vec![4], x, coordinate(&key.y)?].concat())
    }
}

fn rsa_key(key: &Jwk) -> Result<RsaPublicKeyComponents<Vec<u8>>, SignatureError> {
    let number = |text| {
        let mut bytes = bytes_of(text)?;
        // Some issuers write a sign byte, which RFC 7518, 6.3.1.1 forbids.
        bytes.drain(..bytes.iter().take_while(|byte| **byte == 0).count());
        Ok(bytes)
    };
    let (n, e) = (number(&key.n)?, number(&key.e)?);
    let spare = n.first().map_or(0, |first| first.leading_zeros() as usize);
    if n.len() * 8 - spare < RSA_BITS_MIN {
        return Err(SignatureError::Unusable("an RSA key has 2048 bits at least"));
    }
    Ok(RsaPublicKeyComponents { n, e })
}

fn bytes_of(text: &Option<String>) -> Result<Vec<u8>, SignatureError> {
    let text = text.as_deref().ok_or(SignatureError::Unusable("a part of it is missing"))?;
    URL_SAFE_NO_PAD
        .decode(text)
        .map_err(|_| SignatureError::Unusable("a part of it is not base64url"))
}
