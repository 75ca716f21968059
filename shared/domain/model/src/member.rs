//! Validation of the members of a JSON object that a caller sent. Each error names the member, its
//! location and its bounds.

use std::ops::RangeInclusive;

use serde_json::Value;

use crate::{Error, RawJson, Timestamp};

/// How much of an invalid value its error repeats, in characters.
const EXCERPT_CHARS_MAX: usize = 60;

/// Creates the error for an invalid member.
#[must_use]
pub fn invalid_member(field: &str, message: String) -> Error {
    Error::invalid(message).at(format!("/{field}"))
}

/// Creates the error for a required member that is missing; `what` describes the expected value.
#[must_use]
pub fn missing_member(field: &str, what: &str) -> Error {
    invalid_member(field, format!("`{field}` is missing; it is {what}"))
}

/// Returns the start of a value, at most 60 characters, for an error message.
#[must_use]
pub fn excerpt(value: &RawJson) -> String {
    let text = value.as_str();
    match text.char_indices().nth(EXCERPT_CHARS_MAX) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Parses a string. Also returns the error for a string that a further check of the caller rejects.
///
/// # Errors
/// Returns that error where the value is not a string.
pub fn text(value: &RawJson, field: &str, what: &str) -> Result<(String, Error), Error> {
    let error =
        invalid_member(field, format!("`{field}` is {what}, and `{}` is none", excerpt(value)));
    match value.value() {
        Value::String(text) => Ok((text, error)),
        _ => Err(error),
    }
}

/// Checks that an optional value is a JSON object.
///
/// # Errors
/// Returns an error where the value is not an object.
pub fn object(value: Option<RawJson>, field: &str) -> Result<Option<RawJson>, Error> {
    match value {
        Some(value) if !value.value().is_object() => {
            let message = format!("`{field}` is a JSON object, and `{}` is none", excerpt(&value));
            Err(invalid_member(field, message))
        }
        value => Ok(value),
    }
}

/// Parses an optional whole number within `bounds`.
///
/// # Errors
/// Returns an error, which names the bounds, where the value is not a whole number within them.
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
        let found = excerpt(&value);
        invalid_member(
            field,
            format!("`{field}` is a whole number from {least} to {most}, and `{found}` is none"),
        )
    })
}

/// Parses a time (RFC 3339).
///
/// # Errors
/// Returns an error where the value is not a time.
pub fn time(value: &RawJson, field: &str) -> Result<Timestamp, Error> {
    let (time, error) = text(value, field, "a time such as 2026-01-31T09:30:00Z")?;
    time.parse().map_err(|_| error)
}

/// Parses a boolean, `true` or `false`.
///
/// # Errors
/// Returns an error where the value is not a boolean.
pub fn boolean(value: &RawJson, field: &str) -> Result<bool, Error> {
    value.value().as_bool().ok_or_else(|| {
        invalid_member(
            field,
            format!("`{field}` is true or false, and `{}` is neither", excerpt(value)),
        )
    })
}
