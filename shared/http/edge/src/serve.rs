//! The way of a request through the boundary, the same on every host.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Instant;

use http::{HeaderName, Method, header};
use tracing::Instrument as _;
use tracing::field::Empty;
use writ_model::{Error, ErrorKind};

use crate::idempotency::{IdempotencyPorts, KeyClaim};
use crate::panic::catch_panic;
use crate::{Reply, Request, Route};

/// A request's body holds at most this many bytes: the largest policy (2 MiB) with every
/// character escaped once, and below the 6 MB that a Lambda can take.
pub const REQUEST_BYTES_MAX: usize = 4 << 20;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Answers a request that was authenticated, authorised and matched to `route`. Never panics.
///
/// Whatever happens is a reply: refusals of the boundary, errors and panics of the handler
/// are problem documents. The host adds the headers that every reply has, by
/// [`Reply::with_common_headers`], to this reply and to those that it makes itself.
///
/// Once `deadline` is ready the handler is dropped and the reply is [`out_of_time`]; what is left
/// to do then is to keep that reply for the request's key. No caller may drop this future early,
/// or a key stays claimed by a request that is gone.
pub async fn serve<P: IdempotencyPorts>(
    ports: &P,
    route: &Route<P>,
    request: Request,
    deadline: impl Future<Output = ()> + Send,
) -> Reply {
    let request_id = request.request_id.clone();
    let span = tracing::info_span!(
        "request",
        request_id,
        trace_id = request.trace_id(),
        workspace = %request.caller.identity.workspace,
        route = route.spec.name,
        status = Empty,
    );
    let started = Instant::now();
    let served = async {
        let reply = match answer(ports, route, request, pin!(deadline)).await {
            Ok(reply) => reply,
            Err(error) => Reply::problem(&error, &request_id, None),
        };
        tracing::Span::current().record("status", reply.status.as_u16());
        tracing::info!(elapsed_us = started.elapsed().as_micros(), "served");
        reply
    };
    served.instrument(span).await
}

async fn answer<P: IdempotencyPorts>(
    ports: &P,
    route: &Route<P>,
    mut request: Request,
    mut deadline: Pin<&mut (impl Future<Output = ()> + Send)>,
) -> Result<Reply, Error> {
    if request.body.len() > REQUEST_BYTES_MAX {
        return Err(too_large());
    }
    require_json(&request)?;
    request.refuse_unknown_parameters(route.spec.params)?;
    if !route.spec.is_idempotent_by_key() {
        return Ok(call_handler(ports, route, request, deadline).await);
    }
    let claim = with_deadline(deadline.as_mut(), KeyClaim::of(ports, &request)).await;
    match claim.ok_or_else(out_of_time)?? {
        KeyClaim::NoKey => Ok(call_handler(ports, route, request, deadline).await),
        KeyClaim::Replayed(reply) => Ok(reply),
        KeyClaim::Acquired(key) => {
            let request_id = request.request_id.clone();
            request.derived_id = Some(key.derived_id(&route.spec));
            let reply = call_handler(ports, route, request, deadline).await;
            key.settle(ports, &reply, &request_id).await;
            Ok(reply)
        }
    }
}

async fn call_handler<P>(
    ports: &P,
    route: &Route<P>,
    request: Request,
    deadline: Pin<&mut (impl Future<Output = ()> + Send)>,
) -> Reply {
    let request_id = request.request_id.clone();
    let handling = catch_panic(async { (route.handle)(ports, request).await });
    let error = match with_deadline(deadline, handling).await {
        Some(Ok(Ok(reply))) => return reply,
        Some(Ok(Err(error))) => error,
        Some(Err(panic)) => {
            Error::internal(format!("the handler of `{}` panicked: {panic}", route.spec.name))
        }
        None => out_of_time(),
    };
    Reply::problem(&error, &request_id, None)
}

/// What comes of `work`; nothing if the deadline is ready first.
async fn with_deadline<T>(
    mut deadline: Pin<&mut impl Future<Output = ()>>,
    work: impl Future<Output = T>,
) -> Option<T> {
    let mut work = pin!(work);
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => deadline.as_mut().poll(context).map(|()| None),
    })
    .await
}

