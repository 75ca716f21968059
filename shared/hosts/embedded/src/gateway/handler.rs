//! Handles one HTTP request, from its arrival to its response.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout_at};
use uuid::Uuid;
use writ_edge::path::{self, Path};
use writ_edge::{Reply, Request, Route, out_of_time};
use writ_model::{Error, ErrorKind};
use writ_ports::{Clock, CountSignals, EngineMetrics, Idempotency};

use super::body::{BodyError, linger, may_be_large, read_body};
use super::bounds::{LARGE_BODY_BYTES, LARGE_BODY_NICENESS, SETTLE_TIME};
use super::connection::Connection;
use super::origin_guard::OriginGuard;
use super::request_limits::{RequestLimits, RequestPermit};
use super::router::{HEALTH_PATH, OWN_PATHS, RouteMatch};
use super::{AccessControl, Gateway, Peer, metrics};

const NO_CONNECTION_LEFT: &str =
    "the server has as many connections as it can serve; send this request again later";

/// The gateway and what it shares between requests.
pub(super) struct RequestHandler<P, A> {
    pub(super) gateway: Gateway<P, A>,
    pub(super) origin_guard: OriginGuard,
    pub(super) limits: RequestLimits,
    /// Held by every running request; see [`Gateway::serve`].
    pub(super) working: mpsc::Sender<Infallible>,
}

/// A request before its route is found.
struct IncomingRequest {
    parts: Parts,
    path: String,
    request_id: String,
    until: Instant,
}

impl<P: Idempotency + Clock + EngineMetrics + CountSignals + 'static, A: AccessControl>
    RequestHandler<P, A>
{
    pub(super) async fn handle(
        self: Arc<Self>,
        request: http::Request<Incoming>,
        connection: &Connection,
    ) -> Response<Full<Bytes>> {
        connection.state.begin();
        let (mut parts, body) = request.into_parts();
        let is_head = parts.method == Method::HEAD;
        if is_head {
            parts.method = Method::GET;
        }
        let request_id = Uuid::now_v7().to_string();
        let until = Instant::now() + self.gateway.bounds.deadline;
        let reply = match Path::parse(parts.uri.path()) {
            Ok(path) => {
                let incoming = IncomingRequest {
                    parts,
                    path: path.canonical(),
                    request_id: request_id.clone(),
                    until,
                };
                self.respond(incoming, body, connection).await
            }
            Err(error) => {
                linger(&parts.headers, body);
                Reply::problem(&error, &request_id, None)
            }
        };
        connection.state.end();
        http_response(reply.with_common_headers(&request_id), is_head)
    }

    async fn respond(
        &self,
        incoming: IncomingRequest,
        body: Incoming,
        connection: &Connection,
    ) -> Reply {
        let is_own = OWN_PATHS.contains(&incoming.path.as_str());
        let is_page = matches!(incoming.path.as_str(), "/" | "/docs");
        let refused = match self.origin_guard.check(&incoming.parts, is_page, &incoming.request_id)
        {
            Ok(()) if connection.is_reserve && incoming.path != HEALTH_PATH => {
                no_connection_left(&incoming.request_id)
            }
            Ok(()) if is_own => self.own_page(&incoming, &connection.peer).await,
            Ok(()) => match self.gateway.router.find(&incoming.parts.method, &incoming.path) {
                RouteMatch::Route(route, params) => {
                    return self.call_route(route, params, incoming, body, connection).await;
                }
                RouteMatch::MethodNotAllowed(methods) => method_not_allowed(&methods, &incoming),
                RouteMatch::NotFound(similar) => route_not_found(&similar, &incoming),
            },
            Err(refused) => refused,
        };
        linger(&incoming.parts.headers, body);
        refused
    }

    /// Serves the gateway's own pages, which are not in the route table.
    async fn own_page(&self, incoming: &IncomingRequest, peer: &Peer) -> Reply {
        if incoming.parts.method != Method::GET {
            return method_not_allowed(&[Method::GET], incoming);
        }
        match incoming.path.as_str() {
            "/docs" => Reply::docs_page(),
            "/openapi.json" => Reply { body: self.gateway.openapi.clone(), ..Reply::data("null") },
            HEALTH_PATH => Reply::data("{\"status\":\"ok\"}"),
            "/metrics" => self.metrics_page(incoming, peer).await,
            _ => Reply { status: StatusCode::FOUND, body: String::new(), ..Reply::data("null") }
                .header(header::LOCATION, "/docs".to_owned()),
        }
    }

    /// The metrics, for every caller that can be authenticated.
    async fn metrics_page(&self, incoming: &IncomingRequest, peer: &Peer) -> Reply {
        let caller = self.gateway.access.authenticate(&incoming.parts.headers, peer);
        match timeout_at(incoming.until, caller).await.unwrap_or_else(|_| Err(out_of_time())) {
            Ok(_) => {
                let ports = &self.gateway.ports;
                metrics::page(ports.engine_use(), ports.backlog())
            }
            Err(error) => Reply::problem(&error, &incoming.request_id, None),
        }
    }

    async fn call_route(
        &self,
        route: Arc<Route<P>>,
        params: Vec<(String, String)>,
        incoming: IncomingRequest,
        body: Incoming,
        connection: &Connection,
    ) -> Reply {
        let IncomingRequest { parts, path, request_id, until } = incoming;
        // Before the body is read, so that a refused caller costs no memory.
        let authorized = async {
            let mut query = path::query(parts.uri.query().unwrap_or_default())?;
            let access = &self.gateway.access;
            let caller = access.authenticate(&parts.headers, &connection.peer).await?;
            let rule = access.authorize(&caller, &route.spec)?;
            let workspace = &caller.identity.workspace;
            if !connection.state.authenticate(self.limits.connection(workspace)?) {
                return Err(Error::new(ErrorKind::Unavailable, NO_CONNECTION_LEFT));
            }
            let permit = self.limits.acquire(&route.spec, workspace, &mut query, until).await?;
            let large = match may_be_large(&parts.headers) {
                true => Some(self.limits.large_body(workspace, until).await?),
                false => None,
            };
            Ok((query, caller, rule, (permit, large)))
        };
        let (query, caller, rule, permits) =
            match timeout_at(until, authorized).await.unwrap_or_else(|_| Err(out_of_time())) {
                Ok(authorized) => authorized,
                Err(error) => {
                    linger(&parts.headers, body);
                    return Reply::problem(&error, &request_id, None);
                }
            };
        let body = match read_body(
            &parts.headers,
            body,
            until.min(Instant::now() + self.gateway.bounds.body),
        )
        .await
        {
            Ok(body) => body,
            Err(BodyError::Invalid(error)) => return Reply::problem(&error, &request_id, None),
            Err(BodyError::TimedOut) => return body_timeout(&request_id),
        };
        let Parts { method, headers, .. } = parts;
        let request = Request {
            method,
            path,
            params,
            query,
            headers,
            body,
            caller,
            rule,
            request_id: request_id.clone(),
            derived_id: None,
        };
        self.run(route, request, permits, until)
            .await
            .unwrap_or_else(|error| Reply::problem(&error, &request_id, None))
    }

    /// Runs a request on a task of its own, so that it continues if the client disconnects. The
    /// task ends itself at the deadline and completes the request's idempotency key. If the store
    /// is too slow even for that, the client gets its response and the task continues alone.
    ///
    /// A large body takes long to read, to convert and to store, so such a task has a thread of its
    /// own, which yields to others: the threads that all requests share would answer no other one
    /// meanwhile.
    async fn run(
        &self,
        route: Arc<Route<P>>,
        request: Request,
        permits: (RequestPermit, Option<RequestPermit>),
        until: Instant,
    ) -> Result<Reply, Error> {
        let ports = Arc::clone(&self.gateway.ports);
        let working = self.working.clone();
        let is_large = request.body.len() > LARGE_BODY_BYTES;
        let serve = async move {
            let (_working, _permits) = (working, permits);
            writ_edge::serve(&*ports, &route, request, sleep_until(until)).await
        };
        let served = async {
            match is_large {
                true => on_own_thread(serve)?.await.map_err(Error::internal),
                false => tokio::spawn(serve).await.map_err(Error::internal),
            }
        };
        timeout_at(until + SETTLE_TIME, served).await.unwrap_or_else(|_| Err(out_of_time()))
    }
}

