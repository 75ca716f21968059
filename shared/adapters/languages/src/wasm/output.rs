//! Conversion of a module's output to compact JSON that can be parsed again.

use writ_model::RawJson;

use crate::Failure;

/// The deepest nesting of an output, the same in every language; JSON readers have such limits too.
const OUTPUT_NESTING_MAX: usize = 100;

/// Parses the bytes of an output.
///
/// # Errors
/// [`Failure::NotJson`] with the offset.
pub(super) fn parse(bytes: &[u8]) -> Result<RawJson, Failure> {
    json(bytes).map_err(|what| Failure::NotJson { what })
}

/// Parses JSON and removes its white space; digits, order and escapes are unchanged.
pub(super) fn json(bytes: &[u8]) -> Result<RawJson, String> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| format!("bytes that are no utf-8 at offset {}", error.valid_up_to()))?;
    if nesting(text) > OUTPUT_NESTING_MAX {
        return Err(format!("values nested more than {OUTPUT_NESTING_MAX} deep"));
    }
    let parsed = RawJson::parse(text).map_err(|error| {
        let offset = match error.is_eof() {
            true => text.len(),
            false => offset(text, error.line(), error.column()),
        };
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default();
        format!("text that is no json at offset {offset} ({message})")
    })?;
    let spaces = |byte: &u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
    match text.bytes().any(|byte| spaces(&byte)) {
        false => Ok(parsed),
        true => RawJson::parse(&compact(text)).map_err(|error| error.to_string()),
    }
}

fn compact(json: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    json.chars()
        .filter(|character| {
            if in_string {
                in_string = escaped || *character != '"';
                escaped = !escaped && *character == '\\';
                return true;
            }
            in_string = *character == '"';
            !matches!(character, ' ' | '\n' | '\r' | '\t')
        })
        .collect()
}

/// The depth of nested brackets, outside of strings.
fn nesting(json: &str) -> usize {
    let (mut in_string, mut escaped) = (false, false);
    let (mut depth, mut deepest) = (0_usize, 0);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// The zero-based byte offset of a one-based line and column.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    before + column.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn an_output_keeps_everything_but_its_spaces() {
        let cases = [
            (" { \"b\" : 1.00 , \"a\":[ 1e3,\t-0 ] }\n", r#"{"b":1.00,"a":[1e3,-0]}"#),
            (r#""a \" b \\" "#, r#""a \" b \\""#),
            (r#"{" a ":" \\\" "}"#, r#"{" a ":" \\\" "}"#),
            ("123456789012345678901234567890.10", "123456789012345678901234567890.10"),
        ];
        for (text, kept) in cases {
            assert_eq!(parse(text.as_bytes()).unwrap().as_str(), kept);
        }
    }

    #[test]
    fn invalid_json_is_reported_with_its_offset() {
        let deep = format!("{}{}", "[".repeat(101), "]".repeat(101));
        let cases: [(&[u8], &str); 7] = [
            (b"", "offset 0"),
            (b"[1,", "offset 3 (EOF"),
            (b"{\"a\":\n tru}", "at offset 10"),
            (b"nan", "at offset 1 "),
            (b"1 2", "at offset 2 (trailing characters)"),
            (b"\"\xff\"", "no utf-8 at offset 1"),
            (deep.as_bytes(), "more than 100 deep"),
        ];
        for (text, part) in cases {
            let what = json(text).unwrap_err();
            assert!(what.contains(part), "{what}");
        }
    }

    proptest! {
        #[test]
        fn any_value_means_the_same_without_its_spaces(text in "[ \\\\\"a\u{e9}]{0,12}", n: i32) {
            let value = serde_json::json!({"key ": [text, n, null, {"x": true}], "": " "});
            let spaced = serde_json::to_string_pretty(&value).unwrap();
            let kept = json(spaced.as_bytes()).unwrap();
            prop_assert_eq!(kept.as_str(), value.to_string());
            prop_assert_eq!(serde_json::from_str::<Value>(kept.as_str()).unwrap(), value);
        }
    }
}
