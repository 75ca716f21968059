//! Public keys: of certificates and keys in PEM, and of JSON Web Keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};

use super::encoding::decode_url;
use crate::context::Error;
use crate::json::from_json_str;
use crate::value::Value;

/// A public key, with the name and the algorithm that a JWK may give it.
pub(super) struct Key {
    pub(super) id: String,
    pub(super) algorithm: String,
    material: Material,
}

enum Material {
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
    P256(Vec<u8>),
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
    /// A secret, which verifies nothing here.
    Secret,
    /// A key of a kind that is not supported.
    Other,
}

impl Key {
    /// Whether the signature of a text is by this key.
    pub(super) fn verify(
        &self,
        algorithm: &str,
        text: &[u8],
        signature: &[u8],
    ) -> Result<bool, Error> {
        let unsupported = || {
            Error::halt(format!(
                "a key of this kind is not supported for {algorithm}: verify the token before the call"
            ))
        };
        if let Material::Rsa { modulus, exponent } = &self.material {
            let bits = modulus.iter().skip_while(|byte| **byte == 0).count() * 8;
            let parameters = match algorithm {
                "RS256" => &signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
                "RS512" => &signature::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
                "RS384" if bits >= 2048 => &signature::RSA_PKCS1_2048_8192_SHA384,
                "PS256" if bits >= 2048 => &signature::RSA_PSS_2048_8192_SHA256,
                "PS384" if bits >= 2048 => &signature::RSA_PSS_2048_8192_SHA384,
                "PS512" if bits >= 2048 => &signature::RSA_PSS_2048_8192_SHA512,
                "RS384" | "PS256" | "PS384" | "PS512" => return Err(unsupported()),
                _ => return Ok(false),
            };
            let key = RsaPublicKeyComponents { n: modulus, e: exponent };
            return Ok(key.verify(parameters, text, signature).is_ok());
        }
        let (scheme, key): (&dyn VerificationAlgorithm, &[u8]) = match (&self.material, algorithm) {
            (Material::P256(key), "ES256") => (&signature::ECDSA_P256_SHA256_FIXED, key),
            (Material::P384(key), "ES384") => (&signature::ECDSA_P384_SHA384_FIXED, key),
            (Material::Ed25519(key), "EdDSA") => (&signature::ED25519, key),
            // Go verifies with the digest of the algorithm and the curve of the key, whatever they are; a
            // signature of another length is not by the key.
            (Material::P256(_), "ES384" | "ES512") if signature.len() == 64 => {
                return Err(unsupported());
            }
            (Material::P384(_), "ES256" | "ES512") if signature.len() == 96 => {
                return Err(unsupported());
            }
            (Material::Other, "ES256" | "ES384" | "ES512" | "EdDSA") => return Err(unsupported()),
            _ => return Ok(false),
        };
        Ok(UnparsedPublicKey::new(scheme, key).verify(text, signature).is_ok())
    }
}

/// The keys of a text: one in PEM, or one or several in JSON.
pub(super) fn keys_of(text: &str) -> Result<Vec<Key>, Error> {
    if text.contains("-----BEGIN ") {
        return Ok(vec![Key { id: String::new(), algorithm: String::new(), material: pem(text)? }]);
    }
    let value = from_json_str(text)
        .map_err(|error| Error::new(format!("failed to parse a JWK key (set): {error}")))?;
    match value.get_str("keys") {
        Some(Value::Array(keys)) => {
            let keys: Result<Vec<Option<Key>>, Error> = keys.iter().map(jwk).collect();
            Ok(keys?.into_iter().flatten().collect())
        }
        Some(_) => Err(Error::new("failed to parse a JWK key (set): keys is no list")),
        None => Ok(jwk(&value)?.into_iter().collect()),
    }
}