/// The end of a request that ran longer than a caller waits.
#[must_use]
pub fn out_of_time() -> Error {
    let message = "the request was not answered in time and was stopped; what it had written stays \
                   written; send it again with the same `Idempotency-Key`, if it had one, to get \
                   what it made";
    Error::new(ErrorKind::TimedOut, message)
}

/// The refusal of a body over [`REQUEST_BYTES_MAX`]; a host that stops reading early answers it too.
#[must_use]
pub fn too_large() -> Error {
    let message =
        format!("a request's body holds at most {REQUEST_BYTES_MAX} bytes; this one has more");
    Error::new(ErrorKind::TooLarge, message)
}

/// A web page of another origin can make a browser send a form or plain text without asking,
/// never JSON: strictness here keeps such pages away from a server that trusts its own machine.
fn require_json(request: &Request) -> Result<(), Error> {
    if request.method == Method::GET || request.method == Method::HEAD {
        return Ok(());
    }
    let refuse = |what: String, location: &str| {
        let message = format!("{what}; send it with the header `Content-Type: application/json`");
        Err(Error::new(ErrorKind::UnsupportedMediaType, message).at(location))
    };
    if let Some(encoding) = request.headers.get(header::CONTENT_ENCODING)
        && encoding != "identity"
    {
        return refuse(
            "the body is compressed, which is not read here".to_owned(),
            "header `Content-Encoding`",
        );
    }
    match request.headers.get(header::CONTENT_TYPE) {
        None if request.body.is_empty() => Ok(()),
        None => refuse("the body is not declared as JSON".to_owned(), "header `Content-Type`"),
        Some(value) if is_json(value.as_bytes()) => Ok(()),
        Some(value) => {
            let declared: String =
                String::from_utf8_lossy(value.as_bytes()).chars().take(80).collect();
            refuse(format!("the body is declared as `{declared}`"), "header `Content-Type`")
        }
    }
}

/// `application/json`, in UTF-8 where it says a charset.
fn is_json(value: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(value) else { return false };
    let text = text.to_ascii_lowercase();
    let mut parts = text.split(';').map(str::trim);
    parts.next() == Some("application/json")
        && parts
            .all(|part| part.is_empty() || matches!(part, "charset=utf-8" | "charset=\"utf-8\""))
}

impl Reply {
    /// The same reply with the headers that every reply carries. [`serve`] has done it already;
    /// a host does it to the replies that it makes itself.
    #[must_use]
    pub fn with_common_headers(mut self, request_id: &str) -> Self {
        let mut add = |name: HeaderName, value: &str| {
            if !self.headers.iter().any(|(known, _)| *known == name) {
                self.headers.push((name, value.to_owned()));
            }
        };
        add(REQUEST_ID, request_id);
        add(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        add(header::CACHE_CONTROL, "no-store");
        self
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, StatusCode};
    use serde_json::Value;

    use writ_testing::MemoryPlatform;

    use super::*;
    use crate::Param;
    use crate::request::fixture;
    use crate::route::fixture::{route, serve};

    async fn status(request: Request) -> StatusCode {
        let echo = route(Method::POST, |_, request| {
            Box::pin(async move { Ok(Reply::data(&request.body.len().to_string())) })
        });
        serve(&MemoryPlatform::default(), &echo, request).await.status
    }

    #[tokio::test]
    async fn a_body_is_json_or_refused() {
        for (declared, body, want) in [
            (Some("application/json"), "{}", 200),
            (Some("Application/JSON; charset=UTF-8"), "{}", 200),
            (Some("application/json;charset=\"utf-8\""), "{}", 200),
            (None, "", 200),
            (None, "{}", 415),
            (Some("text/plain"), "{}", 415),
            (Some("text/plain"), "", 415),
            (Some("application/x-www-form-urlencoded"), "{}", 415),
            (Some("application/json; charset=utf-16"), "{}", 415),
            (Some("application/jsonp"), "{}", 415),
            (Some("multipart/form-data; application/json"), "{}", 415),
        ] {
            let mut request = fixture();
            request.method = Method::POST;
            request.body = body.into();
            if let Some(declared) = declared {
                request.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(declared));
            }
            assert_eq!(status(request).await, want, "{declared:?} {body:?}");
        }
    }

