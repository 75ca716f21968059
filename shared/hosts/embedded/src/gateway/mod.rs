//! The HTTP server of `writ up`: one port, the route table, and the pages beside it.
//!
//! It stands where API Gateway stands on AWS: it finds the route, asks who is calling and whether
//! they may, bounds what a client can cost, and ends every call in time. Everything from the
//! content type inwards is `writ-edge`'s, the same at both homes.

mod access;
mod answer;
mod body;
mod bounds;
mod metrics;
mod origin_guard;
mod router;
mod write_timeout;

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
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use writ_edge::{Route, RouteSpec, openapi_text};
use writ_ports::{Clock, CountSignals, EngineMetrics, Idempotency};

pub use access::Access;
pub use bounds::Bounds;
pub use router::RouteError;

use answer::Answering;
use origin_guard::OriginGuard;
use router::Router;
use write_timeout::WriteTimeoutStream;

/// A server that is ready to listen.
pub struct Gateway<P, A> {
    ports: Arc<P>,
    access: A,
    router: Router<P>,
    openapi: String,
    bounds: Bounds,
}

impl<P: Idempotency + Clock + EngineMetrics + CountSignals + 'static, A: Access> Gateway<P, A> {
    /// A server of these routes.
    ///
    /// # Errors
    /// Two routes that cannot be told apart, or one that takes a path of the gateway itself.
    pub fn new(ports: Arc<P>, access: A, routes: Vec<Route<P>>) -> Result<Self, RouteError> {
        let specs: Vec<RouteSpec> = routes.iter().map(|route| route.spec.clone()).collect();
        let router = Router::new(routes)?;
        Ok(Self { ports, access, router, openapi: openapi_text(&specs), bounds: Bounds::default() })
    }

    /// The same server within other bounds.
    #[must_use]
    pub fn within(mut self, bounds: Bounds) -> Self {
        self.bounds = bounds;
        self
    }

    /// Serves until `shutdown` is ready, then lets running requests end.
    ///
    /// # Errors
    /// Where the listener has no address. A connection that fails ends alone.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let origin_guard = OriginGuard::at(listener.local_addr()?);
        let bounds = self.bounds;
        let slots = Arc::new(Semaphore::new(bounds.connections_max));
        let (stop, stopping) = watch::channel(false);
        // Whoever works holds a sender; when the last is gone, nothing runs.
        let (working, mut idle) = mpsc::channel::<Infallible>(1);
        let answering = Arc::new(Answering { gateway: self, origin_guard, working });
        let mut shutdown = pin!(shutdown);
        loop {
            let (stream, peer, slot) = tokio::select! {
                biased;
                () = &mut shutdown => break,
                accepted = accept(&listener, &slots) => accepted,
            };
            tokio::spawn(connection(Arc::clone(&answering), stream, peer, stopping.clone(), slot));
        }
        drop((listener, answering));
        let _ = stop.send(true);
        if tokio::time::timeout(bounds.drain, idle.recv()).await.is_err() {
            tracing::warn!("some requests still ran when the server stopped");
        }
        Ok(())
    }
}

/// The next connection, once there is a slot for it: further ones wait in the listener's queue.
async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    // INVARIANT: the semaphore is never closed, so there always is a permit.
    let slot = Arc::clone(slots).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer, slot),
            Err(error) => {
                // Too many open files: trying again at once would only burn the processor.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn connection<P: Idempotency + Clock + EngineMetrics + CountSignals + 'static, A: Access>(
    answering: Arc<Answering<P, A>>,
    stream: TcpStream,
    peer: SocketAddr,
    mut stopping: watch::Receiver<bool>,
    slot: Option<OwnedSemaphorePermit>,
) {
    let bounds = answering.gateway.bounds;
    // Replies are small and written at once: waiting to fill a packet only delays them.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| {
        let answering = Arc::clone(&answering);
        async move { Ok::<_, Infallible>(answering.answer(request, peer).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.head)
        .max_headers(bounds.headers_max)
        .max_buf_size(bounds.head_bytes_max)
        .serve_connection(TokioIo::new(WriteTimeoutStream::new(stream, bounds.reply)), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = async { drop(stopping.wait_for(|stop| *stop).await) } => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %peer, "a connection broke");
    }
    drop(slot);
}

#[cfg(test)]
mod tests;
