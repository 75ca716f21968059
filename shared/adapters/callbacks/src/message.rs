//! Messages, and their signatures.
//!
//! Standard Webhooks (standardwebhooks.com): HMAC-SHA256 over `{id}.{timestamp}.{body}`.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::secret::Secret;

/// The header with the id of a message, the same in every attempt.
pub const ID_HEADER: &str = "webhook-id";

/// The header with the time of an attempt, in seconds since the Unix epoch.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";

/// The header with the signatures, one for each secret, separated by spaces.
pub const SIGNATURE_HEADER: &str = "webhook-signature";

/// The maximum length of an id, in bytes.
pub const ID_BYTES_MAX: usize = 128;

/// The maximum length of a body, in bytes.
pub const BODY_BYTES_MAX: usize = 256 * 1024;

/// The maximum number of secrets that sign one message: the current one, and old ones during a
/// rotation.
pub const SECRETS_MAX: usize = 4;

/// The recommended tolerance between a message's time and the receiver's clock, in seconds.
pub const TOLERANCE_S: u64 = 300;

/// The version prefix of a signature with a shared secret.
const VERSION: &str = "v1,";

/// The signed message of one delivery attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    id: String,
    timestamp_s: i64,
    body: Arc<[u8]>,
    signature: String,
}

/// The error of a message that cannot be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// The id is invalid: it is sent in a header, and a dot ends it in the signed content.
    #[error(
        "`{0}` is no id of a message; expected 1 to {ID_BYTES_MAX} letters, digits, `-` and `_`"
    )]
    Id(String),
    /// There are no secrets, so the message would be unsigned, or too many.
    #[error("{0} secrets are given; expected 1 to {SECRETS_MAX}")]
    Secrets(usize),
    /// The body is longer than [`BODY_BYTES_MAX`].
    #[error("the body has {0} bytes; expected at most {BODY_BYTES_MAX}")]
    Body(usize),
}

impl Message {
    /// Signs a JSON body with each of the secrets. `id` is the same in every attempt; `timestamp_s`
    /// is the time of this attempt, in seconds since the Unix epoch.
    ///
    /// # Errors
    /// Returns an error for an invalid id, no secrets or more than [`SECRETS_MAX`], or a body
    /// longer than [`BODY_BYTES_MAX`].
    pub fn sign(
        id: &str,
        timestamp_s: i64,
        body: impl Into<Arc<[u8]>>,
        secrets: &[Secret],
    ) -> Result<Self, MessageError> {
        let is_in_alphabet =
            id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if !is_in_alphabet || !(1..=ID_BYTES_MAX).contains(&id.len()) {
            return Err(MessageError::Id(id.chars().take(ID_BYTES_MAX).collect()));
        }
        if !(1..=SECRETS_MAX).contains(&secrets.len()) {
            return Err(MessageError::Secrets(secrets.len()));
        }
        let body = body.into();
        if body.len() > BODY_BYTES_MAX {
            return Err(MessageError::Body(body.len()));
        }
        let signature = signatures(id, timestamp_s, &body, secrets);
        Ok(Self { id: id.to_owned(), timestamp_s, body, signature })
    }

    /// Returns the id, by which a receiver recognises a repeated message.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the time of the attempt, in seconds since the Unix epoch.
    #[must_use]
    pub fn timestamp_s(&self) -> i64 {
        self.timestamp_s
    }

    /// Returns the body: JSON text.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Returns the value of [`SIGNATURE_HEADER`].
    #[must_use]
    pub fn signature(&self) -> &str {
        &self.signature
    }
}

fn signatures(id: &str, timestamp_s: i64, body: &[u8], secrets: &[Secret]) -> String {
    let timestamp = timestamp_s.to_string();
    let signed = secrets.iter().filter_map(|secret| signature_mac(secret, id, &timestamp, body));
    let signatures: Vec<String> = signed
        .map(|mac| format!("{VERSION}{}", STANDARD.encode(mac.finalize().into_bytes())))
        .collect();
    signatures.join(" ")
}

/// Computes the MAC of the signed content. A key of HMAC may have any length, so this never fails.
fn signature_mac(secret: &Secret, id: &str, timestamp: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
    let mac = Hmac::<Sha256>::new_from_slice(secret.bytes()).ok()?;
    Some(
        mac.chain_update(id)
            .chain_update(b".")
            .chain_update(timestamp)
            .chain_update(b".")
            .chain_update(body),
    )
}

/// The headers of a message that a receiver verifies.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a> {
    /// The value of [`ID_HEADER`].
    pub id: &'a str,
    /// The value of [`TIMESTAMP_HEADER`].
    pub timestamp: &'a str,
    /// The value of [`SIGNATURE_HEADER`].
    pub signature: &'a str,
}

/// The error of a message that a receiver must reject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The timestamp is not a number.
    #[error("`webhook-timestamp` is no number of seconds since 1970")]
    Timestamp,
    /// The timestamp is out of tolerance: a replayed message, or a wrong clock. Holds the
    /// difference in seconds.
    #[error("the message is {0} s away from now; check the clock, or refuse a message sent again")]
    Time(u64),
    /// No signature is valid for any of the known secrets.
    #[error("no signature is right; check the secret, and that the body is as it came")]
    Signature,
}

/// Verifies that a message was signed with one of the secrets, and within `tolerance_s` of `now_s`,
/// both in seconds. Signatures are compared in constant time.
///
/// # Errors
/// Returns an error for a message that the receiver must reject.
pub fn verify(
    headers: Headers<'_>,
    body: &[u8],
    secrets: &[Secret],
    now_s: i64,
    tolerance_s: u64,
) -> Result<(), VerifyError> {
    let timestamp_s: i64 = headers.timestamp.parse().map_err(|_| VerifyError::Timestamp)?;
    let away_s = now_s.abs_diff(timestamp_s);
    if away_s > tolerance_s {
        return Err(VerifyError::Time(away_s));
    }
    let signatures = headers
        .signature
        .split(' ')
        .filter_map(|signature| STANDARD.decode(signature.strip_prefix(VERSION)?).ok());
    let is_valid = |signature: &[u8], secret: &Secret| {
        signature_mac(secret, headers.id, headers.timestamp, body)
            .is_some_and(|mac| mac.verify_slice(signature).is_ok())
    };
    for signature in signatures {
        if secrets.iter().any(|secret| is_valid(&signature, secret)) {
            return Ok(());
        }
    }
    Err(VerifyError::Signature)
}

#[cfg(test)]
mod tests;
