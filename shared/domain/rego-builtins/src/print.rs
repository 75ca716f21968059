//! Values as text: terms of Rego, and JSON.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use crate::gofmt;
use crate::value::Value;

/// Writes a value as a term of Rego.
pub(crate) fn term(value: &Value, f: &mut dyn fmt::Write) -> fmt::Result {
    match value {
        Value::Null => f.write_str("null"),
        Value::Bool(truth) => write!(f, "{truth}"),
        Value::Number(number) => f.write_str(&number.text()),
        Value::String(text) => f.write_str(&gofmt::quote(text)),
        Value::Array(array) => {
            f.write_char('[')?;
            list(array.iter(), f)?;
            f.write_char(']')
        }
        Value::Set(set) if set.is_empty() => f.write_str("set()"),
        Value::Set(set) => {
            f.write_char('{')?;
            list(set.iter(), f)?;
            f.write_char('}')
        }
        Value::Object(object) => {
            f.write_char('{')?;
            for (place, (key, value)) in object.iter().enumerate() {
                if place > 0 {
                    f.write_str(", ")?;
                }
                term(key, f)?;
                f.write_str(": ")?;
                term(value, f)?;
            }
            f.write_char('}')
        }
    }
}

fn list<'a>(items: impl Iterator<Item = &'a Value>, f: &mut dyn fmt::Write) -> fmt::Result {
    for (place, item) in items.enumerate() {
        if place > 0 {
            f.write_str(", ")?;
        }
        term(item, f)?;
    }
    Ok(())
}

/// How JSON is laid out.
#[derive(Clone, Copy)]
pub(crate) struct Layout<'a> {
    pub(crate) html: bool,
    /// Before each line, and once more for each level.
    pub(crate) pretty: Option<(&'a str, &'a str)>,
}

impl Value {
    /// The value as JSON: sets are arrays in order, keys that are no texts are their JSON, keys are sorted by
    /// their text.
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        json(self, Layout { html: false, pretty: None }, 0, &mut out);
        out
    }
}

/// Writes a value as JSON.
pub(crate) fn json(value: &Value, layout: Layout<'_>, level: usize, out: &mut String) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number.text()),
        Value::String(text) => gofmt::json_string(text, layout.html, out),
        Value::Array(array) => items(array.iter(), layout, level, out),
        Value::Set(set) => items(set.iter(), layout, level, out),
        Value::Object(object) => {
            let sorted: BTreeMap<Cow<'_, str>, &Value> =
                object.iter().map(|(key, value)| (json_key(key), value)).collect();
            out.push('{');
            for (place, (key, value)) in sorted.iter().enumerate() {
                separate(place, layout, level + 1, out);
                gofmt::json_string(key, layout.html, out);
                out.push_str(if layout.pretty.is_some() { ": " } else { ":" });
                json(value, layout, level + 1, out);
            }
            close(sorted.is_empty(), layout, level, out);
            out.push('}');
        }
    }
}

/// The key that a value is in JSON: a text as it is, another value as its JSON.
pub(crate) fn json_key(key: &Value) -> Cow<'_, str> {
    match key {
        Value::String(text) => Cow::Borrowed(text),
        _ => {
            let mut text = String::new();
            json(key, Layout { html: true, pretty: None }, 0, &mut text);
            Cow::Owned(text)
        }
    }
}

fn items<'a>(
    items: impl Iterator<Item = &'a Value>,
    layout: Layout<'_>,
    level: usize,
    out: &mut String,
) {
    out.push('[');
    let mut empty = true;
    for (place, item) in items.enumerate() {
        empty = false;
        separate(place, layout, level + 1, out);
        json(item, layout, level + 1, out);
    }
    close(empty, layout, level, out);
    out.push(']');
}

fn separate(place: usize, layout: Layout<'_>, level: usize, out: &mut String) {
    if place > 0 {
        out.push(',');
    }
    line(layout, level, out);
}

fn close(empty: bool, layout: Layout<'_>, level: usize, out: &mut String) {
    if !empty {
        line(layout, level, out);
    }
}

fn line(layout: Layout<'_>, level: usize, out: &mut String) {
    if let Some((prefix, indent)) = layout.pretty {
        out.push('\n');
        out.push_str(prefix);
        for _ in 0..level {
            out.push_str(indent);
        }
    }
}
