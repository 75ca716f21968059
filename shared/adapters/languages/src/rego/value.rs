//! Conversion of Rego values from and to JSON.

use std::borrow::Cow;
use std::collections::BTreeMap;

use writ_model::RawJson;
use writ_rego::builtin::{Value, from_json_str};

use super::bounds;
use crate::Failure;

/// The deepest nesting of an output, the same in every language; JSON readers have such limits too.
const OUTPUT_NESTING_MAX: u32 = 100;

/// Converts a document to a Rego value. Numbers keep their digits.
pub(super) fn parse(document: &RawJson, name: &str) -> Result<Value, Failure> {
    let text = document.as_str();
    let policy_error = |message| Failure::Raised {
        kind: "rego.document".to_owned(),
        message,
        line: None,
        traceback: String::new(),
    };
    bounds::check(text).map_err(|out| {
        policy_error(format!(
            "`{name}` cannot become a rego value: {} (line {}, column {})",
            bounds::message(),
            out.line,
            out.column
        ))
    })?;
    from_json_str(text)
        .map_err(|error| policy_error(format!("`{name}` cannot become a rego value: {error}")))
}

/// Converts a value to compact JSON: sets are sorted arrays, keys are sorted, a key that is no string
/// is its JSON text.
pub(super) fn print(value: &Value, bytes_max: usize) -> Result<RawJson, Failure> {
    let mut printer = Printer { text: String::new(), bytes_max };
    printer.value(value, 0)?;
    // Depth is bounded above, so the text is only scanned here, not built again.
    serde_json::from_str::<RawJson>(&printer.text).map_err(|error| Failure::NotJson {
        what: format!("a value that prints as no JSON: {error}"),
    })
}

struct Printer {
    text: String,
    bytes_max: usize,
}

impl Printer {
    fn value(&mut self, value: &Value, depth: u32) -> Result<(), Failure> {
        let is_container = matches!(value, Value::Array(_) | Value::Set(_) | Value::Object(_));
        if is_container && depth >= OUTPUT_NESTING_MAX {
            let what = format!("values nested more than {OUTPUT_NESTING_MAX} deep");
            return Err(Failure::NotJson { what });
        }
        match value {
            Value::Null => self.push("null"),
            Value::Bool(true) => self.push("true"),
            Value::Bool(false) => self.push("false"),
            Value::Number(number) => self.push(&number.text()),
            Value::String(text) => self.string(text),
            Value::Array(items) => self.array(items.iter(), depth),
            Value::Set(items) => self.array(items.iter(), depth),
            Value::Object(fields) => self.object(fields.iter(), depth),
        }
    }

    fn array<'a>(
        &mut self,
        items: impl Iterator<Item = &'a Value>,
        depth: u32,
    ) -> Result<(), Failure> {
        self.push("[")?;
        for (position, item) in items.enumerate() {
            if position > 0 {
                self.push(",")?;
            }
            self.value(item, depth + 1)?;
        }
        self.push("]")
    }

    /// Prints fields in the order of their names. Of two keys with one name the last one stays, as in OPA.
    fn object<'a>(
        &mut self,
        fields: impl Iterator<Item = (&'a Value, &'a Value)>,
        depth: u32,
    ) -> Result<(), Failure> {
        let mut named = BTreeMap::new();
        for (key, value) in fields {
            let name = match key {
                Value::String(key) => Cow::Borrowed(&**key),
                key => {
                    let mut inner = Printer { text: String::new(), bytes_max: self.bytes_max };
                    inner.value(key, depth + 1)?;
                    Cow::Owned(inner.text)
                }
            };
            named.insert(name, value);
        }
        self.push("{")?;
        for (position, (name, value)) in named.iter().enumerate() {
            if position > 0 {
                self.push(",")?;
            }
            self.string(name)?;
            self.push(":")?;
            self.value(value, depth + 1)?;
        }
        self.push("}")
    }

    fn string(&mut self, text: &str) -> Result<(), Failure> {
        // Checked before the escapes are written, so that one huge string is not copied first.
        self.reserve(text.len())?;
        let quoted = serde_json::to_string(text).map_err(|error| Failure::NotJson {
            what: format!("a string that prints as no JSON: {error}"),
        })?;
        self.push(&quoted)
    }

    fn push(&mut self, text: &str) -> Result<(), Failure> {
        self.reserve(text.len())?;
        self.text.push_str(text);
        Ok(())
    }

    fn reserve(&self, bytes: usize) -> Result<(), Failure> {
        if self.text.len().saturating_add(bytes) > self.bytes_max {
            return Err(Failure::OutputTooLarge { budget_bytes: self.bytes_max });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(text: &str) -> String {
        let value = parse(&RawJson::parse(text).unwrap(), "input").unwrap();
        print(&value, 1 << 20).unwrap().as_str().to_owned()
    }

    #[test]
    fn documents_survive_with_their_digits_and_characters() {
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        let cases = [
            ("null", "null"),
            ("{}", "{}"),
            ("[]", "[]"),
            ("\"\"", "\"\""),
            (&deep, &deep),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("-18446744073709551617", "-18446744073709551617"),
            ("0.1", "0.1"),
            ("{\"b\": 1, \"a\": 2}", "{\"a\":2,\"b\":1}"),
            (
                "\"\\u00e9 \\ud83d\\ude00 e\\u0301 \\u0000 \\\" \\\\ \\n\"",
                "\"é 😀 e\u{301} \\u0000 \\\" \\\\ \\n\"",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(round(text), expected);
        }
    }

    #[test]
    fn an_output_beyond_its_bounds_is_an_error() {
        let value = Value::string("x".repeat(100));
        assert_eq!(print(&value, 50).unwrap_err(), Failure::OutputTooLarge { budget_bytes: 50 });
        let mut deep = Value::array([]);
        for _ in 1..100 {
            deep = Value::array([deep]);
        }
        assert!(print(&deep, 1 << 20).is_ok());
        deep = Value::array([deep]);
        let refused = print(&deep, 1 << 20).unwrap_err().to_string();
        assert!(refused.contains("more than 100 deep"), "{refused}");
    }

    #[test]
    fn a_number_that_would_fill_the_memory_is_refused() {
        let huge = RawJson::parse("[1e1000000000]").unwrap();
        let Err(Failure::Raised { kind, message, .. }) = parse(&huge, "input") else {
            panic!("the number was accepted");
        };
        assert_eq!(kind, "rego.document");
        assert!(message.contains("exponent"), "{message}");
    }
}
