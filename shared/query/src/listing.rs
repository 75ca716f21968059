//! Sorts and projections as text in a URL: `name,-version`, or the JSON object itself.

use serde_json::{Map, Value};

use crate::error::{Fault, QueryError, echo};
use crate::place::Place;

/// Reads `name,-version` as `{"name": 1, "version": <minus>}`, and a text that starts with `{` as
/// JSON. Nothing at all is `{}`.
pub(crate) fn to_object(subject: &'static str, text: &str, minus: i8) -> Result<Value, QueryError> {
    let text = text.trim();
    if text.starts_with('{') {
        return serde_json::from_str(text).map_err(|error| {
            Place::Root.error(Fault::NotJson { subject, message: error.to_string() })
        });
    }
    let mut fields = Map::new();
    if text.is_empty() {
        return Ok(Value::Object(fields));
    }
    for item in text.split(',').map(str::trim) {
        let (field, flag) = item.strip_prefix('-').map_or((item, 1), |field| (field, minus));
        if field.is_empty() {
            let reason = format!("names no field; write {subject} as `name,-version`");
            return Err(Place::Root.error(Fault::Path { path: echo(item), reason }));
        }
        if fields.insert(field.to_owned(), Value::from(flag)).is_some() {
            let (first, second) = (echo(field), echo(item));
            return Err(Place::Root.error(Fault::Conflict { first, second }));
        }
    }
    Ok(Value::Object(fields))
}
