//! Several clients of one database, which serves one request at a time in an order that a seed
//! chooses. The database serialises requests, so this reaches every interleaving there is.

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_dynamodb::Client;
use aws_smithy_async::time::TimeSource;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use serde_json::Value;
use tokio::sync::oneshot;
use writ_model::Timestamp;
use writ_store::{ChunkSizes, Store};

use crate::fixture::tables;
use crate::script::{NoSleep, cancelled};
use writ_dynamodb::Database;

/// The age in milliseconds at which AWS refuses a request's signature (IAM User Guide, "Signature
/// Version 4").
const SIGNATURE_MS: i64 = 15 * 60_000;

/// SplitMix64: the same sequence of numbers for the same seed.
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }

    pub(crate) fn of<T: Copy>(&mut self, things: &[T]) -> T {
        things[self.below(things.len())]
    }
}

/// A clock that changes only when a test advances it.
#[derive(Clone, Debug)]
pub(crate) struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    pub(crate) fn at(ms: i64) -> Self {
        Self(Arc::new(AtomicI64::new(ms)))
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.0.load(Ordering::SeqCst))
    }

    pub(crate) fn advance(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl TimeSource for ManualClock {
    fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(self.now().as_ms().try_into().unwrap())
    }
}

/// A request that has not reached the database yet.
struct PendingRequest {
    actor: usize,
    request: HttpRequest,
    inner: SharedHttpConnector,
    reply: oneshot::Sender<Result<HttpResponse, ConnectorError>>,
}

#[derive(Clone)]
struct Gate {
    actor: usize,
    waiting: Arc<Mutex<VecDeque<PendingRequest>>>,
    inner: SharedHttpClient,
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "gate of {}", self.actor)
    }
}

impl HttpClient for Gate {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(GatedConnector { gate: self.clone(), inner })
    }
}

#[derive(Debug)]
struct GatedConnector {
    gate: Gate,
    inner: SharedHttpConnector,
}

impl HttpConnector for GatedConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (reply, answer) = oneshot::channel();
        let (actor, inner) = (self.gate.actor, self.inner.clone());
        self.gate.waiting.lock().unwrap().push_back(PendingRequest {
            actor,
            request,
            inner,
            reply,
        });
        HttpConnectorFuture::new(async { answer.await.unwrap_or_else(|_| Err(connection_error())) })
    }
}

fn connection_error() -> ConnectorError {
    ConnectorError::io("connection_error".into())
}

/// A request that the network still holds a copy of.
struct Duplicate {
    request: HttpRequest,
    inner: SharedHttpConnector,
    sent: Timestamp,
}

type Actor = Pin<Box<dyn Future<Output = ()>>>;

/// A simulation of several clients that work on one database.
pub(crate) struct Simulation<'d> {
    pub(crate) clock: ManualClock,
    pub(crate) rng: Rng,
    database: &'d Database,
    bounds: ChunkSizes,
    actors: Vec<Option<Actor>>,
    waiting: Arc<Mutex<VecDeque<PendingRequest>>>,
    duplicates: Vec<Duplicate>,
}

impl<'d> Simulation<'d> {
    pub(crate) fn new(database: &'d Database, seed: u64, bounds: ChunkSizes) -> Self {
        Self {
            clock: ManualClock::at(1_790_000_000_000),
            rng: Rng(seed),
            database,
            bounds,
            actors: Vec::new(),
            waiting: Arc::default(),
            duplicates: Vec::new(),
        }
    }

