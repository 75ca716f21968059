//! Raw JSON of users, which keeps the bytes that were sent.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

/// The string that replaces a masked value.
pub const MASK: &str = "**masked**";

/// One JSON value as its original text, which preserves key order, number digits and white space.
///
/// Two values are equal if and only if their bytes are.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RawJson(Box<RawValue>);

impl RawJson {
    /// Parses one JSON value, nested at most 127 levels deep, and keeps its text.
    ///
    /// # Errors
    /// Returns the parser's error, with line and column.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        // Validates the depth as well, so that a later `value()` cannot fail.
        let _: Value = serde_json::from_str(text)?;
        serde_json::from_str(text).map(Self)
    }

    /// Serialises a value as compact JSON, in its own key order.
    #[must_use]
    pub fn of(value: &Value) -> Self {
        let text = value.to_string();
        // INVARIANT: a `Value` always prints as valid JSON.
        RawValue::from_string(text).map_or_else(|_| Self::null(), Self)
    }

    /// Returns the JSON value `null`.
    #[must_use]
    pub fn null() -> Self {
        Self(RawValue::NULL.to_owned())
    }

    /// Returns an empty JSON object, `{}`.
    #[must_use]
    pub fn empty_object() -> Self {
        Self::of(&Value::Object(serde_json::Map::new()))
    }

    /// Returns the text as it was sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.get()
    }

    /// Returns the parsed value, which preserves key order and the digits of numbers.
    #[must_use]
    pub fn value(&self) -> Value {
        serde_json::from_str(self.as_str()).unwrap_or(Value::Null)
    }

    /// Replaces the value at a JSON Pointer (RFC 6901) by [`MASK`]. Returns whether there was a
    /// value.
    pub fn mask(&mut self, pointer: &str) -> bool {
        let mut value = self.value();
        let Some(found) = value.pointer_mut(pointer) else { return false };
        *found = Value::from(MASK);
        *self = Self::of(&value);
        true
    }
}

impl Default for RawJson {
    fn default() -> Self {
        Self::null()
    }
}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PartialEq for RawJson {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for RawJson {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_bytes_survive_a_round_trip_through_serde() {
        for text in [
            "{\"b\": 1.0,  \"a\":1e400}",
            "[ ]",
            "123456789012345678901234567890.10",
            "\"\\u00e9\"",
        ] {
            let raw: RawJson = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&raw).unwrap(), text);
        }
    }

    #[test]
    fn nesting_beyond_the_parser_is_refused_when_kept() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(RawJson::parse(&deep).is_err());
        assert!(RawJson::parse("NaN").is_err());
    }
}
