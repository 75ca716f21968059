//! An identity provider: its keys, the JWTs that it signs, good and bad, and an HTTP server that
//! publishes the keys. The cases are data: `cases.yaml` beside this file.

mod server;
mod signing_keys;

use std::fmt::Display;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::rsa::PublicKeyComponents;
use ring::signature::{
    self, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RsaEncoding,
    RsaKeyPair,
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub use server::Server;
pub use signing_keys::SigningKeySet;

/// The `iss` claim of a good token.
pub const ISSUER: &str = "https://issuer.example";

/// The `aud` claim of a good token.
pub const AUDIENCE: &str = "writ";

/// An RSA key of 2048 bits in PKCS #8; the library makes none. It signs nothing but tests.
const RSA: &str = include_str!("keys/rsa_2048.txt");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    keys: Vec<Value>,
    cases: Vec<Case>,
}

/// One token and the decision on it; the members are those of `cases.yaml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Case {
    /// The name, unique among the cases.
    pub name: String,
    /// Members over those of a good header; `null` removes one.
    pub header: Map<String, Value>,
    /// Claims over those of a good token; `null` removes one. `exp`, `nbf` and `iat` are seconds
    /// after the present time.
    pub claims: Map<String, Value>,
    /// The key that signs, by its `kid`; `ed25519` where it is left out.
    pub key: Option<String>,
    /// The way to sign, where it is not what the header says in `alg`.
    pub sign: Option<String>,
    /// The text of the header, in place of JSON.
    pub header_text: Option<String>,
    /// The text of the payload, in place of JSON.
    pub payload_text: Option<String>,
    /// Bytes of a claim that makes the token long.
    pub pad: usize,
    /// Text after the signature.
    pub append: String,
    /// The whole token, in place of all the above.
    pub token: Option<String>,
    /// The identity of an accepted token.
    pub accepted: Option<Value>,
    /// The HTTP status of a refused token.
    pub refused: Option<u16>,
    /// A part of the message of the refusal.
    pub says: String,
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ecdsa(&'static str, Vec<u8>),
    Ed25519(Ed25519KeyPair),
    Shared(Vec<u8>),
}

/// A key by its name, with what else is published about it.
struct Key {
    kid: &'static str,
    pair: Pair,
    published: Value,
}

/// An identity provider with new keys of its own.
pub struct Provider {
    keys: Vec<Key>,
    others: Vec<Value>,
    cases: Vec<Case>,
}

impl Provider {
    /// Makes a provider with keys of every family.
    ///
    /// # Errors
    /// The key or the case that could not be read or made.
    pub fn new() -> Result<Self, String> {
        let File { keys: others, cases } =
            yaml_serde::from_str(include_str!("cases.yaml")).map_err(text)?;
        let key = |kid, pair: Result<Pair, String>, published| {
            Ok::<_, String>(Key { kid, pair: pair?, published })
        };
        let shared = b"shared-secret-of-thirty-two-bytes".to_vec();
        let keys = vec![
            key("rsa", rsa(), json!({}))?,
            key("rsa-for-ps256", rsa(), json!({ "alg": "PS256", "use": "sig" }))?,
            key("p256", ecdsa("P-256"), json!({ "key_ops": ["verify"] }))?,
            key("p384", ecdsa("P-384"), json!({}))?,
            key("ed25519", ed25519(), json!({ "use": "sig", "alg": "EdDSA" }))?,
            key("ed25519-two", ed25519(), json!({}))?,
            key("for-encryption", ed25519(), json!({ "use": "enc" }))?,
            key("stranger", ed25519(), Value::Null)?,
            key("shared", Ok(Pair::Shared(shared)), Value::Null)?,
        ];
        Ok(Self { keys, others, cases })
    }

    /// The cases of `cases.yaml`, in their order.
    #[must_use]
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// The document of its public keys (RFC 7517, 5).
    #[must_use]
    pub fn jwks(&self) -> Value {
        let own = self.keys.iter().filter_map(Key::jwk);
        json!({ "keys": own.chain(self.others.iter().cloned()).collect::<Vec<_>>() })
    }

    /// The text of a case's token at this time, in seconds since the Unix epoch.
    ///
    /// # Errors
    /// A key that is not there, or one that cannot sign so.
    pub fn token(&self, case: &Case, now_s: i64) -> Result<String, String> {
        if let Some(token) = &case.token {
            return Ok(token.clone());
        }
        let kid = case.key.as_deref().unwrap_or("ed25519");
        let key = self.keys.iter().find(|key| key.kid == kid).ok_or("no such key")?;
        let mut header = json!({ "typ": "JWT", "alg": "EdDSA", "kid": kid });
        change(&mut header, &case.header);
        let mut claims = json!({
            "iss": ISSUER, "aud": AUDIENCE, "sub": "alice", "iat": 0, "exp": 300,
            "writ_workspace": "team-a", "writ_role": "author",
        });
        change(&mut claims, &case.claims);
        for name in ["exp", "nbf", "iat"] {
            if let Some(offset) = claims.get(name).and_then(Value::as_i64) {
                change(&mut claims, &Map::from_iter([(name.to_owned(), json!(now_s + offset))]));
            }
        }
        if case.pad > 0 {
            let padding = json!("x".repeat(case.pad));
            change(&mut claims, &Map::from_iter([("padding".to_owned(), padding)]));
        }
        let header_text = case.header_text.clone().unwrap_or_else(|| header.to_string());
        let payload_text = case.payload_text.clone().unwrap_or_else(|| claims.to_string());
        let signed = format!("{}.{}", encode(header_text), encode(payload_text));
        let alg = header.get("alg").and_then(Value::as_str).unwrap_or_default();
        let signature = key.sign(case.sign.as_deref().unwrap_or(alg), signed.as_bytes())?;
        Ok(format!("{signed}.{}{}", encode(signature), case.append))
    }
}

