//! Parses the event of API Gateway into a request.
//!
//! HTTP APIs send payload 2.0, REST APIs 1.0 (API Gateway Developer Guide, "Create AWS Lambda proxy
//! integrations"). An HTTP API decodes a path before it matches it, so its parameters arrive
//! decoded; a REST API hands them on as they came.

use std::collections::HashMap;

use aws_lambda_events::apigw::{ApiGatewayProxyRequest, ApiGatewayV2httpRequest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Method};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use writ_edge::path::{Path, decoded, query};
use writ_model::Error;

/// The request in an event, before it is matched with the function's route.
#[derive(Debug)]
pub(crate) struct ProxyRequest {
    pub(crate) method: Method,
    /// Values of the route's `{name}` segments, decoded.
    pub(crate) params: HashMap<String, String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The context from the authorizer; empty without an authorizer.
    pub(crate) authorizer: HashMap<String, Value>,
}

/// The members that tell the two formats apart.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EventFormat<'e> {
    #[serde(borrow)]
    http_method: Option<&'e RawValue>,
    request_context: Option<Context<'e>>,
}

#[derive(Deserialize)]
struct Context<'e> {
    #[serde(borrow)]
    http: Option<&'e RawValue>,
}

impl ProxyRequest {
    /// Parses an event of either format.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::InvalidRequest`]: the event is no HTTP event, its base64 is
    /// invalid, or its query string cannot be decoded.
    pub(crate) fn parse(event: &str) -> Result<Self, Error> {
        let not_http = |detail: &str| {
            let message = "this function answers HTTP requests of Amazon API Gateway (payload 2.0 or \
                           1.0); the event is none";
            Error::invalid(format!("{message}: {detail}")).at("the event")
        };
        let format: EventFormat<'_> =
            serde_json::from_str(event).map_err(|error| not_http(&error.to_string()))?;
        if format.request_context.as_ref().is_some_and(|context| context.http.is_some()) {
            let event =
                serde_json::from_str(event).map_err(|error| not_http(&error.to_string()))?;
            Self::of_http_api(event)
        } else if format.http_method.is_some() && format.request_context.is_some() {
            let event =
                serde_json::from_str(event).map_err(|error| not_http(&error.to_string()))?;
            Self::of_rest_api(event)
        } else {
            Err(not_http("it has neither `requestContext.http` nor `httpMethod`"))
        }
    }

    fn of_http_api(event: ApiGatewayV2httpRequest) -> Result<Self, Error> {
        let context = event.request_context;
        Ok(Self {
            method: context.http.method,
            params: event.path_parameters,
            query: query(event.raw_query_string.as_deref().unwrap_or_default())?,
            headers: event.headers,
            body: body(event.body, event.is_base64_encoded)?,
            authorizer: context.authorizer.map(|authorizer| authorizer.fields).unwrap_or_default(),
        })
    }

    fn of_rest_api(event: ApiGatewayProxyRequest) -> Result<Self, Error> {
        let params = event.path_parameters.into_iter();
        let params = params.map(|(name, value)| Ok((name, decoded(&value, "path")?)));
        let pairs = if event.multi_value_query_string_parameters.is_empty() {
            event.query_string_parameters
        } else {
            event.multi_value_query_string_parameters
        };
        // The multi-valued headers hold all headers; some emulators send only the single-valued
        // ones.
        let headers = if event.multi_value_headers.is_empty() {
            event.headers
        } else {
            event.multi_value_headers
        };
        Ok(Self {
            method: event.http_method,
            params: params.collect::<Result<_, Error>>()?,
            query: pairs.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            headers,
            body: body(event.body, event.is_base64_encoded)?,
            authorizer: event.request_context.authorizer.fields,
        })
    }

    /// Returns the values of the route's `{name}` segments in the order of its template, and the
    /// canonical path, without the name of a stage.
    ///
    /// # Errors
    /// The event has no value for a segment: it is of another route.
    pub(crate) fn match_template(
        &mut self,
        template: &str,
    ) -> Result<(Vec<(String, String)>, String), Error> {
        let mut params = Vec::new();
        let mut segments = Vec::new();
        for segment in template.trim_start_matches('/').split('/') {
            let name = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            let Some(name) = name else {
                segments.push(segment.to_owned());
                continue;
            };
            let Some(value) = self.params.remove(name) else {
                let message = format!("the event has no path parameter `{name}` of `{template}`");
                return Err(Error::invalid(message).at("the event's `pathParameters`"));
            };
            segments.push(value.clone());
            params.push((name.to_owned(), value));
        }
        Ok((params, Path::of(segments).canonical()))
    }
}

