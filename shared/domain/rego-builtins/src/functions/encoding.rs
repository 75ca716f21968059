//! Values as text of other formats, and back: JSON, base64, hexadecimal, URLs.

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::strings::text_of;
use crate::builtin::{Answer, Args, Call, some};
use crate::context::{Context, Error};
use crate::json::from_json_str;
use crate::print::{Layout, json};
use crate::value::{Object, Value};

pub(crate) const TABLE: &[(&str, Call)] = &[
    ("json.marshal", |_, args| some(marshal(args.value(0), None)?)),
    ("json.marshal_with_options", marshal_with_options),
    ("json.unmarshal", |_, args| some(unmarshal(args.text(0)?)?)),
    ("json.is_valid", |_, args| {
        some(args.value(0).as_str().is_some_and(|text| from_json_str(text).is_ok()))
    }),
    ("base64.encode", |_, args| some(standard().encode(args.text(0)?))),
    ("base64.decode", |_, args| some(text_of(decoded(&standard(), args.text(0)?)?)?)),
    ("base64.is_valid", |_, args| {
        some(args.value(0).as_str().is_some_and(|text| decoded(&standard(), text).is_ok()))
    }),
    ("base64url.encode", |_, args| some(url(true).encode(args.text(0)?))),
    ("base64url.encode_no_pad", |_, args| some(url(false).encode(args.text(0)?))),
    ("base64url.decode", |_, args| some(text_of(decode_url(args.text(0)?)?)?)),
    ("hex.encode", |_, args| some(hex::encode(args.text(0)?))),
    ("hex.decode", hex_decode),
    ("urlquery.encode", |_, args| some(query_escape(args.text(0)?))),
    ("urlquery.decode", |_, args| some(text_of(query_unescape(args.text(0)?)?)?)),
    ("urlquery.encode_object", encode_object),
    ("urlquery.decode_object", decode_object),
    ("uri.is_valid", |_, args| {
        some(
            args.value(0)
                .as_str()
                .is_some_and(|text| !text.is_empty() && super::uri::parse(text).is_ok()),
        )
    }),
    ("uri.parse", |_, args| some(super::uri::parse(args.text(0)?)?)),
];

/// JSON as Go writes it. A number in a form that JSON does not have is an error.
pub(super) fn marshal(value: &Value, pretty: Option<(&str, &str)>) -> Result<String, Error> {
    let mut out = String::new();
    json(value, Layout { html: true, pretty }, 0, &mut out);
    if !has_json_numbers(value) {
        return Err(Error::new("json: invalid number literal"));
    }
    Ok(out)
}

fn has_json_numbers(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_json(),
        Value::Array(array) => array.iter().all(has_json_numbers),
        Value::Set(set) => set.iter().all(has_json_numbers),
        Value::Object(object) => {
            object.iter().all(|(key, value)| has_json_numbers(key) && has_json_numbers(value))
        }
        _ => true,
    }
}

fn marshal_with_options(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let options = args.object(1)?;
    let (mut indent, mut prefix, mut pretty) = ("\t", "", None);
    let mut is_formatted = false;
    for (key, value) in options.iter() {
        let wrong = |expected| Error::operand(2, value, &[expected]);
        match key.as_str() {
            Some("indent") => {
                (indent, is_formatted) = (value.as_str().ok_or_else(|| wrong("string"))?, true)
            }
            Some("prefix") => {
                (prefix, is_formatted) = (value.as_str().ok_or_else(|| wrong("string"))?, true)
            }
            Some("pretty") => match value {
                Value::Bool(truth) => pretty = Some(*truth),
                _ => return Err(wrong("boolean")),
            },
            _ => return Err(Error::new(format!("object contained unknown key {key}"))),
        }
    }
    let layout = pretty.unwrap_or(is_formatted).then_some((prefix, indent));
    let text = marshal(args.value(0), layout)?;
    some(match layout {
        Some((prefix, _)) if !prefix.is_empty() => format!("{prefix}{text}"),
        _ => text,
    })
}

fn unmarshal(text: &str) -> Result<Value, Error> {
    from_json_str(text).map_err(|error| Error::new(error.to_string()))
}

fn engine(alphabet: &base64::alphabet::Alphabet, padded: bool) -> GeneralPurpose {
    let mode =
        if padded { DecodePaddingMode::RequireCanonical } else { DecodePaddingMode::RequireNone };
    let config =
        GeneralPurposeConfig::new().with_encode_padding(padded).with_decode_padding_mode(mode);
    // Go takes any bits behind the last byte.
    GeneralPurpose::new(alphabet, config.with_decode_allow_trailing_bits(true))
}

fn standard() -> GeneralPurpose {
    engine(&STANDARD, true)
}

pub(super) fn url(padded: bool) -> GeneralPurpose {
    engine(&URL_SAFE, padded)
}

/// Decodes as Go does, which skips line ends.
pub(super) fn decoded(engine: &GeneralPurpose, text: &str) -> Result<Vec<u8>, Error> {
    let text: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    engine.decode(text).map_err(|_| Error::new("illegal base64 data"))
}

/// Decodes the alphabet for URLs; padding that is left out is added first.
pub(super) fn decode_url(text: &str) -> Result<Vec<u8>, Error> {
    let padding = match text.len() % 4 {
        _ if text.ends_with('=') => "",
        0 => "",
        2 => "==",
        3 => "=",
        _ => return Err(Error::new("illegal base64url string")),
    };
    decoded(&url(true), &format!("{text}{padding}"))
}

fn hex_decode(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let bytes =
        hex::decode(args.text(0)?).map_err(|error| Error::new(format!("encoding/hex: {error}")))?;
    some(text_of(bytes)?)
}

/// Escapes a part of a query as Go's `url.QueryEscape`.
pub(super) fn query_escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte))
            }
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

pub(super) fn query_unescape(text: &str) -> Result<Vec<u8>, Error> {
    let spaced = text.replace('+', " ");
    super::uri::unescape(&spaced)
}

fn encode_object(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let mut parts = Vec::new();
    for (key, value) in args.object(0)?.iter() {
        let key = key.as_str().ok_or_else(|| Error::operand(1, key, &["string"]))?;
        let mut add =
            |text: &str| parts.push(format!("{}={}", query_escape(key), query_escape(text)));
        let text = |value: &'_ Value| {
            value.as_str().map(str::to_owned).ok_or_else(|| Error::operand(1, value, &["string"]))
        };
        match value {
            Value::String(text) => add(text),
            Value::Array(array) => {
                for item in array.iter() {
                    add(&text(item)?);
                }
            }
            Value::Set(set) => {
                for item in set.iter() {
                    add(&text(item)?);
                }
            }
            _ => return Err(Error::operand(1, value, &["string", "array", "set"])),
        }
    }
    some(parts.join("&"))
}

fn decode_object(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let mut object = Object::default();
    for part in args.text(0)?.split('&') {
        if part.contains(';') {
            return Err(Error::new("invalid semicolon separator in query"));
        }
        if part.is_empty() {
            continue;
        }
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        let key = Value::from(text_of(query_unescape(key)?)?);
        let mut values = match object.get(&key) {
            Some(Value::Array(values)) => values.clone(),
            _ => crate::Array::default(),
        };
        values.push(Value::from(text_of(query_unescape(value)?)?));
        object.insert(key, values.into());
    }
    some(object)
}
