//! What is sent, and the signature that a receiver knows it by.
//!
//! Standard Webhooks (standardwebhooks.com): HMAC-SHA256 over `{id}.{timestamp}.{body}`.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::secret::Secret;

/// The header with the id of a message, the same in every try.
pub const ID_HEADER: &str = "webhook-id";

/// The header with the time of a try, in seconds since the Unix epoch.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";

/// The header with the signatures, one for each secret, with spaces between them.
pub const SIGNATURE_HEADER: &str = "webhook-signature";

/// The longest id, in bytes.
pub const ID_BYTES_MAX: usize = 128;

/// The longest body, in bytes.
pub const BODY_BYTES_MAX: usize = 256 * 1024;

/// The most secrets that sign one message: the valid one, and old ones while receivers change.
pub const SECRETS_MAX: usize = 4;

/// How far a message's time may be from the receiver's, in seconds, unless it knows better.
pub const TOLERANCE_S: u64 = 300;

/// How a signature with a shared secret begins.
const VERSION: &str = "v1,";

/// One try of a callback, signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    id: String,
    timestamp_s: i64,
    body: Arc<[u8]>,
    signature: String,
}

/// Why a message cannot be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// It stands in a header, and a dot ends it in what is signed.
    #[error(
        "`{0}` is no id of a message; expected 1 to {ID_BYTES_MAX} letters, digits, `-` and `_`"
    )]
    Id(String),
    /// A receiver would have to believe it unsigned, or to try many.
    #[error("{0} secrets are given; expected 1 to {SECRETS_MAX}")]
    Secrets(usize),
    /// Longer than [`BODY_BYTES_MAX`].
    #[error("the body has {0} bytes; expected at most {BODY_BYTES_MAX}")]
    Body(usize),
}

impl Message {
    /// A message of JSON, signed with each secret. `id` is the same in every try, `timestamp_s` is
    /// when this one is made, in seconds since the Unix epoch.
    ///
    /// # Errors
    /// An id that is none, no secret or more than [`SECRETS_MAX`], a body over [`BODY_BYTES_MAX`].
    pub fn signed(
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
        let signature = sign(id, timestamp_s, &body, secrets);
        Ok(Self { id: id.to_owned(), timestamp_s, body, signature })
    }

    /// What a receiver tells messages apart by.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// When this try is made, in seconds since the Unix epoch.
    #[must_use]
    pub fn timestamp_s(&self) -> i64 {
        self.timestamp_s
    }

    /// The JSON.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The value of [`SIGNATURE_HEADER`].
    #[must_use]
    pub fn signature(&self) -> &str {
        &self.signature
    }
}

fn sign(id: &str, timestamp_s: i64, body: &[u8], secrets: &[Secret]) -> String {
    let timestamp = timestamp_s.to_string();
    let signed = secrets.iter().filter_map(|secret| keyed(secret, id, &timestamp, body));
    let signatures: Vec<String> = signed
        .map(|mac| format!("{VERSION}{}", STANDARD.encode(mac.finalize().into_bytes())))
        .collect();
    signatures.join(" ")
}

/// What a signature is over. A key may have any length, so there always is one.
fn keyed(secret: &Secret, id: &str, timestamp: &str, body: &[u8]) -> Option<Hmac<Sha256>> {
    let mac = Hmac::<Sha256>::new_from_slice(secret.bytes()).ok()?;
    Some(
        mac.chain_update(id)
            .chain_update(b".")
            .chain_update(timestamp)
            .chain_update(b".")
            .chain_update(body),
    )
}

/// The headers of a message, as a receiver has them.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a> {
    /// [`ID_HEADER`].
    pub id: &'a str,
    /// [`TIMESTAMP_HEADER`].
    pub timestamp: &'a str,
    /// [`SIGNATURE_HEADER`].
    pub signature: &'a str,
}

/// Why a receiver must not believe a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// No time.
    #[error("`webhook-timestamp` is no number of seconds since 1970")]
    Timestamp,
    /// Sent long ago, which may be somebody who sends it again, or a clock that is wrong.
    #[error("the message is {0} s away from now; check the clock, or refuse a message sent again")]
    Time(u64),
    /// By no secret that is known here.
    #[error("no signature is right; check the secret, and that the body is as it came")]
    Signature,
}

/// Whether a message came from who has one of the secrets, and within `tolerance_s` of `now_s`.
/// Signatures are compared in constant time.
///
/// # Errors
/// Why it must not be believed.
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
    let is_right = |signature: &[u8], secret: &Secret| {
        keyed(secret, headers.id, headers.timestamp, body)
            .is_some_and(|mac| mac.verify_slice(signature).is_ok())
    };
    for signature in signatures {
        if secrets.iter().any(|secret| is_right(&signature, secret)) {
            return Ok(());
        }
    }
    Err(VerifyError::Signature)
}

#[cfg(test)]
mod tests;
