//! Page tokens: the position at which the page before ended.
//!
//! A token holds a position in the caller's own index and nothing else: no table, no partition, no
//! workspace. A forged one can only skip or repeat objects that its caller may read anyway.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use serde::{Deserialize, Serialize};
use writ_model::{Digest, Error};

/// The version of the format. Tokens of another version are refused; it is raised when their
/// meaning changes.
const VERSION: u8 = 1;

/// Bytes of a token at most: a key of 1,024 bytes, escaped and encoded, is shorter.
const BYTES_MAX: usize = 16 << 10;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageToken {
    #[serde(rename = "v")]
    version: u8,
    /// The fingerprint of the query that the token continues.
    #[serde(rename = "q")]
    fingerprint: String,
    /// The position at which the next page starts.
    #[serde(rename = "a")]
    cursor: Cursor,
}

/// The position at which the next page starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(crate) enum Cursor {
    /// After this key of an index, or at the start of the range without one.
    Key {
        /// The index of the range, in reading order.
        range: usize,
        /// The last key of the page before.
        key: Option<String>,
    },
    /// After this number of objects, where every page reads and sorts all of them.
    Count(usize),
}

/// The fingerprint of a query: the list of a workspace, its filter and its sort.
pub(crate) fn fingerprint(parts: &[&str]) -> String {
    Digest::of(parts.join("\0").as_bytes()).short().to_owned()
}

impl PageToken {
    pub(crate) fn new(fingerprint: &str, cursor: Cursor) -> Self {
        Self { version: VERSION, fingerprint: fingerprint.to_owned(), cursor }
    }

    pub(crate) fn encode(&self) -> Result<String, Error> {
        serde_json::to_vec(self).map(|json| BASE64.encode(json)).map_err(Error::internal)
    }

    /// Decodes a token and checks that it belongs to the query with this fingerprint.
    pub(crate) fn decode(text: &str, fingerprint: &str) -> Result<Cursor, Error> {
        let json = (text.len() <= BYTES_MAX).then(|| BASE64.decode(text).ok()).flatten();
        let token: Self =
            json.and_then(|json| serde_json::from_slice(&json).ok()).ok_or_else(malformed)?;
        if token.version != VERSION {
            return Err(malformed());
        }
        if token.fingerprint != fingerprint {
            return Err(Error::invalid(
                "this `next_token` belongs to another query; send it with the same filter and sort, \
                 or leave it out to start again",
            )
            .at("next_token"));
        }
        Ok(token.cursor)
    }
}

/// The error of a text that is no token of this format.
pub(crate) fn malformed() -> Error {
    Error::invalid("this `next_token` is not valid; leave it out to start again").at("next_token")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_for_its_own_query_alone() {
        for after in [
            Cursor::Key { range: 3, key: Some("a\0b\"é".to_owned()) },
            Cursor::Key { range: 0, key: None },
            Cursor::Count(7),
        ] {
            let text = PageToken::new("mine", after.clone()).encode().unwrap();
            assert_eq!(PageToken::decode(&text, "mine").unwrap(), after);
            let error = PageToken::decode(&text, "yours").unwrap_err();
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
                PageToken::decode(text, "mine").unwrap_err().location.as_deref(),
                Some("next_token"),
                "{text}"
            );
        }
    }
}
