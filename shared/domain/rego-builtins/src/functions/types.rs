//! Types of values, and conversions between them.

use crate::builtin::{Answer, Args, Call, some};
use crate::context::{Context, Error, ErrorKind};
use crate::gofmt;
use crate::number::Number;
use crate::value::Value;

pub(crate) const TABLE: &[(&str, Call)] = &[
    ("type_name", |_, args| some(args.value(0).type_name())),
    ("is_null", |_, args| is(args, "null")),
    ("is_boolean", |_, args| is(args, "boolean")),
    ("is_number", |_, args| is(args, "number")),
    ("is_string", |_, args| is(args, "string")),
    ("is_array", |_, args| is(args, "array")),
    ("is_object", |_, args| is(args, "object")),
    ("is_set", |_, args| is(args, "set")),
    ("to_number", to_number),
    ("cast_null", |_, args| same(args, "null")),
    ("cast_boolean", |_, args| same(args, "boolean")),
    ("cast_string", |_, args| same(args, "string")),
    ("cast_object", |_, args| same(args, "object")),
    ("cast_array", |_, args| some(Value::array(args.members(0)?.into_iter().cloned()))),
    ("cast_set", |_, args| some(Value::set(args.members(0)?.into_iter().cloned()))),
];

fn is(args: &Args<'_>, name: &str) -> Answer {
    some(args.value(0).type_name() == name)
}

fn same(args: &Args<'_>, name: &str) -> Answer {
    match args.value(0) {
        value if value.type_name() == name => some(value.clone()),
        _ => Err(args.wrong(0, &[name])),
    }
}

fn to_number(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    match args.value(0) {
        Value::Null => some(0_i64),
        Value::Bool(truth) => some(i64::from(*truth)),
        Value::Number(number) => some(number.clone()),
        Value::String(text) => some(number_of(text)?),
        _ => Err(args.wrong(0, &["null", "boolean", "number", "string"])),
    }
}

/// The number that a text is, by the grammar of Go's `strconv.ParseFloat`.
fn number_of(text: &str) -> Result<Number, Error> {
    let invalid = || {
        Error::new(format!("strconv.ParseFloat: parsing {}: invalid syntax", gofmt::quote(text)))
    };
    let digits = text.trim_start_matches(['+', '-']).to_ascii_lowercase();
    if matches!(digits.as_str(), "inf" | "infinity" | "nan") {
        let message = "operand 1 must be valid number string but got string";
        return Err(Error { kind: ErrorKind::Type, message: message.to_owned() });
    }
    if text.starts_with(['x', '_']) || digits.starts_with("0x") || digits.contains('_') {
        // Go reads hexadecimal digits and underscores here, and keeps the text as the number.
        return match digits.trim_matches(|c: char| {
            c.is_ascii_hexdigit() || matches!(c, 'x' | '_' | '.' | 'p' | '+' | '-')
        }) {
            "" if digits.starts_with(|c: char| c.is_ascii_digit()) => {
                Err(Error::halt("to_number reads decimal numbers without `_` alone"))
            }
            _ => Err(invalid()),
        };
    }
    let rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exp) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exp)) => (mantissa, Some(exp)),
        None => (rest, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = is_digits(whole) && is_digits(fraction) && whole.len() + fraction.len() > 0;
    let exp = exp.map(|exp| exp.strip_prefix(['+', '-']).unwrap_or(exp));
    if !is_number || exp.is_some_and(|exp| exp.is_empty() || !is_digits(exp)) {
        return Err(invalid());
    }
    if text.parse::<f64>().is_ok_and(f64::is_infinite) {
        return Err(Error::new(format!(
            "strconv.ParseFloat: parsing {}: value out of range",
            gofmt::quote(text)
        )));
    }
    if exp.is_some_and(|exp| exp.parse::<i64>().map_or(true, |exp| exp > crate::MAX_EXPONENT)) {
        return Err(Error::halt("the exponent of a number is too large"));
    }
    Ok(Number::from_valid(text))
}