/// Runs a request on a new thread, which yields to the threads that all requests share.
fn on_own_thread(
    serve: impl Future<Output = Reply> + Send + 'static,
) -> Result<oneshot::Receiver<Reply>, Error> {
    let (runtime, (sender, served)) = (Handle::current(), oneshot::channel());
    let run = move || {
        writ_os::lower_priority_of_thread(LARGE_BODY_NICENESS);
        // The receiver is gone where the store was too slow; see `RequestHandler::run`.
        let _ = sender.send(runtime.block_on(serve));
    };
    let thread = std::thread::Builder::new().name("writ-large-body".to_owned());
    thread.spawn(run).map_err(Error::internal)?;
    Ok(served)
}

fn no_connection_left(request_id: &str) -> Reply {
    let error = Error::new(ErrorKind::Unavailable, NO_CONNECTION_LEFT);
    Reply::problem(&error, request_id, None).header(header::CONNECTION, "close".to_owned())
}

fn body_timeout(request_id: &str) -> Reply {
    let detail = "the body did not arrive in time; send it faster, or less of it";
    Reply::refusal(StatusCode::REQUEST_TIMEOUT, "request_timeout", detail, request_id)
        .header(header::CONNECTION, "close".to_owned())
}

fn method_not_allowed(methods: &[Method], incoming: &IncomingRequest) -> Reply {
    let mut allowed: Vec<&str> = methods.iter().map(Method::as_str).collect();
    if allowed.contains(&"GET") {
        allowed.push("HEAD");
    }
    allowed.sort_unstable();
    let allowed = allowed.join(", ");
    let detail = format!(
        "`{}` cannot be used with `{}`; it takes {allowed}",
        incoming.parts.method, incoming.path
    );
    Reply::refusal(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        &detail,
        &incoming.request_id,
    )
    .header(header::ALLOW, allowed)
}

fn route_not_found(similar: &[String], incoming: &IncomingRequest) -> Reply {
    let signal = if similar.is_empty() {
        "`/docs` lists all routes".to_owned()
    } else {
        let similar: Vec<_> = similar.iter().map(|route| format!("`{route}`")).collect();
        format!("there is {}; `/docs` lists all routes", similar.join(", "))
    };
    let path: String = incoming.path.chars().take(120).collect();
    let error =
        Error::not_found(format!("there is no route `{} {path}`; {signal}", incoming.parts.method));
    Reply::problem(&error, &incoming.request_id, None)
}

fn http_response(reply: Reply, is_head: bool) -> Response<Full<Bytes>> {
    let bytes = reply.body.len();
    let body = if is_head { Bytes::new() } else { Bytes::from(reply.body) };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = reply.status;
    let headers = response.headers_mut();
    for (name, value) in reply.headers {
        // A value that no header can hold is a defect; it is dropped, and the response is sent
        // without it.
        match HeaderValue::from_str(&value) {
            Ok(value) => drop(headers.append(name, value)),
            Err(error) => tracing::error!(%name, %error, "a header could not be sent"),
        }
    }
    if bytes > 0 {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(bytes));
    }
    response
}
