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

    /// Replaces the values at JSON Pointers (RFC 6901) by [`MASK`], one after the other. Returns for
    /// each pointer whether there was a value.
    ///
    /// It parses and prints the text once: the time is linear in the text and in the pointers.
    pub fn mask<'p>(&mut self, pointers: impl IntoIterator<Item = &'p str>) -> Vec<bool> {
        let mut pointers = pointers.into_iter().peekable();
        if pointers.peek().is_none() {
            return Vec::new();
        }
        let mut value = self.value();
        let mut replace = |pointer| {
            let found = value.pointer_mut(pointer);
            found.map(|found| *found = Value::from(MASK)).is_some()
        };
        let found: Vec<bool> = pointers.map(&mut replace).collect();
        if found.contains(&true) {
            *self = Self::of(&value);
        }
        found
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
    fn masking_at_once_equals_masking_one_by_one() {
        let mut seed = 7_u64;
        let mut draw = |below: u64| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        fn value(draw: &mut dyn FnMut(u64) -> u64, depth: u32) -> Value {
            let size = if depth == 0 { 0 } else { draw(4) };
            match draw(3) {
                0 if depth > 0 => (0..size).map(|_| value(draw, depth - 1)).collect(),
                1 if depth > 0 => {
                    let names = ["a", "b/c", "d~e", "0"];
                    let name =
                        |draw: &mut dyn FnMut(u64) -> u64| names[usize::try_from(draw(4)).unwrap()];
                    (0..size).map(|_| (name(draw).to_owned(), value(draw, depth - 1))).collect()
                }
                _ => Value::from(draw(9)),
            }
        }
        let steps = ["/a", "/b~1c", "/d~0e", "/0", "/1", "/x", "/-"];
        let mut found_any = 0;
        for _ in 0..2_000 {
            let document = RawJson::of(&value(&mut draw, 4));
            let pointer =
                |_| (0..draw(4)).map(|_| steps[usize::try_from(draw(7)).unwrap()]).collect();
            let pointers: Vec<String> = (0..6).map(pointer).collect();
            let mut one_by_one = document.clone();
            let mut expected = Vec::new();
            for pointer in &pointers {
                let mut parsed = one_by_one.value();
                let place = parsed.pointer_mut(pointer);
                expected.push(place.map(|place| *place = Value::from(MASK)).is_some());
                if expected.last() == Some(&true) {
                    one_by_one = RawJson::of(&parsed);
                }
            }
            found_any += usize::from(expected.contains(&true));
            let mut at_once = document.clone();
            let found = at_once.mask(pointers.iter().map(String::as_str));
            assert_eq!((found, at_once), (expected, one_by_one), "{document:?} {pointers:?}");
        }
        assert!(found_any > 500, "{found_any}");
    }

    #[test]
    fn what_has_nothing_to_mask_keeps_its_bytes() {
        let mut raw = RawJson::parse("{\"b\": 1.0,  \"a\":1e400}").unwrap();
        assert_eq!(raw.mask(["/c", "/b/0"]), [false, false]);
        assert_eq!(raw.as_str(), "{\"b\": 1.0,  \"a\":1e400}");
    }

    #[test]
    fn nesting_beyond_the_parser_is_refused_when_kept() {
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(RawJson::parse(&deep).is_err());
        assert!(RawJson::parse("NaN").is_err());
    }
}
