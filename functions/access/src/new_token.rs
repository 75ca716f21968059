//! The body of `POST /token`.

use serde_json::{Map, Value};
use writ_model::{Error, Role, Workspace};

const FIELDS: [&str; 4] = ["subject", "role", "workspace", "expires_in_seconds"];

/// A token to make.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NewToken {
    /// The subject that the token authenticates.
    pub(crate) subject: String,
    /// The rights that the token gives.
    pub(crate) role: Role,
    /// The workspace; `None` for the caller's own.
    pub(crate) workspace: Option<Workspace>,
    /// Seconds until it expires; `None` for a token that does not.
    pub(crate) expires_in_seconds: Option<u64>,
}

impl NewToken {
    /// Reads the body; `null` is as good as absent.
    ///
    /// # Errors
    /// What is no object; a field that is unknown, missing or of another type, each with its place.
    pub(crate) fn parse(body: Value) -> Result<Self, Error> {
        let Value::Object(body) = body else {
            return Err(Error::invalid(format!("the body is {}; send an object", kind(&body))));
        };
        if let Some(unknown) = body.keys().find(|key| !FIELDS.contains(&key.as_str())) {
            let message =
                format!("`{unknown}` is no field of a token; there are `{}`", FIELDS.join("`, `"));
            return Err(Error::invalid(message).at(pointer(unknown)));
        }
        let required = |name: &str, signal: &str| {
            Error::invalid(format!("`{name}` is missing; {signal}")).at(pointer(name))
        };
        Ok(Self {
            subject: text(&body, "subject")?
                .ok_or_else(|| required("subject", "say who will hold the token"))?,
            role: parse_member(&body, "role")?.ok_or_else(|| {
                required("role", "choose `reader`, `operator`, `author` or `admin`")
            })?,
            workspace: parse_member(&body, "workspace")?,
            expires_in_seconds: seconds(&body, "expires_in_seconds")?,
        })
    }
}

/// A field's value, unless it is absent.
fn field<'a>(body: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    body.get(name).filter(|value| !value.is_null())
}

fn text(body: &Map<String, Value>, name: &str) -> Result<Option<String>, Error> {
    match field(body, name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(type_error(name, other, "a string")),
    }
}

fn parse_member<T: std::str::FromStr<Err = String>>(
    body: &Map<String, Value>,
    name: &str,
) -> Result<Option<T>, Error> {
    let text = text(body, name)?;
    text.map(|text| text.parse())
        .transpose()
        .map_err(|message| Error::invalid(message).at(pointer(name)))
}

fn seconds(body: &Map<String, Value>, name: &str) -> Result<Option<u64>, Error> {
    field(body, name)
        .map(|value| {
            value.as_u64().ok_or_else(|| type_error(name, value, "a whole number of seconds"))
        })
        .transpose()
}

fn type_error(name: &str, value: &Value, wanted: &str) -> Error {
    Error::invalid(format!("`{name}` is {}; it must be {wanted}", kind(value))).at(pointer(name))
}

/// What a value is, in words.
fn kind(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "a boolean".to_owned(),
        Value::Number(number) => format!("the number {number}"),
        Value::String(_) => "a string".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// A member of the body as a JSON Pointer (RFC 6901).
fn pointer(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_body_says_what_it_must_and_may_say_more() {
        let least =
            NewToken::parse(json!({ "subject": "ci", "role": "reader", "workspace": null }))
                .unwrap();
        let (subject, role) = ("ci".to_owned(), Role::Reader);
        assert_eq!(least, NewToken { subject, role, workspace: None, expires_in_seconds: None });
        let most =
            json!({ "subject": "ci", "role": "admin", "workspace": "b", "expires_in_seconds": 60 });
        let most = NewToken::parse(most).unwrap();
        assert_eq!(
            (most.workspace, most.expires_in_seconds),
            (Some("b".parse().unwrap()), Some(60))
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (body, location, message) in [
            (json!([]), None, "the body is an array; send an object"),
            (json!({}), Some("/subject"), "`subject` is missing"),
            (json!({ "subject": "ci" }), Some("/role"), "`role` is missing"),
            (
                json!({ "subject": 1, "role": "reader" }),
                Some("/subject"),
                "`subject` is the number 1",
            ),
            (json!({ "subject": "ci", "role": "boss" }), Some("/role"), "`boss` is no role"),
            (json!({ "subject": "ci", "role": "Admin" }), Some("/role"), "`Admin` is no role"),
            (
                json!({ "subject": "ci", "role": "reader", "workspace": "A#" }),
                Some("/workspace"),
                "`A#` is no workspace",
            ),
            (
                json!({ "subject": "ci", "role": "reader", "expires_in_seconds": "60" }),
                Some("/expires_in_seconds"),
                "is a string",
            ),
            (
                json!({ "subject": "ci", "role": "reader", "expires_in_seconds": -1 }),
                Some("/expires_in_seconds"),
                "the number -1",
            ),
            (
                json!({ "subject": "ci", "role": "reader", "expires_in_seconds": 1.5 }),
                Some("/expires_in_seconds"),
                "the number 1.5",
            ),
            (
                json!({ "subject": "ci", "role": "reader", "a/b": 1 }),
                Some("/a~1b"),
                "`a/b` is no field of a token",
            ),
        ] {
            let error = NewToken::parse(body.clone()).unwrap_err();
            assert_eq!(error.location.as_deref(), location, "{body}");
            assert!(error.message.contains(message), "{body}: {error}");
        }
    }
}
