//! A substitute for API Gateway, for emulators without one: an HTTP server on loopback that invokes
//! the authorizer's function and then the route's, both with the Lambda Invoke API.
//!
//! Its own responses imitate API Gateway's and prove nothing, so steps about them do not run here.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use libtest_mimic::Failed;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::event::{self, GatewayRequest};
use crate::lambda::{InvokeResult, Lambda};
use crate::routes::{Route, Routes};
use writ_tests::server::HttpResponse;

/// The quota of API Gateway for a request body of an HTTP API.
const BODY_BYTES_MAX: usize = 10 << 20;

/// A running bridge; it stops when dropped.
pub(crate) struct Bridge {
    pub(crate) url: String,
    _runtime: Runtime,
}

/// The state of the request handlers.
struct Gateway {
    lambda: Lambda,
    routes: Routes,
    prefix: String,
    requests: AtomicU64,
}

impl Bridge {
    /// Serves the functions with the name prefix `prefix`.
    pub(crate) fn start(lambda: Lambda, prefix: String) -> Result<Self, Failed> {
        let routes = Routes::load()?;
        let gateway = Arc::new(Gateway { lambda, routes, prefix, requests: AtomicU64::new(0) });
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind(("127.0.0.1", 0)))?;
        let url = format!("http://{}", listener.local_addr()?);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let gateway = Arc::clone(&gateway);
                let service = service_fn(move |request| respond(Arc::clone(&gateway), request));
                let serving = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service);
                // The client reports a broken connection.
                tokio::spawn(async move { drop(serving.await) });
            }
        });
        Ok(Self { url, _runtime: runtime })
    }
}

async fn respond(
    gateway: Arc<Gateway>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let number = gateway.requests.fetch_add(1, Ordering::Relaxed);
    let gateway_request = GatewayRequest::new(parts, number);
    let gateway_response = match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Err(_) => gateway_error(413, "Request Entity Too Large"),
        Ok(body) => {
            let body = body.to_bytes();
            // The client of the Invoke API blocks its thread.
            tokio::task::spawn_blocking(move || gateway.respond(&gateway_request, &body))
                .await
                .unwrap_or_else(|error| gateway_error(500, &error.to_string()))
        }
    };
    let mut response = Response::builder().status(gateway_response.status);
    for (name, value) in &gateway_response.headers {
        response = response.header(name, value);
    }
    Ok(response.body(Full::from(gateway_response.body)).unwrap_or_default())
}

impl Gateway {
    fn respond(&self, request: &GatewayRequest, body: &[u8]) -> HttpResponse {
        let Some((route, params)) = self.routes.find(request.method(), &request.path) else {
            return gateway_error(404, "Not Found");
        };
        let Some(authorization) = request.authorization().filter(|header| !header.is_empty())
        else {
            return gateway_error(401, "Unauthorized");
        };
        let context = match self.authorize(request, route, &params, &authorization) {
            Ok(context) => context,
            Err(refusal) => return refusal,
        };
        let function = route.name.replace('.', "-");
        let event = request.to_function(route, &params, &context, body);
        self.invoke(&function, &event).map_or_else(
            |refusal| refusal,
            |reply| {
                event::response(&reply)
                    .unwrap_or_else(|| gateway_error(500, "Internal Server Error"))
            },
        )
    }

    /// Invokes the authorizer. Returns its context if it authorizes the caller.
    fn authorize(
        &self,
        request: &GatewayRequest,
        route: &Route,
        params: &[(String, String)],
        authorization: &str,
    ) -> Result<Value, HttpResponse> {
        let event = request.to_authorizer(route, params, authorization);
        let reply = self.invoke("authorizer", &event)?;
        match reply.get("isAuthorized") {
            Some(Value::Bool(true)) => Ok(reply.get("context").cloned().unwrap_or(Value::Null)),
            Some(Value::Bool(false)) => Err(gateway_error(403, "Forbidden")),
            _ => Err(gateway_error(500, "Internal Server Error")),
        }
    }

    /// Invokes a function. The error is API Gateway's response to the failure; its message has the
    /// cause, which API Gateway would not reveal, for the log of the test.
    fn invoke(&self, function: &str, event: &Value) -> Result<Value, HttpResponse> {
        let function = format!("{}{function}", self.prefix);
        let (status, why) = match self.lambda.invoke(&function, event) {
            Ok(InvokeResult::Payload(reply)) => return Ok(reply),
            Ok(InvokeResult::InvokeError(413, why)) => (413, why),
            Ok(InvokeResult::InvokeError(429, why)) => (503, why),
            Ok(InvokeResult::InvokeError(status, why)) => (500, format!("status {status}: {why}")),
            Ok(InvokeResult::FunctionError(why)) => (500, why),
            Err(failed) => (500, failed.message().unwrap_or_default().to_owned()),
        };
        Err(gateway_error(status, &format!("{function}: {why}")))
    }
}

/// An error response of API Gateway itself.
fn gateway_error(status: u16, message: &str) -> HttpResponse {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    HttpResponse { status, headers, body: json!({"message": message}).to_string() }
}
