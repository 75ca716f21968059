//! The HTTP server of `writ up`: one port, the route table, and the gateway's own pages.
//!
//! It has the role of API Gateway on AWS: it finds the route, authenticates and authorizes the
//! caller, limits what a client can consume, and ends every call in time. Everything from the
//! content type inwards is in `writ-edge`, the same for both deployment targets.

mod access;
mod body;
mod bounds;
mod connection;
mod handler;
mod metrics;
mod origin_guard;
mod peer;
mod request_limits;
mod router;
mod stream;

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use writ_edge::{Route, RouteSpec, openapi_text};
use writ_ports::{Clock, CountSignals, EngineMetrics, Idempotency};

pub use access::AccessControl;
pub use bounds::Bounds;
pub use peer::{Peer, PeerOwner};
pub use router::RouteError;

use connection::{Connection, ConnectionTable};
use handler::RequestHandler;
use origin_guard::OriginGuard;
use request_limits::RequestLimits;
use router::Router;
use stream::ClientStream;

/// An HTTP server over a route table and its ports.
pub struct Gateway<P, A> {
    ports: Arc<P>,
    access: A,
    router: Router<P>,
    openapi: String,
    bounds: Bounds,
}

impl<P: Idempotency + Clock + EngineMetrics + CountSignals + 'static, A: AccessControl>
    Gateway<P, A>
{
    /// Makes a server of these routes, with default limits.
    ///
    /// # Errors
    /// [`RouteError`] where two routes match the same requests, or a route has a path of the
    /// gateway itself.
    pub fn new(ports: Arc<P>, access: A, routes: Vec<Route<P>>) -> Result<Self, RouteError> {
        let specs: Vec<RouteSpec> = routes.iter().map(|route| route.spec.clone()).collect();
        let router = Router::new(routes)?;
        Ok(Self { ports, access, router, openapi: openapi_text(&specs), bounds: Bounds::default() })
    }

    /// Replaces the limits of the server.
    #[must_use]
    pub fn with_bounds(mut self, bounds: Bounds) -> Self {
        self.bounds = bounds;
        self
    }

    /// Serves until `shutdown` completes, then waits for running requests, at most for as long as
    /// [`Bounds::drain`] says.
    ///
    /// # Errors
    /// The listener has no local address. A connection that fails does not end the server.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let origin_guard = OriginGuard::at(listener.local_addr()?);
        let bounds = self.bounds;
        let table = ConnectionTable::new(bounds);
        let limits = RequestLimits::new(bounds);
        let connections = GracefulShutdown::new();
        // Every running request holds a sender; when the last one is dropped, nothing runs.
        let (working, mut idle) = mpsc::channel::<Infallible>(1);
        let handler = Arc::new(RequestHandler { gateway: self, origin_guard, limits, working });
        let mut shutdown = pin!(shutdown);
        loop {
            let (stream, address) = tokio::select! {
                biased;
                () = &mut shutdown => break,
                accepted = accept(&listener) => accepted,
            };
            let (handler, table) = (Arc::clone(&handler), Arc::clone(&table));
            let watcher = connections.watcher();
            tokio::spawn(async move {
                // Before the first byte is read: a client that has sent its request may go.
                let peer = match stream.local_addr() {
                    Ok(local) => Peer::of_connection(address, local),
                    Err(_) => return,
                };
                match table.admit(peer) {
                    Some(connection) => {
                        serve_connection(handler, stream, connection, watcher).await
                    }
                    None => tracing::warn!(peer = %address, "a connection found no place"),
                }
            });
        }
        drop((listener, handler));
        // A request outlives its connection where the client went away.
        let drain = async {
            connections.shutdown().await;
            idle.recv().await
        };
        if tokio::time::timeout(bounds.drain, drain).await.is_err() {
            tracing::warn!("some requests still ran when the server stopped");
        }
        Ok(())
    }
}

/// Accepts the next connection.
async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                // With too many open files, an immediate retry would only consume CPU.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn serve_connection<
    P: Idempotency + Clock + EngineMetrics + CountSignals + 'static,
    A: AccessControl,
>(
    handler: Arc<RequestHandler<P, A>>,
    stream: TcpStream,
    connection: Connection,
    watcher: Watcher,
) {
    let bounds = handler.gateway.bounds;
    // Responses are small and written at once: waiting to fill a packet only delays them.
    let _ = stream.set_nodelay(true);
    let connection = Arc::new(connection);
    let state = Arc::clone(&connection.state);
    let stream = ClientStream::new(stream, Arc::clone(&state), bounds.head, bounds.reply);
    let service = service_fn(|request| {
        let (handler, connection) = (Arc::clone(&handler), Arc::clone(&connection));
        async move { Ok::<_, Infallible>(handler.handle(request, &connection).await) }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.idle)
        .max_headers(bounds.headers_max)
        .max_header_size(bounds.head_bytes_max)
        .max_buf_size(bounds.head_bytes_max)
        .serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        biased;
        () = state.evicted() => {
            tracing::debug!(peer = %connection.peer.address, "a connection gave way to another one");
        }
        result = watcher.watch(served) => {
            if let Err(error) = result {
                tracing::debug!(%error, peer = %connection.peer.address, "a connection broke");
            }
        }
    }
}

#[cfg(test)]
mod tests;
