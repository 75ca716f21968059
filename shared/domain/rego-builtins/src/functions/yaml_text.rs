//! Values as YAML, as Go's `sigs.k8s.io/yaml` writes them: blocks, sorted keys, quotes where they are needed.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::yaml::is_plain_text;
use crate::context::Error;
use crate::gofmt;
use crate::number::Number;
use crate::print::json_key;
use crate::value::Value;

/// The width from which Go folds lines at spaces.
const WIDTH: usize = 80;

/// Writes a value as one document.
pub(super) fn write(value: &Value) -> Result<String, Error> {
    let mut out = String::new();
    node(value, 0, false, &mut out)?;
    out.push('\n');
    // A literal block ends its own line.
    if out.ends_with("\n\n") && matches!(value, Value::String(text) if text.ends_with('\n')) {
        out.pop();
    }
    Ok(out)
}

/// Writes a value behind its key, its dash or nothing. `in_map`: items of a list stand below the key itself.
fn node(value: &Value, indent: usize, in_map: bool, out: &mut String) -> Result<(), Error> {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&self::number(number)),
        Value::String(text) => scalar(text, indent, out)?,
        Value::Array(array) => list(array.iter(), array.is_empty(), (indent, in_map), out)?,
        Value::Set(set) => list(set.iter(), set.is_empty(), (indent, in_map), out)?,
        Value::Object(object) if object.is_empty() => out.push_str("{}"),
        Value::Object(object) => {
            let pairs: BTreeMap<_, _> =
                object.iter().map(|(key, value)| (json_key(key), value)).collect();
            let mut pairs: Vec<_> = pairs.into_iter().collect();
            pairs.sort_by(|(one, _), (two, _)| natural(one, two));
            for (place, (key, value)) in pairs.into_iter().enumerate() {
                if place > 0 || in_map {
                    line(indent, out);
                }
                if key.contains('\n') || key.len() > 128 {
                    return Err(Error::halt(
                        "YAML with keys of several lines or more than 128 bytes is not written",
                    ));
                }
                scalar(&key, indent, out)?;
                out.push(':');
                if !is_below(value) {
                    out.push(' ');
                }
                let indent = if matches!(value, Value::Object(_)) { indent + 2 } else { indent };
                node(value, indent, true, out)?;
            }
        }
    }
    Ok(())
}

/// An integer of 64 bits in full, another number as the nearest float. One that is too large for a
/// float is a text for Go.
fn number(number: &Number) -> String {
    let text = number.text();
    if text.parse::<u64>().is_ok() || text.parse::<i64>().is_ok() {
        return number.as_i64().map_or_else(|| text.to_string(), |int| int.to_string());
    }
    let float = number.as_f64();
    if float.is_infinite() {
        return text.into_owned();
    }
    let sign = if float.is_sign_negative() { "-" } else { "" };
    format!("{sign}{}", gofmt::float(float.abs(), 'g', None))
}

/// Whether a value behind a key begins on its own line.
fn is_below(value: &Value) -> bool {
    match value {
        Value::Object(object) => !object.is_empty(),
        Value::Array(array) => !array.is_empty(),
        Value::Set(set) => !set.is_empty(),
        _ => false,
    }
}

fn line(indent: usize, out: &mut String) {
    // A literal block may have ended the line.
    if !out.ends_with('\n') {
        out.push('\n');
    }
    out.extend(std::iter::repeat_n(' ', indent));
}

fn list<'a>(
    items: impl Iterator<Item = &'a Value>,
    is_empty: bool,
    (indent, in_map): (usize, bool),
    out: &mut String,
) -> Result<(), Error> {
    if is_empty {
        out.push_str("[]");
        return Ok(());
    }
    for (place, item) in items.enumerate() {
        if place > 0 || in_map {
            line(indent, out);
        }
        out.push_str("- ");
        let inner = if is_below(item) { indent + 2 } else { indent };
        node(item, inner, false, out)?;
    }
    Ok(())
}

/// A character that Go's writer does not escape.
fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
        && c != '\u{feff}'
        || c == '\u{85}'
}

