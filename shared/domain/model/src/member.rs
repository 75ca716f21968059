//! Members of an object that a caller sent, read one by one, so that what is wrong with one is said
//! with its name, its bounds and its place.

use std::ops::RangeInclusive;

use serde_json::Value;

use crate::{Error, RawJson, Timestamp};

/// How much of a wrong value its refusal repeats.
const REPEATED_CHARS_MAX: usize = 60;

/// The refusal of one member.
#[must_use]
pub fn wrong(field: &str, message: String) -> Error {
    Error::invalid(message).at(format!("/{field}"))
}

/// The refusal of an object without a member that it needs.
#[must_use]
pub fn missing(field: &str, what: &str) -> Error {
    wrong(field, format!("`{field}` is missing; it is {what}"))
}

/// A value as its refusal repeats it.
#[must_use]
pub fn repeated(value: &RawJson) -> String {
    let text = value.as_str();
    match text.char_indices().nth(REPEATED_CHARS_MAX) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// A text, and the refusal for when it is not what it should be.
///
/// # Errors
/// That refusal, where it is no text.
pub fn text(value: &RawJson, field: &str, what: &str) -> Result<(String, Error), Error> {
    let refusal = wrong(field, format!("`{field}` is {what}, and `{}` is none", repeated(value)));
    match value.value() {
        Value::String(text) => Ok((text, refusal)),
        _ => Err(refusal),
    }
}

/// An object, where there is one.
///
/// # Errors
/// It is something else.
pub fn object(value: Option<RawJson>, field: &str) -> Result<Option<RawJson>, Error> {
    match value {
        Some(value) if !value.value().is_object() => {
            let message = format!("`{field}` is a JSON object, and `{}` is none", repeated(&value));
            Err(wrong(field, message))
        }
        value => Ok(value),
    }
}

/// A whole number within its bounds, however it is written.
///
/// # Errors
/// It is none; the bounds.
pub fn number(
    value: Option<RawJson>,
    field: &str,
    bounds: RangeInclusive<u32>,
) -> Result<Option<u32>, Error> {
    let Some(value) = value else { return Ok(None) };
    let number = value.value().as_u64().and_then(|number| u32::try_from(number).ok());
    let number = number.filter(|number| bounds.contains(number));
    number.map(Some).ok_or_else(|| {
        let (least, most) = (bounds.start(), bounds.end());
        let given = repeated(&value);
        wrong(
            field,
            format!("`{field}` is a whole number from {least} to {most}, and `{given}` is none"),
        )
    })
}

/// A point in time.
///
/// # Errors
/// It is none.
pub fn time(value: &RawJson, field: &str) -> Result<Timestamp, Error> {
    let (time, refusal) = text(value, field, "a time such as 2026-01-31T09:30:00Z")?;
    time.parse().map_err(|_| refusal)
}

/// `true` or `false`.
///
/// # Errors
/// It is neither.
pub fn truth(value: &RawJson, field: &str) -> Result<bool, Error> {
    value.value().as_bool().ok_or_else(|| {
        wrong(field, format!("`{field}` is true or false, and `{}` is neither", repeated(value)))
    })
}