fn jwk(value: &Value) -> Result<Option<Key>, Error> {
    const ALGORITHMS: [&str; 13] = [
        "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "HS256",
        "HS384", "HS512", "EdDSA",
    ];
    let text = |name: &str| value.get_str(name).and_then(Value::as_str);
    let bytes = |name: &str| {
        let text = text(name).ok_or_else(|| Error::new(format!("the JWK has no `{name}`")))?;
        decode_url(text)
    };
    let point = |size: usize| -> Result<Vec<u8>, Error> {
        let mut point = vec![4];
        for name in ["x", "y"] {
            let part = bytes(name)?;
            point.resize(point.len() + size.saturating_sub(part.len()), 0);
            point.extend(part);
        }
        Ok(point)
    };
    let material = match (text("kty"), text("crv")) {
        (Some("RSA"), _) => Material::Rsa { modulus: bytes("n")?, exponent: bytes("e")? },
        (Some("EC"), Some("P-256")) => Material::P256(point(32)?),
        (Some("EC"), Some("P-384")) => Material::P384(point(48)?),
        (Some("OKP"), Some("Ed25519")) => Material::Ed25519(bytes("x")?),
        (Some("EC" | "OKP"), Some(_)) => Material::Other,
        (Some("oct"), _) => Material::Secret,
        _ => return Err(Error::new("failed to parse a JWK key (set): unknown kind of key")),
    };
    let algorithm = text("alg").unwrap_or_default().to_owned();
    if !algorithm.is_empty() && !ALGORITHMS.contains(&algorithm.as_str()) {
        // Keys for encryption are left out, others are wrong.
        const ENCRYPTION: [&str; 6] = ["RSA1_5", "RSA-OAEP", "ECDH-ES", "PBES2-", "dir", "ES256K"];
        let is_wrapping = algorithm.starts_with('A') && algorithm.ends_with("KW");
        if is_wrapping || ENCRYPTION.iter().any(|name| algorithm.starts_with(name)) {
            return Ok(None);
        }
        return Err(Error::new("failed to parse a JWK key (set): invalid algorithm"));
    }
    Ok(Some(Key { id: text("kid").unwrap_or_default().to_owned(), algorithm, material }))
}

/// The key of a certificate or a public key in PEM.
fn pem(text: &str) -> Result<Material, Error> {
    let wrong = || Error::new("failed to extract a Key from the PEM certificate");
    let (_, rest) = text.split_once("-----BEGIN ").ok_or_else(wrong)?;
    let (kind, rest) = rest.split_once("-----").ok_or_else(wrong)?;
    let (body, rest) = rest.split_once(&format!("-----END {kind}-----")).ok_or_else(wrong)?;
    if !rest.trim_start_matches([' ', '\t', '\r']).trim_start_matches('\n').is_empty() {
        return Err(Error::new("extra data after a PEM certificate block"));
    }
    let body: String = body.chars().filter(|c| !c.is_whitespace()).collect();
    let bytes = STANDARD.decode(body).map_err(|_| wrong())?;
    let info = match kind {
        "CERTIFICATE" => key_of_certificate(&bytes),
        "PUBLIC KEY" => Some(bytes.as_slice()),
        _ => None,
    };
    info.and_then(key_of_info).ok_or_else(wrong)
}

/// One element of DER: its tag, its content, and what follows it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

/// The element of a tag, and what follows it.
fn expect(bytes: &[u8], expected: u8) -> Option<(&[u8], &[u8])> {
    element(bytes).filter(|(tag, ..)| *tag == expected).map(|(_, content, rest)| (content, rest))
}

const SEQUENCE: u8 = 0x30;

/// The information about the key of a certificate: after version, number, algorithm, issuer, validity, subject.
fn key_of_certificate(bytes: &[u8]) -> Option<&[u8]> {
    let (certificate, _) = expect(bytes, SEQUENCE)?;
    let (mut rest, _) = expect(certificate, SEQUENCE)?;
    if let Some((0xa0, _, after)) = element(rest) {
        rest = after;
    }
    for _ in 0..5 {
        rest = element(rest)?.2;
    }
    let (_, _, after) = element(rest)?;
    rest.get(..rest.len() - after.len())
}

/// The key of an element with an algorithm and bits.
fn key_of_info(bytes: &[u8]) -> Option<Material> {
    let (info, _) = expect(bytes, SEQUENCE)?;
    let (algorithm, rest) = expect(info, SEQUENCE)?;
    let (bits, _) = expect(rest, 0x03)?;
    let key = bits.get(1..)?;
    let (name, parameters) = expect(algorithm, 0x06)?;
    Some(match name {
        // rsaEncryption
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01] => {
            let (numbers, _) = expect(key, SEQUENCE)?;
            let (modulus, rest) = expect(numbers, 0x02)?;
            let (exponent, _) = expect(rest, 0x02)?;
            let number =
                |bytes: &[u8]| bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
            Material::Rsa { modulus: number(modulus), exponent: number(exponent) }
        }
        // id-ecPublicKey, and the names of its curves
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01] => match expect(parameters, 0x06)?.0 {
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07] => Material::P256(key.to_vec()),
            [0x2b, 0x81, 0x04, 0x00, 0x22] => Material::P384(key.to_vec()),
            _ => Material::Other,
        },
        // id-Ed25519
        [0x2b, 0x65, 0x70] => Material::Ed25519(key.to_vec()),
        _ => Material::Other,
    })
}
