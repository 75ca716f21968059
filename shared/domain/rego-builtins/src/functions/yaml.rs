//! YAML as Go's `sigs.k8s.io/yaml` reads it: version 1.1 for plain scalars, and only what JSON has.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use saphyr_parser::{Event, Parser, ScalarStyle};

use super::strings::text_of;
use crate::builtin::{Answer, Args, Call, some};
use crate::context::{Context, Error, ErrorKind};
use crate::gofmt;
use crate::number::Number;
use crate::value::{MAX_DEPTH, Object, Value};

pub(crate) const TABLE: &[(&str, Call)] = &[
    ("yaml.unmarshal", |context, args| some(read(context, args.text(0)?)?)),
    ("yaml.is_valid", is_valid),
    ("yaml.marshal", |_, args| some(super::yaml_text::write(args.value(0))?)),
];

fn is_valid(context: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let Some(text) = args.value(0).as_str() else { return some(false) };
    match read(context, text) {
        Ok(_) => some(true),
        Err(error) if error.kind == ErrorKind::Halt => Err(error),
        Err(_) => some(false),
    }
}

/// A node that was read: its value, its key in JSON, and how many nodes it has when aliases are written out.
#[derive(Clone)]
struct Node {
    value: Value,
    /// `None`: JSON has no such key.
    key: Option<String>,
    is_merge: bool,
    size: usize,
}

/// A collection that is being read.
struct Open {
    anchor: usize,
    size: usize,
    kind: Kind,
}

enum Kind {
    Sequence(Vec<Value>),
    Mapping { object: Object, key: Option<Node> },
}

fn wrong(reason: impl std::fmt::Display) -> Error {
    Error::new(format!("yaml: {reason}"))
}

/// Reads the first document.
fn read(context: &mut Context<'_>, text: &str) -> Result<Value, Error> {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    // The parser takes these, Go's does not.
    if lines.next().is_some_and(|line| {
        line.trim_start_matches(' ').starts_with('\t') || line.starts_with("...")
    }) {
        return Err(wrong("found character that cannot start any token"));
    }
    let mut anchors: HashMap<usize, Node> = HashMap::new();
    let mut open: Vec<Open> = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, _) = event.map_err(wrong)?;
        let node = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.map(|tag| format!("{}{}", tag.handle, tag.suffix));
                let node = scalar(&text, style, tag.as_deref())?;
                if anchor > 0 {
                    anchors.insert(anchor, node.clone());
                }
                node
            }
            Event::Alias(anchor) => {
                let node = anchors
                    .get(&anchor)
                    .cloned()
                    .ok_or_else(|| wrong("an anchor contains itself"))?;
                context.charge(node.size.saturating_mul(16))?;
                node
            }
            Event::SequenceStart(anchor, _) => {
                open.push(Open { anchor, size: 1, kind: Kind::Sequence(Vec::new()) });
                if open.len() > MAX_DEPTH {
                    return Err(wrong("collections nest too deep"));
                }
                continue;
            }
            Event::MappingStart(anchor, _) => {
                open.push(Open {
                    anchor,
                    size: 1,
                    kind: Kind::Mapping { object: Object::default(), key: None },
                });
                if open.len() > MAX_DEPTH {
                    return Err(wrong("collections nest too deep"));
                }
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(last) = open.pop() else {
                    return Err(wrong("a collection ends that did not begin"));
                };
                let value = match last.kind {
                    Kind::Sequence(items) => Value::array(items),
                    Kind::Mapping { object, .. } => object.into(),
                };
                let node = Node { value, key: None, is_merge: false, size: last.size };
                if last.anchor > 0 {
                    anchors.insert(last.anchor, node.clone());
                }
                node
            }
            Event::StreamEnd => break,
            _ => continue,
        };
        let Some(parent) = open.last_mut() else { return Ok(node.value) };
        parent.size = parent.size.saturating_add(node.size);
        match &mut parent.kind {
            Kind::Sequence(items) => items.push(node.value),
            Kind::Mapping { object, key } => match key.take() {
                None => *key = Some(node),
                Some(key) => add(object, &key, node.value)?,
            },
        }
    }
    Ok(Value::Null)
}

fn add(object: &mut Object, key: &Node, value: Value) -> Result<(), Error> {
    if !key.is_merge {
        let name = key.key.clone().ok_or_else(|| wrong("unsupported map key"))?;
        object.insert(Value::from(name), value);
        return Ok(());
    }
    const MERGE: &str = "map merge requires map or sequence of maps as the value";
    let several = match &value {
        Value::Object(_) => vec![&value],
        Value::Array(items) => items.iter().rev().collect(),
        _ => return Err(wrong(MERGE)),
    };
    for one in several {
        let Value::Object(one) = one else { return Err(wrong(MERGE)) };
        for (key, value) in one.iter() {
            object.insert(key.clone(), value.clone());
        }
    }
    Ok(())
}

