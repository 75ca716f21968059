//! A request as every host hands it to the boundary.

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde::de::DeserializeOwned;
use serde_json::Value;
use writ_model::{DerivedId, Error, Identity, PrincipalKind};

use crate::Param;

/// The caller, and how it was authenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Subject, workspace and role.
    pub identity: Identity,
    /// `local`, `token` or `jwt`.
    pub principal_kind: PrincipalKind,
}

/// The header that [`Request::on_behalf_of`] reads, for the route table.
pub const ON_BEHALF_OF: Param = Param {
    name: "Writ-On-Behalf-Of",
    description: "for whom the caller acts, at most 128 visible characters; recorded",
};

/// One request, authenticated, authorised and matched to its route.
#[derive(Clone, Debug)]
pub struct Request {
    /// The HTTP method of the request.
    pub method: Method,
    /// The path of the URL, percent-decoded.
    pub path: String,
    /// The route's `{name}` segments, percent-decoded.
    pub params: Vec<(String, String)>,
    /// Query parameters, percent-decoded, in order.
    pub query: Vec<(String, String)>,
    /// The headers, with names in lower case.
    pub headers: HeaderMap,
    /// The body as it was sent.
    pub body: Bytes,
    /// The caller, already authenticated.
    pub caller: Caller,
    /// The rule that allows the request, for `whoami`.
    pub rule: String,
    /// Names this request in the log.
    pub request_id: String,
    /// The id that the request's `Idempotency-Key` gives to what the request makes. [`serve`] sets it;
    /// `None` without a key.
    ///
    /// [`serve`]: crate::serve()
    pub derived_id: Option<DerivedId>,
}

impl Request {
    /// A path segment; empty where the route has none of that name.
    #[must_use]
    pub fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// The first value of a query parameter.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A header's text; `None` where it is absent or no visible ASCII.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as text.
    ///
    /// # Errors
    /// An empty body, and bytes that are no UTF-8.
    pub fn text(&self) -> Result<&str, Error> {
        if self.body.is_empty() {
            return Err(Error::invalid("the body is empty; send a JSON object"));
        }
        std::str::from_utf8(&self.body).map_err(|error| {
            Error::invalid(format!("the body is not UTF-8 at byte {}", error.valid_up_to()))
        })
    }

    /// The body as `T`; its JSON-valued members keep their bytes.
    ///
    /// # Errors
    /// As [`Request::json`]; a member that is unknown, missing or of the wrong type.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Error> {
        // The tree bounds the nesting, which raw members would not.
        self.json()?;
        serde_json::from_str(self.text()?).map_err(|error| {
            let location = format!("line {}, column {}", error.line(), error.column());
            Error::invalid(format!("the body is not what this route takes: {error}")).at(location)
        })
    }

    /// The W3C trace id of the `traceparent` header, where there is a valid one.
    #[must_use]
    pub fn trace_id(&self) -> Option<&str> {
        let trace_id = self.header("traceparent")?.split('-').nth(1)?;
        let is_hex = trace_id.len() == 32 && trace_id.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex.then_some(trace_id)
    }

    /// The subject that the caller acts for, as the header [`ON_BEHALF_OF`] states it.
    ///
    /// # Errors
    /// An empty name, a long one, and one that is no visible ASCII.
    pub fn on_behalf_of(&self) -> Result<Option<String>, Error> {
        let Some(value) = self.headers.get(ON_BEHALF_OF.name) else { return Ok(None) };
        let text = value.to_str().ok().filter(|text| !text.is_empty() && text.len() <= 128);
        text.map(|text| Some(text.to_owned())).ok_or_else(|| {
            Error::invalid("for whom the caller acts is said in 1 to 128 visible ASCII characters")
                .at(format!("header `{}`", ON_BEHALF_OF.name))
        })
    }

    /// The body as a JSON value.
    ///
    /// # Errors
    /// As [`Request::text`]; malformed JSON, with line and column.
    pub fn json(&self) -> Result<Value, Error> {
        let text = self.text()?;
        serde_json::from_str(text).map_err(|error| malformed(text, &error))
    }
}

/// How deep the JSON reader goes: serde_json's own bound.
const LEVELS_MAX: usize = 127;

/// Says where JSON is malformed, and the common mistake where it is one.
fn malformed(text: &str, error: &serde_json::Error) -> Error {
    let location = format!("line {}, column {}", error.line(), error.column());
    if error.to_string().starts_with("recursion limit exceeded") {
        let message = format!(
            "the body is nested more than {LEVELS_MAX} levels deep, which is as deep as bodies are read; \
             nest it less"
        );
        return Error::invalid(message).at(location);
    }
    let line: usize =
        text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum();
    let before = text.as_bytes().get(..line + error.column().saturating_sub(1));
    let signal = if before.is_some_and(|text| text.trim_ascii_end().ends_with(b",")) {
        "; a comma may not stand before a closing bracket"
    } else {
        ""
    };
    Error::invalid(format!("the body is not valid JSON: {error}{signal}")).at(location)
}

/// A request that a test changes.
#[cfg(test)]
pub(crate) fn fixture() -> Request {
    Request {
        method: Method::GET,
        path: "/thing".to_owned(),
        params: Vec::new(),
        query: Vec::new(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
        caller: Caller {
            identity: Identity {
                subject: "tester".to_owned(),
                workspace: writ_model::Workspace::default(),
                role: writ_model::Role::Admin,
            },
            principal_kind: PrincipalKind::Token,
        },
        rule: "test".to_owned(),
        request_id: "r1".to_owned(),
        derived_id: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trailing_comma_is_named() {
        let text = "{\n  \"a\": 1,\n}";
        let error = serde_json::from_str::<Value>(text).unwrap_err();
        let error = malformed(text, &error);
        assert_eq!(error.location.as_deref(), Some("line 3, column 1"));
        assert!(error.message.contains("a comma may not stand"), "{}", error.message);
        let text = "{\"a\": NaN}";
        let error = malformed(text, &serde_json::from_str::<Value>(text).unwrap_err());
        assert!(!error.message.contains("a comma"), "{}", error.message);
    }

    #[test]
    fn what_is_valid_and_too_deep_is_not_called_invalid() {
        let nested = |levels: usize| {
            let mut request = fixture();
            request.body = format!("{}{}", "[".repeat(levels), "]".repeat(levels)).into();
            request.json()
        };
        assert!(nested(127).is_ok());
        let error = nested(128).unwrap_err();
        assert!(error.message.contains("nested more than 127 levels deep"), "{}", error.message);
        assert!(!error.message.contains("not valid"), "{}", error.message);
        assert_eq!(error.location.as_deref(), Some("line 1, column 128"));
    }
}
