//! The response of a function, in the form that both payload formats of API Gateway accept.

use std::collections::BTreeMap;

use http::header::CONTENT_TYPE;
use serde::Serialize;
use writ_edge::Reply;

/// A response to API Gateway. The values of a repeated header are joined by commas, as HTTP
/// permits.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProxyResponse {
    status_code: u16,
    headers: BTreeMap<String, String>,
    body: String,
    is_base64_encoded: bool,
}

impl From<Reply> for ProxyResponse {
    fn from(reply: Reply) -> Self {
        let mut headers: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in reply.headers {
            headers
                .entry(name.as_str().to_owned())
                .and_modify(|known| {
                    known.push_str(", ");
                    known.push_str(&value);
                })
                .or_insert(value);
        }
        if !reply.body.is_empty() {
            headers.insert(CONTENT_TYPE.as_str().to_owned(), reply.content_type.to_owned());
        }
        Self {
            status_code: reply.status.as_u16(),
            headers,
            body: reply.body,
            is_base64_encoded: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use http::header::{ETAG, VARY};

    use super::*;

    #[test]
    fn a_reply_keeps_its_status_its_headers_and_its_bytes() {
        let reply =
            Reply::data("{\"é\":1.10}").header(VARY, "a".to_owned()).header(VARY, "b".to_owned());
        let response = serde_json::to_value(ProxyResponse::from(reply)).unwrap();
        assert_eq!(
            response,
            serde_json::json!({
                "statusCode": 200,
                "headers": {"content-type": "application/json", "vary": "a, b"},
                "body": "{\"success\":true,\"data\":{\"é\":1.10}}",
                "isBase64Encoded": false,
            })
        );
    }

    #[test]
    fn a_reply_without_a_body_has_no_type() {
        let response = ProxyResponse::from(Reply::not_modified("\"1\""));
        assert_eq!(response.headers.keys().collect::<Vec<_>>(), [ETAG.as_str()]);
    }
}