    #[tokio::test]
    async fn a_compressed_body_and_a_large_one_are_refused() {
        let mut request = fixture();
        request.method = Method::POST;
        request.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.body = vec![b' '; REQUEST_BYTES_MAX].into();
        assert_eq!(status(request.clone()).await, 200);
        request.body = vec![b' '; REQUEST_BYTES_MAX + 1].into();
        assert_eq!(status(request.clone()).await, 413);
        request.body = "{}".into();
        request.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        assert_eq!(status(request).await, 415);
    }

    #[tokio::test]
    async fn a_query_parameter_is_one_of_the_routes_and_there_once() {
        const PARAMS: &[Param] = &[
            Param { name: "If-Match", description: "a header" },
            Param { name: "limit", description: "a query parameter" },
            Param { name: "sort", description: "another one" },
        ];
        for (params, query, want) in [
            (PARAMS, &[][..], None),
            (PARAMS, &["sort", "limit"], None),
            (PARAMS, &["limit", "limt"], Some(("limt", "known here: `limit`, `sort`"))),
            (PARAMS, &["If-Match"], Some(("If-Match", "known here: `limit`, `sort`"))),
            (PARAMS, &["sort", "sort"], Some(("sort", "twice"))),
            (&[], &["limit"], Some(("limit", "known here: none"))),
        ] {
            let mut route = route(Method::GET, |_, _| Box::pin(async { Ok(Reply::data("1")) }));
            route.spec.params = params;
            let mut request = fixture();
            request.query = query.iter().map(|name| ((*name).to_owned(), "1".to_owned())).collect();
            let reply = serve(&MemoryPlatform::default(), &route, request).await;
            let Some((name, detail)) = want else {
                assert_eq!(reply.status, 200, "{query:?} {}", reply.body);
                continue;
            };
            assert_eq!(reply.status, 400, "{query:?}");
            let body: Value = serde_json::from_str(&reply.body).unwrap();
            assert_eq!(body["place"], format!("query parameter `{name}`"));
            assert!(body["detail"].as_str().unwrap().contains(detail), "{}", reply.body);
        }
    }

    #[tokio::test]
    async fn errors_and_panics_are_problems_with_the_requests_id() {
        let failing =
            route(Method::GET, |_, _| Box::pin(async { Err(Error::not_found("no such thing")) }));
        let panicking =
            route(Method::GET, |_, _| Box::pin(async { panic!("secret of the handler") }));
        let early = route(Method::GET, |_, _| panic!("before the first await"));
        for (route, want) in [(failing, 404), (panicking, 500), (early, 500)] {
            let reply = serve(&MemoryPlatform::default(), &route, fixture()).await;
            let body: Value = serde_json::from_str(&reply.body).unwrap();
            assert_eq!((reply.status.as_u16(), &body["request_id"]), (want, &Value::from("r1")));
            assert!(!reply.body.contains("secret"), "{}", reply.body);
            assert!(reply.headers.contains(&(REQUEST_ID, "r1".to_owned())));
        }
    }

    #[tokio::test]
    async fn a_handler_that_hangs_is_stopped_at_the_deadline_and_one_that_is_done_is_not() {
        for (route, want) in [
            (route(Method::GET, |_, _| Box::pin(std::future::pending())), 504),
            (route(Method::GET, |_, _| Box::pin(async { Ok(Reply::data("1")) })), 200),
        ] {
            let deadline = std::future::ready(());
            let reply = crate::serve(&MemoryPlatform::default(), &route, fixture(), deadline).await;
            assert_eq!(reply.status, want, "{}", reply.body);
        }
    }

    #[test]
    fn common_headers_leave_what_a_reply_says_itself() {
        let reply = Reply::data("1").header(header::CACHE_CONTROL, "max-age=5".to_owned());
        let reply = reply.with_common_headers("r1").with_common_headers("r2");
        let headers: Vec<_> =
            reply.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(
            headers,
            [
                ("cache-control", "max-age=5"),
                ("x-request-id", "r1"),
                ("x-content-type-options", "nosniff")
            ]
        );
    }
}
