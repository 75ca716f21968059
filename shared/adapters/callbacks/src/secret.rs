//! Signing secrets, shared between a receiver and the platform.

use std::fmt;
use std::ops::RangeInclusive;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// The prefix of a secret.
const PREFIX: &str = "whsec_";

/// The permitted length of a secret, in bytes, by the Standard Webhooks specification. Secrets of
/// the platform have 32.
const BYTES: RangeInclusive<usize> = 24..=64;

/// Padding is written when encoding and optional when decoding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A secret of Standard Webhooks: `whsec_` and base64. Only [`Secret::reveal`] returns its text.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

/// The error of an invalid secret. Its message does not contain the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// The prefix is missing, or the rest is not base64.
    #[error("that is no secret; expected `whsec_` and base64")]
    Malformed,
    /// The secret has too few or too many bytes.
    #[error("the secret has {0} bytes; expected {start} to {end}", start = BYTES.start(), end = BYTES.end())]
    Length(usize),
}

impl Secret {
    /// Creates a secret from bytes of a cryptographic random number generator.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes.to_vec())
    }

    /// Parses a secret: `whsec_` and the base64 of 24 to 64 bytes.
    ///
    /// # Errors
    /// Returns an error that does not contain the text.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let encoded = text.strip_prefix(PREFIX).ok_or(SecretError::Malformed)?;
        let bytes = BASE64.decode(encoded).map_err(|_| SecretError::Malformed)?;
        if BYTES.contains(&bytes.len()) {
            Ok(Self(bytes))
        } else {
            Err(SecretError::Length(bytes.len()))
        }
    }

    /// Returns the text of the secret. Not for logs.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{PREFIX}{}", BASE64.encode(&self.0))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_shown_only_when_asked() {
        let secret = Secret::from_bytes([7; 32]);
        assert_eq!(secret.reveal(), "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=");
        assert_eq!(format!("{secret:?}"), "Secret(..)");
        assert_eq!(Secret::parse(&secret.reveal()).unwrap().bytes(), [7; 32]);
        let without_padding = secret.reveal().trim_end_matches('=').to_owned();
        assert_eq!(Secret::parse(&without_padding).unwrap().bytes(), [7; 32]);
    }

    #[test]
    fn what_is_no_secret_is_refused_without_being_shown() {
        let of = |bytes: usize| format!("whsec_{}", BASE64.encode(vec![1; bytes]));
        assert!(Secret::parse(&of(24)).is_ok());
        assert!(Secret::parse(&of(64)).is_ok());
        for (text, expected) in [
            (of(23), SecretError::Length(23)),
            (of(65), SecretError::Length(65)),
            ("whsec_".to_owned(), SecretError::Length(0)),
            ("whsec_hush!".to_owned(), SecretError::Malformed),
            (of(24).replace("whsec_", ""), SecretError::Malformed),
            (of(24).replace("whsec_", "whpk_"), SecretError::Malformed),
            (String::new(), SecretError::Malformed),
        ] {
            let error = Secret::parse(&text).unwrap_err();
            assert_eq!(error, expected, "{text}");
            assert!(!error.to_string().contains("hush"));
        }
    }
}
