//! Page tokens: where the page before ended.
//!
//! A token says where to go on inside the caller's own index and nothing else: no table, no
//! partition, no workspace. A forged one can only skip or repeat what its bearer may read anyway.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};
use writ_model::{Digest, Error};

/// Tokens of another version are refused; raise it when their meaning changes.
const VERSION: u8 = 1;

/// No token of ours is longer: a key of 1,024 bytes, escaped and encoded.
const BYTES_MAX: usize = 16 << 10;

/// A page token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Token {
    v: u8,
    /// Of the query that the token goes on with.
    q: String,
    a: After,
}

/// Where to go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(crate) enum After {
    /// Behind a key of an index, in the range of this number; without a key at its start.
    Key {
        /// The range's position in reading order.
        range: usize,
        /// The key.
        key: Option<String>,
    },
    /// Behind so many objects, where all of them are read and sorted for every page.
    Count(usize),
}

/// What a token belongs to: a workspace's list, and how it was filtered and sorted.
pub(crate) fn fingerprint(parts: &[&str]) -> String {
    Digest::of(parts.join("\0").as_bytes()).short().to_owned()
}

impl Token {
    pub(crate) fn new(fingerprint: &str, after: After) -> Self {
        Self { v: VERSION, q: fingerprint.to_owned(), a: after }
    }

    pub(crate) fn encode(&self) -> Result<String, Error> {
        serde_json::to_vec(self).map(|json| BASE64.encode(json)).map_err(Error::internal)
    }

    /// Reads a token of the query with this fingerprint.
    pub(crate) fn decode(text: &str, fingerprint: &str) -> Result<After, Error> {
        let json = (text.len() <= BYTES_MAX).then(|| BASE64.decode(text).ok()).flatten();
        let token: Self =
            json.and_then(|json| serde_json::from_slice(&json).ok()).ok_or_else(malformed)?;
        if token.v != VERSION {
            return Err(malformed());
        }
        if token.q != fingerprint {
            return Err(Error::invalid(
                "this `next_token` belongs to another query; send it with the same filter and sort, \
                 or leave it out to start again",
            )
            .at("next_token"));
        }
        Ok(token.a)
    }
}

/// No token of this release.
pub(crate) fn malformed() -> Error {
    Error::invalid(
        "this `next_token` is none that this platform gave out; leave it out to start again",
    )
    .at("next_token")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_for_its_own_query_alone() {
        for after in [
            After::Key { range: 3, key: Some("a\0b\"é".to_owned()) },
            After::Key { range: 0, key: None },
            After::Count(7),
        ] {
            let text = Token::new("mine", after.clone()).encode().unwrap();
            assert_eq!(Token::decode(&text, "mine").unwrap(), after);
            let error = Token::decode(&text, "yours").unwrap_err();
            assert!(error.message.contains("another query"), "{error}");
            assert_eq!(error.location.as_deref(), Some("next_token"));
        }
    }

    #[test]
    fn what_is_no_token_is_refused() {
        let other_version = BASE64.encode(r#"{"v":2,"q":"mine","a":{"count":1}}"#);
        let extended = BASE64.encode(r#"{"v":1,"q":"mine","a":{"count":1},"pk":"other#policy"}"#);
        let negative = BASE64.encode(r#"{"v":1,"q":"mine","a":{"count":-1}}"#);
        let long = "A".repeat(1 << 20);
        for text in ["", "!", "bnVsbA", &other_version, &extended, &negative, &long] {
            assert_eq!(
                Token::decode(text, "mine").unwrap_err().location.as_deref(),
                Some("next_token"),
                "{text}"
            );
        }
    }
}