impl Key {
    /// The published form; `None` for a key that is not published.
    fn jwk(&self) -> Option<Value> {
        let mut jwk = match &self.pair {
            _ if self.published.is_null() => return None,
            Pair::Rsa(pair) => {
                let PublicKeyComponents { n, e } =
                    PublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({ "kty": "RSA", "n": encode(n), "e": encode(e) })
            }
            Pair::Ecdsa(curve, _) => {
                let point = self.public();
                // The first byte says that the point is not compressed.
                let (x, y) = point.get(1..)?.split_at(point.len() / 2);
                json!({ "kty": "EC", "crv": curve, "x": encode(x), "y": encode(y) })
            }
            Pair::Ed25519(_) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(self.public()) })
            }
            Pair::Shared(_) => return None,
        };
        change(&mut jwk, &Map::from_iter([("kid".to_owned(), json!(self.kid))]));
        change(&mut jwk, self.published.as_object()?);
        Some(jwk)
    }

    /// The bytes of the public key; of a shared secret, the secret.
    fn public(&self) -> Vec<u8> {
        match &self.pair {
            Pair::Rsa(pair) => pair.public().as_ref().to_vec(),
            Pair::Ecdsa(curve, pkcs8) => ecdsa_pair(fixed(curve), pkcs8)
                .map(|pair| pair.public_key().as_ref().to_vec())
                .unwrap_or_default(),
            Pair::Ed25519(pair) => pair.public_key().as_ref().to_vec(),
            Pair::Shared(secret) => secret.clone(),
        }
    }

    fn sign(&self, how: &str, message: &[u8]) -> Result<Vec<u8>, String> {
        let random = SystemRandom::new();
        match (how, &self.pair) {
            ("nothing", _) => Ok(Vec::new()),
            ("hmac", _) => {
                let secret = hmac::Key::new(hmac::HMAC_SHA256, &self.public());
                Ok(hmac::sign(&secret, message).as_ref().to_vec())
            }
            (alg, Pair::Rsa(pair)) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(encoding(alg)?, &random, message, &mut signature).map_err(text)?;
                Ok(signature)
            }
            (alg, Pair::Ecdsa(curve, pkcs8)) => {
                let der = &signature::ECDSA_P256_SHA256_ASN1_SIGNING;
                let how = if alg == "ES256-DER" { der } else { fixed(curve) };
                let pair = ecdsa_pair(how, pkcs8)?;
                Ok(pair.sign(&random, message).map_err(text)?.as_ref().to_vec())
            }
            (_, Pair::Ed25519(pair)) => Ok(pair.sign(message).as_ref().to_vec()),
            (_, Pair::Shared(_)) => Err("a shared secret signs by `hmac` alone".to_owned()),
        }
    }
}

fn rsa() -> Result<Pair, String> {
    let pkcs8 = STANDARD.decode(RSA.replace('\n', "")).map_err(text)?;
    Ok(Pair::Rsa(Box::new(RsaKeyPair::from_pkcs8(&pkcs8).map_err(text)?)))
}

fn ecdsa(curve: &'static str) -> Result<Pair, String> {
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(fixed(curve), &SystemRandom::new()).map_err(text)?;
    Ok(Pair::Ecdsa(curve, pkcs8.as_ref().to_vec()))
}

fn ed25519() -> Result<Pair, String> {
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).map_err(text)?;
    Ok(Pair::Ed25519(Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).map_err(text)?))
}

/// The form of a signature in a JWT (RFC 7518, 3.4).
fn fixed(curve: &str) -> &'static EcdsaSigningAlgorithm {
    if curve == "P-256" {
        &signature::ECDSA_P256_SHA256_FIXED_SIGNING
    } else {
        &signature::ECDSA_P384_SHA384_FIXED_SIGNING
    }
}

fn ecdsa_pair(how: &'static EcdsaSigningAlgorithm, pkcs8: &[u8]) -> Result<EcdsaKeyPair, String> {
    // The encoding of the key does not depend on that of the signature.
    EcdsaKeyPair::from_pkcs8(how, pkcs8, &SystemRandom::new()).map_err(text)
}

fn encoding(alg: &str) -> Result<&'static dyn RsaEncoding, String> {
    Ok(match alg {
        "RS256" => &signature::RSA_PKCS1_SHA256,
        "RS384" => &signature::RSA_PKCS1_SHA384,
        "RS512" => &signature::RSA_PKCS1_SHA512,
        "PS256" => &signature::RSA_PSS_SHA256,
        "PS384" => &signature::RSA_PSS_SHA384,
        "PS512" => &signature::RSA_PSS_SHA512,
        _ => return Err(format!("no RSA key signs by `{alg}`")),
    })
}

/// Sets members of an object; `null` removes one.
fn change(object: &mut Value, changes: &Map<String, Value>) {
    let Some(members) = object.as_object_mut() else { return };
    for (name, value) in changes {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn text(error: impl Display) -> String {
    error.to_string()
}
