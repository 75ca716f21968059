//! API Gateway's part, for an emulator that has none: an HTTP server on loopback that asks the
//! authorizer's function and then calls the route's, both by the Lambda Invoke API.
//!
//! Its own answers imitate API Gateway's, so they prove nothing: steps about them do not run here.

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

use crate::event::{self, Arrived};
use crate::lambda::{Invoked, Lambda};
use crate::routes::{Route, Routes};
use crate::server::Answer;

/// An HTTP API takes no larger body.
const BODY_BYTES_MAX: usize = 10 << 20;

/// A running bridge; it ends when dropped.
pub(crate) struct Bridge {
    pub(crate) url: String,
    _runtime: Runtime,
}

/// What answers.
struct Gateway {
    lambda: Lambda,
    routes: Routes,
    prefix: String,
    requests: AtomicU64,
}

impl Bridge {
    /// Serves the functions whose names start with `prefix`.
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
                let service = service_fn(move |request| answer(Arc::clone(&gateway), request));
                let serving = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service);
                // A connection that breaks off is its client's to report.
                tokio::spawn(async move { drop(serving.await) });
            }
        });
        Ok(Self { url, _runtime: runtime })
    }
}

async fn answer(
    gateway: Arc<Gateway>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let arrived = Arrived::new(parts, gateway.requests.fetch_add(1, Ordering::Relaxed));
    let answer = match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Err(_) => own(413, "Request Entity Too Large"),
        Ok(body) => {
            let body = body.to_bytes();
            // The client of the Invoke API waits in its thread.
            tokio::task::spawn_blocking(move || gateway.answer(&arrived, &body))
                .await
                .unwrap_or_else(|error| own(500, &error.to_string()))
        }
    };
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    Ok(response.body(Full::from(answer.body)).unwrap_or_default())
}

impl Gateway {
    fn answer(&self, arrived: &Arrived, body: &[u8]) -> Answer {
        let Some((route, params)) = self.routes.find(arrived.method(), &arrived.path) else {
            return own(404, "Not Found");
        };
        let Some(authorization) = arrived.authorization().filter(|header| !header.is_empty())
        else {
            return own(401, "Unauthorized");
        };
        let context = match self.authorize(arrived, route, &params, &authorization) {
            Ok(context) => context,
            Err(refusal) => return refusal,
        };
        let function = route.name.replace('.', "-");
        let event = arrived.to_function(route, &params, &context, body);
        self.invoke(&function, &event).map_or_else(
            |refusal| refusal,
            |reply| event::answer(&reply).unwrap_or_else(|| own(500, "Internal Server Error")),
        )
    }

    /// The authorizer's context for a caller that it lets through.
    fn authorize(
        &self,
        arrived: &Arrived,
        route: &Route,
        params: &[(String, String)],
        authorization: &str,
    ) -> Result<Value, Answer> {
        let event = arrived.to_authorizer(route, params, authorization);
        let reply = self.invoke("authorizer", &event)?;
        match reply.get("isAuthorized") {
            Some(Value::Bool(true)) => Ok(reply.get("context").cloned().unwrap_or(Value::Null)),
            Some(Value::Bool(false)) => Err(own(403, "Forbidden")),
            _ => Err(own(500, "Internal Server Error")),
        }
    }

    /// A function's reply, or what API Gateway answers where there is none. Why is told to the
    /// person who reads the run: a caller of API Gateway would not learn it.
    fn invoke(&self, function: &str, event: &Value) -> Result<Value, Answer> {
        let function = format!("{}{function}", self.prefix);
        let (status, why) = match self.lambda.invoke(&function, event) {
            Ok(Invoked::Returned(reply)) => return Ok(reply),
            Ok(Invoked::Refused(413, why)) => (413, why),
            Ok(Invoked::Refused(429, why)) => (503, why),
            Ok(Invoked::Refused(status, why)) => (500, format!("status {status}: {why}")),
            Ok(Invoked::Crashed(why)) => (500, why),
            Err(failed) => (500, failed.message().unwrap_or_default().to_owned()),
        };
        Err(own(status, &format!("{function}: {why}")))
    }
}

/// An answer of API Gateway itself.
fn own(status: u16, message: &str) -> Answer {
    let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
    Answer { status, headers, body: json!({"message": message}).to_string() }
}