    /// Adds a client with a store of its own.
    pub(crate) fn add<F: Future<Output = ()> + 'static>(&mut self, work: impl FnOnce(Store) -> F) {
        let gate = Gate {
            actor: self.actors.len(),
            waiting: Arc::clone(&self.waiting),
            inner: self.database.http_client(),
        };
        let config = Database::config(SharedHttpClient::new(gate)).to_builder();
        let config = config.time_source(self.clock.clone()).sleep_impl(NoSleep).build();
        let store = Store::new(Client::from_conf(config), tables()).with_chunk_sizes(self.bounds);
        self.actors.push(Some(Box::pin(work(store))));
    }

    /// Runs until all clients are done. Requests and responses are lost, requests arrive twice,
    /// transactions conflict, clients crash, and time passes.
    pub(crate) async fn run(&mut self) {
        let mut idle = 0;
        loop {
            self.poll();
            if self.actors.iter().all(Option::is_none) {
                return;
            }
            let count = self.waiting.lock().unwrap().len();
            if count == 0 {
                idle += 1;
                assert!(idle < 1_000, "an actor waits for something else than the database");
                tokio::task::yield_now().await;
                continue;
            }
            idle = 0;
            let position = self.rng.below(count);
            let waiting = self.waiting.lock().unwrap().remove(position).unwrap();
            self.step(waiting).await;
        }
    }

    fn poll(&mut self) {
        for actor in &mut self.actors {
            let Some(future) = actor else { continue };
            if future.as_mut().poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(()) {
                *actor = None;
            }
        }
    }

    async fn step(&mut self, waiting: PendingRequest) {
        let PendingRequest { actor, request, inner, reply } = waiting;
        match self.rng.below(100) {
            0..4 => {
                let _ = reply.send(Err(connection_error()));
            }
            4..8 => {
                let _ = inner.call(request).await;
                let _ = reply.send(Err(connection_error()));
            }
            8..12 => self.kill(actor, request, inner).await,
            12..16 if is_transaction(&request) => {
                let _ = reply.send(Ok(conflict()));
            }
            16..22 => {
                let time = self.rng.of(&[1, 14, 61, 61]);
                self.clock.advance(time * 60_000);
                self.waiting.lock().unwrap().push_back(PendingRequest {
                    actor,
                    request,
                    inner,
                    reply,
                });
            }
            22..28 if !self.duplicates.is_empty() => {
                let position = self.rng.below(self.duplicates.len());
                let copy = self.duplicates.swap_remove(position);
                if self.clock.now().as_ms() - copy.sent.as_ms() < SIGNATURE_MS {
                    let _ = copy.inner.call(copy.request).await;
                }
                self.waiting.lock().unwrap().push_back(PendingRequest {
                    actor,
                    request,
                    inner,
                    reply,
                });
            }
            _ => {
                if self.rng.below(4) == 0 {
                    let (request, sent) = (late_duplicate(&request), self.clock.now());
                    self.duplicates.push(Duplicate { request, inner: inner.clone(), sent });
                }
                let _ = reply.send(inner.call(request).await);
            }
        }
    }

    /// The client crashes; each of its requests arrives or does not.
    async fn kill(&mut self, actor: usize, request: HttpRequest, inner: SharedHttpConnector) {
        self.actors[actor] = None;
        let mut orphans = vec![(request, inner)];
        let mut queue = std::mem::take(&mut *self.waiting.lock().unwrap());
        while let Some(waiting) = queue.pop_front() {
            if waiting.actor == actor {
                orphans.push((waiting.request, waiting.inner));
            } else {
                self.waiting.lock().unwrap().push_back(waiting);
            }
        }
        for (request, inner) in orphans {
            if self.rng.below(2) == 0 {
                let _ = inner.call(request).await;
            }
        }
    }
}

fn is_transaction(request: &HttpRequest) -> bool {
    request.headers().get("x-amz-target").unwrap_or_default().ends_with(".TransactWriteItems")
}

/// A copy of a request that arrives after DynamoDB dropped its token, which is after ten minutes
/// (reference of `TransactWriteItems`).
fn late_duplicate(request: &HttpRequest) -> HttpRequest {
    let mut copy = request.try_clone().unwrap();
    if is_transaction(request) {
        let mut body: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
        body.as_object_mut().unwrap().remove("ClientRequestToken").unwrap();
        *copy.body_mut() = SdkBody::from(body.to_string());
    }
    copy
}

fn conflict() -> HttpResponse {
    let (status, body) = cancelled(&["TransactionConflict"]);
    HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body.to_string()))
}
