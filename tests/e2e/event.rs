//! Conversion of requests to events of API Gateway's HTTP API, and of functions' replies to responses
//! (payload format 2.0,
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>).

use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hyper::HeaderMap;
use hyper::http::request::Parts;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use crate::routes::Route;
use writ_tests::server::HttpResponse;

/// A request at the gateway. Its path is percent-decoded as a whole, as by API Gateway, so that
/// `%2F` separates segments.
pub(crate) struct GatewayRequest {
    parts: Parts,
    pub(crate) path: String,
    id: String,
    epoch_ms: u64,
}

impl GatewayRequest {
    pub(crate) fn new(parts: Parts, number: u64) -> Self {
        let path = percent_decode_str(parts.uri.path()).decode_utf8_lossy().into_owned();
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let epoch_ms = since.as_millis().try_into().unwrap_or(u64::MAX);
        Self { parts, path, id: format!("bridge-{number}"), epoch_ms }
    }

    pub(crate) fn method(&self) -> &str {
        self.parts.method.as_str()
    }

    pub(crate) fn authorization(&self) -> Option<String> {
        join_headers(&self.parts.headers).remove("authorization")?.as_str().map(str::to_owned)
    }

    /// The authorizer's event, with the identity sources in their configured order.
    pub(crate) fn to_authorizer(
        &self,
        route: &Route,
        params: &[(String, String)],
        authorization: &str,
    ) -> Value {
        let mut event = self.common_members(route, params);
        let arn = format!(
            "arn:aws:execute-api:us-east-1:000000000000:bridge/$default/{}{}",
            self.method(),
            self.path
        );
        event.insert("type".to_owned(), json!("REQUEST"));
        event.insert("routeArn".to_owned(), json!(arn));
        event.insert("identitySource".to_owned(), json!([authorization, route.key()]));
        Value::Object(event)
    }

    /// The event of the route's function.
    pub(crate) fn to_function(
        &self,
        route: &Route,
        params: &[(String, String)],
        context: &Value,
        body: &[u8],
    ) -> Value {
        let mut event = self.common_members(route, params);
        if let Some(Value::Object(request)) = event.get_mut("requestContext") {
            request.insert("authorizer".to_owned(), json!({"lambda": context}));
        }
        let text = std::str::from_utf8(body).ok().filter(|_| self.is_text());
        event.insert("isBase64Encoded".to_owned(), json!(text.is_none() && !body.is_empty()));
        if !body.is_empty() {
            let body = text.map_or_else(|| BASE64.encode(body), str::to_owned);
            event.insert("body".to_owned(), json!(body));
        }
        Value::Object(event)
    }

    fn common_members(&self, route: &Route, params: &[(String, String)]) -> Map<String, Value> {
        let query = self.parts.uri.query().unwrap_or_default();
        let mut event = Map::from_iter([
            ("version".to_owned(), json!("2.0")),
            ("routeKey".to_owned(), json!(route.key())),
            ("rawPath".to_owned(), json!(self.path)),
            ("rawQueryString".to_owned(), json!(query)),
            ("headers".to_owned(), Value::Object(join_headers(&self.parts.headers))),
        ]);
        if !query.is_empty() {
            event
                .insert("queryStringParameters".to_owned(), Value::Object(query_parameters(query)));
        }
        if !params.is_empty() {
            let params = params.iter().map(|(name, value)| (name.clone(), json!(value)));
            event.insert("pathParameters".to_owned(), Value::Object(params.collect()));
        }
        let context = json!({
            "accountId": "000000000000",
            "apiId": "bridge",
            "domainName": "bridge.execute-api.us-east-1.amazonaws.com",
            "http": {
                "method": self.method(),
                "path": self.path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": "writ-tests",
            },
            "requestId": self.id,
            "routeKey": route.key(),
            "stage": "$default",
            "timeEpoch": self.epoch_ms,
        });
        event.insert("requestContext".to_owned(), context);
        event
    }

    /// Whether a body of this media type stays text; any other is encoded in base64.
    fn is_text(&self) -> bool {
        let Some(value) = self.parts.headers.get("content-type") else { return false };
        let value = value.to_str().unwrap_or_default().to_ascii_lowercase();
        let kind = value.split(';').next().unwrap_or_default().trim();
        kind.starts_with("text/")
            || kind.ends_with("+json")
            || kind.ends_with("+xml")
            || ["application/json", "application/javascript", "application/xml"].contains(&kind)
    }
}

/// Header names in lower case; the values of one name are joined by commas.
fn join_headers(headers: &HeaderMap) -> Map<String, Value> {
    let mut joined = Map::new();
    for name in headers.keys() {
        let values: Vec<_> = headers
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()))
            .collect();
        joined.insert(name.to_string(), json!(values.join(",")));
    }
    joined
}

fn query_parameters(query: &str) -> Map<String, Value> {
    let decoded =
        |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let mut parameters: Map<String, Value> = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let value = match parameters.get(&decoded(name)).and_then(Value::as_str) {
            Some(earlier) => format!("{earlier},{}", decoded(value)),
            None => decoded(value),
        };
        parameters.insert(decoded(name), json!(value));
    }
    parameters
}

/// The response for a function's reply; `None` for a reply that API Gateway does not accept.
pub(crate) fn response(reply: &Value) -> Option<HttpResponse> {
    let status = reply.get("statusCode")?.as_u64()?.try_into().ok()?;
    let body = reply.get("body").and_then(Value::as_str).unwrap_or_default();
    let body = if reply.get("isBase64Encoded") == Some(&Value::Bool(true)) {
        String::from_utf8(BASE64.decode(body).ok()?).ok()?
    } else {
        body.to_owned()
    };
    let mut headers = Vec::new();
    for (name, value) in reply.get("headers").and_then(Value::as_object).into_iter().flatten() {
        headers.push((name.to_lowercase(), value.as_str()?.to_owned()));
    }
    Some(HttpResponse { status, headers, body })
}
