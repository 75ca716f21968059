//! Writes JSON values as YAML 1.2, a superset of JSON: text that a reader could misread stays JSON.
//!
//! A general YAML serialiser holds numbers as 64-bit floats and would round them.

use serde_json::Value;

/// Renders the value as a YAML document.
pub(crate) fn from_json(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(members) if !members.is_empty() => block(&mut out, value, 0),
        Value::Array(items) if !items.is_empty() => block(&mut out, value, 0),
        scalar => {
            inline(&mut out, scalar, 0);
            out.push('\n');
        }
    }
    out
}

/// Writes a collection that is not empty, each element on its own lines.
fn block(out: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                pad(out, depth);
                out.push_str(&key(name));
                out.push(':');
                after_indicator(out, member, depth + 1);
            }
        }
        Value::Array(items) => {
            for item in items {
                pad(out, depth);
                out.push('-');
                after_indicator(out, item, depth + 1);
            }
        }
        _ => {}
    }
}

fn after_indicator(out: &mut String, value: &Value, depth: usize) {
    let nests = match value {
        Value::Object(members) => !members.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    if nests {
        out.push('\n');
        block(out, value, depth);
    } else {
        out.push(' ');
        inline(out, value, depth);
        out.push('\n');
    }
}

/// Writes a scalar or an empty collection, without the line break.
fn inline(out: &mut String, value: &Value, depth: usize) {
    match value {
        Value::String(text) if reads_as_block(text) => literal(out, text, depth),
        Value::String(text) if reads_as_plain(text) => out.push_str(text),
        other => out.push_str(&other.to_string()),
    }
}

fn key(name: &str) -> String {
    if reads_as_plain(name) { name.to_owned() } else { Value::from(name).to_string() }
}

/// Whether text without quotes is still a string to every reader, including those of YAML 1.1.
fn reads_as_plain(text: &str) -> bool {
    let starts = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let inner = |c: char| c.is_ascii_alphanumeric() || "_-./ ".contains(c);
    let words = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    starts
        && text.chars().all(inner)
        && !text.ends_with(' ')
        && !words.contains(&text.to_ascii_lowercase().as_str())
}

/// Whether text of several lines can be a literal block.
fn reads_as_block(text: &str) -> bool {
    text.contains('\n')
        && !text.starts_with([' ', '\t', '\n'])
        && text.chars().all(|c| {
            c == '\n'
                || c == '\t'
                || (!c.is_control() && !"\u{feff}\u{2028}\u{2029}\u{85}".contains(c))
        })
}

fn literal(out: &mut String, text: &str, depth: usize) {
    let body = text.trim_end_matches('\n');
    let breaks = text.len() - body.len();
    out.push_str(match breaks {
        0 => "|-",
        1 => "|",
        _ => "|+",
    });
    for line in body.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            pad(out, depth.max(1));
            out.push_str(line);
        }
    }
    // The caller writes the break of the last line.
    out.push_str(&"\n".repeat(breaks.saturating_sub(1)));
}

fn pad(out: &mut String, depth: usize) {
    for _ in 0..depth {
        out.push_str("  ");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_document_is_shown_in_its_own_order() {
        let value = json!({
            "name": "ip_allowlist", "version": "1.0", "tags": "a,b", "empty": {}, "none": [],
            "list": [1, {"a": null, "b": [true]}], "yes": "no", "code": "class P:\n\n    pass\n",
        });
        assert_eq!(
            from_json(&value),
            "name: ip_allowlist\nversion: \"1.0\"\ntags: \"a,b\"\nempty: {}\nnone: []\nlist:\n  - 1\n  -\n    a: null\n    b:\n      - true\n\"yes\": \"no\"\ncode: |\n  class P:\n\n      pass\n"
        );
    }

    #[test]
    fn numbers_keep_their_digits() {
        for text in ["1.0", "123456789012345678901234567890.10", "1e+400"] {
            assert_eq!(from_json(&serde_json::from_str(text).unwrap()), format!("{text}\n"));
        }
    }

    #[test]
    fn a_yaml_reader_gets_back_what_was_written() {
        let texts = [
            "",
            " ",
            "a",
            "true",
            "Null",
            "0x1f",
            "1.0",
            "- a",
            "a: b",
            "#",
            "line\nline",
            "line\n",
            "line\n\n\n",
            " indented\nline",
            "tab\tin\nit",
            "\u{1b}[0m",
            "é😀",
            "a\r\nb",
            "~",
            "=",
            "<<",
            "a ",
            "y",
            "\nfirst",
        ];
        for text in texts {
            for value in
                [json!(text), json!({ "k": text, "l": [text, [text]] }), json!({ text: 1 })]
            {
                let back: Value = yaml_serde::from_str(&from_json(&value)).unwrap();
                assert_eq!(back, value, "{}", from_json(&value));
            }
        }
    }
}