/// What a plain scalar is.
enum Scalar {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Merge,
    Text,
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&str>) -> Result<Node, Error> {
    let kind = tag.map(|tag| tag.strip_prefix("tag:yaml.org,2002:").unwrap_or(tag));
    let mismatch = || {
        wrong(format!("cannot decode {} as a !!{}", gofmt::quote(text), kind.unwrap_or_default()))
    };
    let found = match (kind, style) {
        (None, ScalarStyle::Plain) => resolve(text),
        (Some("bool" | "int" | "float" | "null" | "merge"), _) => resolve(text),
        _ => Scalar::Text,
    };
    let node = |value: Value, key: Option<String>| Node { value, key, is_merge: false, size: 1 };
    let float = |float: f64| {
        let number = Number::from_f64(float)
            .ok_or_else(|| wrong("unsupported value: an infinite number"))?;
        let sign = if float < 0.0 { "-" } else { "" };
        let key = format!("{sign}{}", gofmt::float(float.abs(), 'g', None));
        Ok::<_, Error>(node(number.into(), Some(key)))
    };
    Ok(match (kind, found) {
        (None | Some("bool"), Scalar::Bool(truth)) => {
            node(Value::Bool(truth), Some(truth.to_string()))
        }
        (None | Some("null"), Scalar::Null) => node(Value::Null, None),
        (None | Some("int"), Scalar::Int(int)) => {
            node(Number::from_bigint(&int.into()).into(), Some(int.to_string()))
        }
        // The nearest float of the integer is meant.
        #[allow(clippy::cast_precision_loss)]
        (Some("float"), Scalar::Int(int)) => float(int as f64)?,
        (None | Some("float"), Scalar::Float(number)) => float(number)?,
        (None | Some("merge"), Scalar::Merge) => {
            Node { is_merge: true, ..node(Value::from("<<"), None) }
        }
        (Some("bool" | "int" | "float" | "null" | "merge"), _) => return Err(mismatch()),
        (Some("binary"), _) => {
            let compact: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
            let bytes = STANDARD
                .decode(compact)
                .map_err(|_| wrong("!!binary value contains invalid base64 data"))?;
            let text = text_of(bytes)?;
            node(Value::from(text.as_str()), Some(text))
        }
        _ => node(Value::from(text), Some(text.to_owned())),
    })
}

fn resolve(text: &str) -> Scalar {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Scalar::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Scalar::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Scalar::Bool(false);
        }
        ".nan" | ".NaN" | ".NAN" => return Scalar::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => {
            return Scalar::Float(f64::INFINITY);
        }
        "-.inf" | "-.Inf" | "-.INF" => return Scalar::Float(f64::NEG_INFINITY),
        "<<" => return Scalar::Merge,
        _ => {}
    }
    let is_number = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'));
    if !is_number {
        return Scalar::Text;
    }
    let plain = if text.starts_with('.') { text.to_owned() } else { text.replace('_', "") };
    if let Some(int) = integer(&plain) {
        return Scalar::Int(int);
    }
    match is_float(&plain).then(|| plain.parse::<f64>()) {
        Some(Ok(float)) if float.is_finite() => Scalar::Float(float),
        _ => Scalar::Text,
    }
}

/// An integer with the prefixes of Go, that fits 64 bits with or without a sign.
fn integer(text: &str) -> Option<i128> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let lower = digits.to_ascii_lowercase();
    let (digits, base) = match lower.get(..2) {
        Some("0x") => (lower.get(2..)?, 16),
        Some("0o") => (lower.get(2..)?, 8),
        Some("0b") => (lower.get(2..)?, 2),
        _ if lower.len() > 1 && lower.starts_with('0') => (lower.get(1..)?, 8),
        _ => (lower.as_str(), 10),
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(base)) {
        return None;
    }
    let int = sign * i128::from_str_radix(digits, base).ok()?;
    let has_plus = text.starts_with('+');
    let most = if has_plus { i128::from(i64::MAX) } else { i128::from(u64::MAX) };
    (i128::from(i64::MIN)..=most).contains(&int).then_some(int)
}

fn is_float(text: &str) -> bool {
    let rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exp) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exp)) => (mantissa, Some(exp)),
        None => (rest, None),
    };
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    digits(whole)
        && digits(fraction)
        && whole.len() + fraction.len() > 0
        && exp.is_none_or(|exp| {
            let exp = exp.strip_prefix(['+', '-']).unwrap_or(exp);
            !exp.is_empty() && digits(exp)
        })
}

/// Whether a text without quotes is read as a text again, by both versions of YAML and as no date.
pub(super) fn is_plain_text(text: &str) -> bool {
    let is_text = matches!(resolve(text), Scalar::Text | Scalar::Merge);
    is_text && !is_base_60(text) && !is_date(text)
}

/// A number such as `1:30`, which version 1.1 has.
fn is_base_60(text: &str) -> bool {
    let rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    let mut parts = whole.split(':');
    let first = parts.next().unwrap_or_default();
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let mut count = 0;
    let are_small = parts.all(|part| {
        count += 1;
        matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9'])
    });
    first.starts_with(|c: char| c.is_ascii_digit())
        && is_digits(first)
        && are_small
        && count > 0
        && is_digits(fraction)
}

/// A date, alone or with a time.
fn is_date(text: &str) -> bool {
    let is_four = text.bytes().take(5).filter(u8::is_ascii_digit).count() == 4
        && text.as_bytes().get(4) == Some(&b'-');
    const LAYOUTS: [&str; 4] = [
        "2006-1-2T15:4:5.999999999Z07:00",
        "2006-1-2t15:4:5.999999999Z07:00",
        "2006-1-2 15:4:5.999999999",
        "2006-1-2",
    ];
    is_four && LAYOUTS.iter().any(|layout| super::layouts::parse(layout, text).is_ok())
}
