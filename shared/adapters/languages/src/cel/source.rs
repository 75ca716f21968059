//! The two forms of a policy's code: an expression, or a JSON object of expressions by name.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use writ_model::Diagnostic;

use crate::nesting;

/// One expression with its location in the code.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part<'c> {
    /// The name of the expression, if the code is an object.
    pub(super) name: Option<String>,
    pub(super) text: Cow<'c, str>,
    /// The JSON string that it was read from, with its offset in the code.
    quoted: Option<(usize, &'c str)>,
}

impl<'c> Part<'c> {
    /// The one-based line and column in `code` of a byte offset in the expression.
    pub(super) fn location(&self, code: &'c str, offset: usize) -> (u32, u32) {
        let offset = match self.quoted {
            None => offset,
            Some((start, quoted)) => start + raw_offset(quoted, offset),
        };
        nesting::line_column(code, offset)
    }
}

/// Splits the code into its expressions, in their order.
///
/// An object with only string values names expressions; every other text is one expression. So is a
/// CEL map, unless all its keys and values are double-quoted constants.
pub(super) fn parts(code: &str) -> Result<Vec<Part<'_>>, Diagnostic> {
    let whole = || vec![Part { name: None, text: Cow::Borrowed(code), quoted: None }];
    if !code.trim_start().starts_with('{') {
        return Ok(whole());
    }
    let Ok(Members(members)) = serde_json::from_str::<Members<'_>>(code) else {
        return Ok(whole());
    };
    let mut parts: Vec<Part<'_>> = Vec::with_capacity(members.len());
    for (name, raw) in members {
        let quoted = raw.get();
        let Ok(text) = serde_json::from_str::<Cow<'_, str>>(quoted) else { return Ok(whole()) };
        let start = (quoted.as_ptr() as usize).saturating_sub(code.as_ptr() as usize);
        let part = Part { name: Some(name), text, quoted: Some((start, quoted)) };
        if parts.iter().any(|known| known.name == part.name) {
            let (line, column) = nesting::line_column(code, start);
            let name = part.name.unwrap_or_default();
            return Err(Diagnostic::error(
                "cel.duplicate-name",
                format!("`{name}` names two expressions"),
            )
            .at(line, column));
        }
        parts.push(part);
    }
    Ok(parts)
}

/// The offset in a quoted JSON string of the byte at `decoded` in the decoded string.
fn raw_offset(quoted: &str, decoded: usize) -> usize {
    let (mut raw, mut seen) = (1, 0);
    while seen < decoded {
        let rest = quoted.get(raw..).unwrap_or_default();
        let unit =
            |from| rest.get(from..from + 4).and_then(|hex| u32::from_str_radix(hex, 16).ok());
        let (written, read) = if rest.starts_with("\\u") {
            match unit(2) {
                Some(0xd800..0xdc00) => (12, 4),
                Some(code) => (6, char::from_u32(code).map_or(1, char::len_utf8)),
                None => (2, 1),
            }
        } else if rest.starts_with('\\') {
            (2, 1)
        } else {
            let length = rest.chars().next().map_or(0, char::len_utf8);
            (length, length)
        };
        if written == 0 {
            break;
        }
        raw += written;
        seen += read;
    }
    raw
}

/// The members of an object in their order, with the text of each value.
struct Members<'c>(Vec<(String, &'c RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_of_strings_names_expressions_and_any_other_text_is_one() {
        let cases = [
            ("1 + 1", vec![(None, "1 + 1")]),
            ("{'a': 'b'}", vec![(None, "{'a': 'b'}")]),
            ("{\"a\": input.b}", vec![(None, "{\"a\": input.b}")]),
            ("{\"a\": \"1\", \"b\": 2}", vec![(None, "{\"a\": \"1\", \"b\": 2}")]),
            (
                " \n{\"b\": \"1\", \"a\": \"x\\n+ 1\"}",
                vec![(Some("b"), "1"), (Some("a"), "x\n+ 1")],
            ),
            ("{\"a\": \"1\"}.a", vec![(None, "{\"a\": \"1\"}.a")]),
            ("{}", vec![]),
        ];
        for (code, expected) in cases {
            let parts = parts(code).unwrap();
            let found: Vec<_> =
                parts.iter().map(|part| (part.name.as_deref(), part.text.as_ref())).collect();
            assert_eq!(found, expected, "{code}");
        }
        let twice = parts("{\"a\": \"1\",\n \"a\": \"2\"}").unwrap_err();
        assert_eq!((twice.line, twice.column), (Some(2), Some(7)));
    }

    #[test]
    fn an_offset_in_an_expression_has_a_location_in_the_code() {
        let code = "{\n \"é\": \"\\u00e9\\ud83d\\ude00\\n\\\"x\"}";
        let part = parts(code).unwrap().remove(0);
        assert_eq!(part.text, "é😀\n\"x");
        let offsets = [(0, 8), (2, 14), (6, 26), (7, 28), (8, 30)];
        for (offset, column) in offsets {
            assert_eq!(part.location(code, offset), (2, column), "{offset}");
        }
        let plain = parts("a\nb").unwrap().remove(0);
        assert_eq!(plain.location("a\nb", 2), (2, 1));
    }
}
