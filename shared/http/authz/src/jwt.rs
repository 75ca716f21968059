//! Validation of JWTs: signature, issuer, audience and validity period.
//!
//! By RFC 7519 and the best practices of RFC 8725. Nothing that a token refers to (`jku`, `jwk`,
//! `x5c`) is fetched or trusted: keys come from the issuer only.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Map, Value};
use writ_model::{Error, ErrorKind, Identity, Timestamp};
use writ_ports::SigningKeys;

use crate::Issuer;
use crate::claims::Claims;
use crate::signature::Algorithm;

/// The maximum length of a JWT, in bytes: the limit of gateways for a header, and far more than a
/// caller needs.
pub const JWT_BYTES_MAX: usize = 8 * 1024;

/// The maximum length of a key id, in bytes.
const KID_BYTES_MAX: usize = 512;

/// The values of `typ` of access and id tokens. Logout tokens, security events and proofs of
/// possession are JWTs of the same issuer, too (RFC 8725, 3.11).
const TYPES: [&str; 2] = ["jwt", "at+jwt"];

/// The parts of a JWT in its compact form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parts<'a> {
    /// The signing input: header and payload with the dot between them.
    signed: &'a str,
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
}

/// The header members that are used. Others are not trusted and not parsed.
#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    typ: Option<String>,
    #[serde(default)]
    crit: Option<Value>,
}

/// Splits a JWT into three parts of base64url. The signature may be empty, so that an unsigned
/// token gets a specific error.
pub(crate) fn split(text: &str) -> Option<Parts<'_>> {
    let (signed, signature) = text.rsplit_once('.')?;
    let (header, payload) = signed.split_once('.')?;
    let is_base64url = |part: &str| {
        part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let is_whole = !header.is_empty() && !payload.is_empty();
    let parts = [header, payload, signature];
    (is_whole && parts.into_iter().all(is_base64url)).then_some(Parts {
        signed,
        header,
        payload,
        signature,
    })
}

/// Validates a JWT and returns the identity that it asserts.
///
/// # Errors
/// [`ErrorKind::Unauthenticated`] for an invalid token; [`ErrorKind::Forbidden`] for a valid one
/// without a workspace or role; errors of the keys' port.
pub(crate) async fn authenticate(
    issuer: &Issuer<impl SigningKeys>,
    jwt: Parts<'_>,
    now: Timestamp,
) -> Result<Identity, Error> {
    if jwt.signed.len() + 1 + jwt.signature.len() > JWT_BYTES_MAX {
        return Err(invalid_jwt(format!("it is longer than {JWT_BYTES_MAX} bytes")));
    }
    let header: Header = parse_part(jwt.header, "header")?;
    let algorithm =
        Algorithm::from_name(&header.alg).map_err(|error| invalid_jwt(error.to_string()))?;
    let kid = check_header(&header)?;
    let claims = Claims::new(parse_part::<Map<String, Value>>(jwt.payload, "payload")?);
    // The claims are not verified yet, but a token of another issuer must not cause a fetch of
    // keys.
    claims.check_issuer(&issuer.url).map_err(invalid_jwt)?;
    let key = issuer.keys.key(kid).await?.ok_or_else(|| {
        invalid_jwt("the identity provider publishes no key of the name that it gives in `kid`")
    })?;
    let signature = decode_base64url(jwt.signature, "signature")?;
    algorithm
        .verify(&key, jwt.signed.as_bytes(), &signature)
        .map_err(|error| invalid_jwt(error.to_string()))?;
    claims.check_audience(&issuer.audience).map_err(invalid_jwt)?;
    claims.check_time(now).map_err(invalid_jwt)?;
    claims.identity(issuer)
}

/// Checks the header and returns its key id.
fn check_header(header: &Header) -> Result<&str, Error> {
    if header.crit.is_some() {
        return Err(invalid_jwt(
            "its header demands an extension in `crit`, of which we know none",
        ));
    }
    let typ = header.typ.as_deref().map(str::to_ascii_lowercase);
    let typ = typ.as_deref().map(|typ| typ.strip_prefix("application/").unwrap_or(typ));
    if typ.is_some_and(|typ| !TYPES.contains(&typ)) {
        return Err(invalid_jwt(
            "its `typ` says that it is something else than an access or id token",
        ));
    }
    header
        .kid
        .as_deref()
        .filter(|kid| !kid.is_empty() && kid.len() <= KID_BYTES_MAX)
        .ok_or_else(|| invalid_jwt("its header names no key in `kid`"))
}

fn parse_part<T: for<'de> Deserialize<'de>>(part: &str, name: &str) -> Result<T, Error> {
    serde_json::from_slice(&decode_base64url(part, name)?)
        .map_err(|_| invalid_jwt(format!("its {name} is not the JSON object that a JWT has there")))
}

/// Decodes strict base64url, without padding or spare bits, so that a token has one encoding only.
fn decode_base64url(part: &str, name: &str) -> Result<Vec<u8>, Error> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| invalid_jwt(format!("its {name} is not base64url")))
}

/// Creates the error of an invalid JWT. The message must not contain any part of the token.
pub(crate) fn invalid_jwt(why: impl AsRef<str>) -> Error {
    let message = format!("this JWT is not accepted: {}", why.as_ref());
    Error::new(ErrorKind::Unauthenticated, message).at("Authorization")
}

#[cfg(test)]
mod tests;