fn body(body: Option<String>, is_base64: bool) -> Result<Bytes, Error> {
    let text = body.unwrap_or_default();
    if !is_base64 {
        return Ok(Bytes::from(text));
    }
    STANDARD.decode(text).map(Bytes::from).map_err(|error| {
        Error::invalid(format!("the event says that its body is base64, and it is not: {error}"))
            .at("the event's `body`")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use writ_model::ErrorKind;

    use super::*;

    fn http_api() -> Value {
        json!({
            "version": "2.0",
            "routeKey": "GET /policy/{uri}/revisions/{revision}",
            "rawPath": "/policy/a:1-b/revisions/2",
            "rawQueryString": "limit=5&sort=%7B%22name%22%3A+1%7D",
            "headers": {"Content-TYPE": "application/json", "X-Odd": "é"},
            "requestContext": {
                "http": {"method": "GET", "path": "/policy/a:1-b/revisions/2"},
                "stage": "$default", "timeEpoch": 1_790_000_000_000_u64,
                "authorizer": {"lambda": {"decision": "allow"}},
            },
            "pathParameters": {"uri": "a:1-b", "revision": "2"},
            "isBase64Encoded": false,
        })
    }

    fn rest_api() -> Value {
        json!({
            "resource": "/policy/{uri}", "path": "/policy/a:1-b", "httpMethod": "PUT",
            "headers": {"content-type": "application/json"},
            "multiValueHeaders": {"content-type": ["application/json"]},
            "queryStringParameters": {"a": "2"},
            "multiValueQueryStringParameters": {"a": ["1", "2"]},
            "pathParameters": {"uri": "a%3A1-b"},
            "requestContext": {
                "httpMethod": "PUT", "path": "/prod/policy/a%3A1-b", "stage": "prod",
                "requestTimeEpoch": 1_790_000_000_000_u64, "identity": {},
                "authorizer": {"decision": "deny", "principalId": "x"},
            },
            "body": "eyJ4IjogMX0=", "isBase64Encoded": true,
        })
    }

    fn parse(event: &Value) -> Result<ProxyRequest, Error> {
        ProxyRequest::parse(&event.to_string())
    }

    #[test]
    fn an_http_apis_event_is_a_request() {
        let mut request = parse(&http_api()).unwrap();
        assert_eq!(request.method, Method::GET);
        assert_eq!(request.headers["content-type"], "application/json");
        assert_eq!(
            request.query,
            [("limit".to_owned(), "5".to_owned()), ("sort".to_owned(), "{\"name\": 1}".to_owned())]
        );
        assert_eq!(request.authorizer["decision"], "allow");
        let (params, path) = request.match_template("/policy/{uri}/revisions/{revision}").unwrap();
        assert_eq!(path, "/policy/a:1-b/revisions/2");
        assert_eq!(params[0], ("uri".to_owned(), "a:1-b".to_owned()));
        assert_eq!(params[1], ("revision".to_owned(), "2".to_owned()));
    }

    #[test]
    fn a_rest_apis_event_is_a_request() {
        let mut request = parse(&rest_api()).unwrap();
        assert_eq!((request.method.as_str(), &request.body[..]), ("PUT", &b"{\"x\": 1}"[..]));
        assert_eq!(request.headers.get_all("content-type").iter().count(), 1);
        assert_eq!(request.query.len(), 2);
        assert_eq!(request.authorizer["decision"], "deny");
        assert_eq!(request.match_template("/policy/{uri}").unwrap().1, "/policy/a:1-b");
    }

    #[test]
    fn a_slash_in_a_segment_stays_in_it() {
        let mut event = rest_api();
        event["pathParameters"]["uri"] = json!("a%2Fb");
        assert_eq!(
            parse(&event).unwrap().match_template("/policy/{uri}").unwrap().1,
            "/policy/a%2Fb"
        );
        // An HTTP API decodes before it matches, so the value is literal.
        let mut event = http_api();
        event["pathParameters"] = json!({"uri": "a%2Fb"});
        assert_eq!(
            parse(&event).unwrap().match_template("/policy/{uri}").unwrap().1,
            "/policy/a%252Fb"
        );
    }

    #[test]
    fn what_is_no_http_event_is_refused_with_a_sentence() {
        let mut no_base64 = rest_api();
        no_base64["body"] = json!("%%%");
        let mut no_query = http_api();
        no_query["rawQueryString"] = json!("a=%f");
        for event in [
            json!({}),
            json!([]),
            json!("text"),
            json!(null),
            json!({"Records": [{"eventSource": "aws:sqs"}]}),
            json!({"requestContext": {"http": {"method": "G E T"}}}),
            json!({"requestContext": {"http": 7}}),
            json!({"httpMethod": "GET"}),
            no_base64,
            no_query,
        ] {
            let error = parse(&event).unwrap_err();
            assert_eq!(error.kind, ErrorKind::InvalidRequest, "{event}");
            assert!(error.location.is_some(), "{error:?}");
        }
    }

    #[test]
    fn an_event_of_another_route_is_refused() {
        let error = parse(&http_api()).unwrap().match_template("/executions/{id}").unwrap_err();
        assert!(error.message.contains("`id`"), "{}", error.message);
    }
}
