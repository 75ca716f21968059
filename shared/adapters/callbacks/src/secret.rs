//! What a receiver and the platform share.

use std::fmt;
use std::ops::RangeInclusive;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// How a secret begins.
const PREFIX: &str = "whsec_";

/// How many bytes a secret may have, by the Standard Webhooks specification. Those of the platform
/// have 32.
const BYTES: RangeInclusive<usize> = 24..=64;

/// Padding is written; it may be missing in what somebody copied.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A secret of Standard Webhooks: `whsec_` and base64. It is shown by [`Secret::reveal`] alone.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

/// Why a text is no secret. The text itself is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Another beginning, or no base64.
    #[error("that is no secret; expected `whsec_` and base64")]
    Form,
    /// Too few bytes to be one, or too many.
    #[error("the secret has {0} bytes; expected {start} to {end}", start = BYTES.start(), end = BYTES.end())]
    Length(usize),
}

impl Secret {
    /// The secret of these bytes, which must come from a source of secrets.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes.to_vec())
    }

    /// The secret that a text is: `whsec_` and the base64 of 24 to 64 bytes.
    ///
    /// # Errors
    /// What is wrong with it, without showing it.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let encoded = text.strip_prefix(PREFIX).ok_or(SecretError::Form)?;
        let bytes = BASE64.decode(encoded).map_err(|_| SecretError::Form)?;
        if BYTES.contains(&bytes.len()) {
            Ok(Self(bytes))
        } else {
            Err(SecretError::Length(bytes.len()))
        }
    }

    /// The text, for whoever may have it.
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
            ("whsec_hush!".to_owned(), SecretError::Form),
            (of(24).replace("whsec_", ""), SecretError::Form),
            (of(24).replace("whsec_", "whpk_"), SecretError::Form),
            (String::new(), SecretError::Form),
        ] {
            let error = Secret::parse(&text).unwrap_err();
            assert_eq!(error, expected, "{text}");
            assert!(!error.to_string().contains("hush"));
        }
    }
}
