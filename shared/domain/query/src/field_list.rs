//! Sorts and projections as query parameters: `name,-version`, or a JSON object.

use serde_json::{Map, Value};

use crate::error::{QueryError, QueryErrorKind, excerpt};
use crate::location::Location;

/// Parses `name,-version` as `{"name": 1, "version": <minus>}`, and a text that starts with `{` as
/// JSON. An empty text is `{}`.
pub(crate) fn parse(subject: &'static str, text: &str, minus: i8) -> Result<Value, QueryError> {
    let text = text.trim();
    if text.starts_with('{') {
        return serde_json::from_str(text).map_err(|error| {
            Location::Root.error(QueryErrorKind::NotJson { subject, message: error.to_string() })
        });
    }
    let mut fields = Map::new();
    if text.is_empty() {
        return Ok(Value::Object(fields));
    }
    for item in text.split(',').map(str::trim) {
        let (field, flag) = item.strip_prefix('-').map_or((item, 1), |field| (field, minus));
        // `name:desc`, `name desc` and `+name` are forms of other products. Taken as names, they
        // would silently match nothing. A field of such a name can still be given in JSON.
        let wrong = if field.is_empty() {
            Some("names no field")
        } else if field.starts_with(['+', '-'])
            || field.contains(|c: char| c == ':' || c.is_whitespace())
        {
            Some("is not a field's name with at most a `-` before it")
        } else {
            None
        };
        if let Some(wrong) = wrong {
            let reason = format!("{wrong}; write {subject} as `name,-version`");
            return Err(Location::Root.error(QueryErrorKind::Path { path: excerpt(item), reason }));
        }
        if fields.insert(field.to_owned(), Value::from(flag)).is_some() {
            let (first, second) = (excerpt(field), excerpt(item));
            return Err(Location::Root.error(QueryErrorKind::Conflict { first, second }));
        }
    }
    Ok(Value::Object(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_form_takes_names_and_a_minus_and_nothing_else() {
        for text in ["name:desc", "name desc", "+name", "-+name", "--name", "- name", "a,b:-1"] {
            let error = parse("a sort", text, -1).map_err(|error| error.to_string());
            assert!(
                error.as_ref().is_err_and(|e| e.contains("`name,-version`")),
                "{text}: {error:?}"
            );
        }
        for (text, want) in [
            ("name, -version", r#"{"name":1,"version":-1}"#),
            (" name", r#"{"name":1}"#),
            ("metadata.a-b,-x_1", r#"{"metadata.a-b":1,"x_1":-1}"#),
            (r#"{"name:desc": 1, "a b": -1}"#, r#"{"name:desc":1,"a b":-1}"#),
        ] {
            assert_eq!(parse("a sort", text, -1).unwrap().to_string(), want, "{text}");
        }
    }
}
