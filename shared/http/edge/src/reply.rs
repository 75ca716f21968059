//! Replies.

use http::{HeaderName, StatusCode};

/// One reply; [`serve()`](crate::serve()) adds the headers of every reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status code.
    pub status: StatusCode,
    /// Headers beyond those that every reply carries.
    pub headers: Vec<(HeaderName, String)>,
    /// The body's media type.
    pub content_type: &'static str,
    /// The body as text.
    pub body: String,
}

impl Reply {
    /// `{"success": true, "data": <data>}`, where `data` is JSON text already.
    #[must_use]
    pub fn data(data: &str) -> Self {
        Self::data_with(data, &[])
    }

    /// As [`Reply::data`], with further top-level members, their values JSON text already.
    #[must_use]
    pub fn data_with(data: &str, members: &[(&str, &str)]) -> Self {
        let mut body = format!("{{\"success\":true,\"data\":{data}");
        for (name, value) in members {
            body.push_str(&format!(",\"{name}\":{value}"));
        }
        body.push('}');
        Self { status: StatusCode::OK, headers: Vec::new(), content_type: "application/json", body }
    }

    /// The same reply, 201 with its `Location`.
    #[must_use]
    pub fn created(mut self, location: String) -> Self {
        self.status = StatusCode::CREATED;
        self.header(http::header::LOCATION, location)
    }

    /// The same reply with a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// 304: the caller holds this revision already.
    #[must_use]
    pub fn not_modified(etag: &str) -> Self {
        let reply =
            Self { status: StatusCode::NOT_MODIFIED, body: String::new(), ..Self::data("null") };
        reply.header(http::header::ETAG, etag.to_owned())
    }
}