fn scalar(text: &str, indent: usize, out: &mut String) -> Result<(), Error> {
    if text.contains(['\u{7f}', '\0']) {
        return Err(Error::new("yaml: control characters are not allowed"));
    }
    if text.contains(['\u{85}', '\u{2028}', '\u{2029}', '\r']) || text.contains(" \n") {
        return Err(Error::halt(
            "YAML with line ends other than `\\n`, or spaces before one, is not written",
        ));
    }
    if text.lines().any(|line| line.chars().count() + indent + 40 > WIDTH && line.contains(' '))
        && !text.contains('\n')
    {
        return Err(Error::halt(
            "YAML with texts that Go would fold over several lines is not written",
        ));
    }
    let is_special = text.chars().any(|c| !is_printable(c));
    if is_special || !is_plain_text(text) {
        double(text, out);
    } else if text.contains('\n') {
        literal(text, indent, out);
    } else if is_plain(text) {
        out.push_str(text);
    } else {
        out.push_str(&format!("'{}'", text.replace('\'', "''")));
    }
    Ok(())
}

/// Whether a text of one line may stand without quotes.
fn is_plain(text: &str) -> bool {
    let mut chars = text.chars();
    let first = chars.next().unwrap_or(' ');
    let is_alone =
        |at: usize| text.get(at..).is_none_or(|rest| rest.is_empty() || rest.starts_with(' '));
    let starts_badly = "#,[]{}&*!|>'\"%@`".contains(first)
        || matches!(first, '?' | ':' | '-') && is_alone(1)
        || text.starts_with("---")
        || text.starts_with("...");
    let has_mark = text.match_indices(':').any(|(at, _)| is_alone(at + 1)) || text.contains(" #");
    !starts_badly && !has_mark && !text.starts_with(' ') && !text.ends_with(' ')
}

fn double(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            '\u{1b}' => out.push_str("\\e"),
            _ if is_printable(c) => out.push(c),
            _ => {
                let code = u32::from(c);
                out.push_str(&match code {
                    0..=0xff => format!("\\x{code:02X}"),
                    0x100..=0xffff => format!("\\u{code:04X}"),
                    _ => format!("\\U{code:08X}"),
                });
            }
        }
    }
    out.push('"');
}

/// A block that keeps its lines.
fn literal(text: &str, indent: usize, out: &mut String) {
    let hint = if text.starts_with([' ', '\n']) { "2" } else { "" };
    let chomp = match text.strip_suffix('\n') {
        None => "-",
        Some(rest) if rest.is_empty() || rest.ends_with('\n') => "+",
        Some(_) => "",
    };
    out.push_str(&format!("|{hint}{chomp}\n"));
    let body = text.strip_suffix('\n').unwrap_or(text);
    for (place, part) in body.split('\n').enumerate() {
        if place > 0 {
            out.push('\n');
        }
        if !part.is_empty() {
            out.extend(std::iter::repeat_n(' ', indent + 2));
            out.push_str(part);
        }
    }
    if text.ends_with('\n') {
        out.push('\n');
    }
}

/// The order of keys: letters after other characters, numbers in a text by their size.
fn natural(one: &str, two: &str) -> Ordering {
    let (a, b): (Vec<char>, Vec<char>) = (one.chars().collect(), two.chars().collect());
    let number = |chars: &[char], from: usize, start: i64| {
        let digits = chars.iter().skip(from).map_while(|c| c.to_digit(10));
        digits.fold((start, 0), |(number, count), digit| {
            (number.wrapping_mul(10).wrapping_add(i64::from(digit)), count + 1)
        })
    };
    for (at, (x, y)) in a.iter().zip(&b).enumerate() {
        if x == y {
            continue;
        }
        match (x.is_alphabetic(), y.is_alphabetic()) {
            (true, true) => return x.cmp(y),
            (true, false) => return Ordering::Greater,
            (false, true) => return Ordering::Less,
            (false, false) => {}
        }
        // A zero after other digits belongs to their number.
        let before = a.iter().take(at).rev().take_while(|c| c.is_ascii_digit()).any(|c| *c != '0');
        let start = i64::from((*x == '0' || *y == '0') && before);
        let ((m, m_count), (n, n_count)) = (number(&a, at, start), number(&b, at, start));
        return m.cmp(&n).then(m_count.cmp(&n_count)).then(x.cmp(y));
    }
    a.len().cmp(&b.len())
}
