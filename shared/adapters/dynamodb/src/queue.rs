//! The queue of requests between async callers and the threads that serve them.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// One call of the DynamoDB API.
#[derive(Debug)]
pub(super) struct Request {
    /// The operation's name without the API's version, as `PutItem`.
    pub(super) operation: String,
    pub(super) body: Vec<u8>,
}

/// The response to one request, as DynamoDB sends it over HTTP.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) body: String,
}

impl Response {
    /// The response to a request that made the database panic: DynamoDB's `InternalServerError`.
    fn internal_error() -> Self {
        let body = r#"{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"the embedded database panicked"}"#;
        Self { status: 500, body: body.to_owned() }
    }
}

/// A queue of requests. It has no bound of its own: each caller has at most one request in it.
#[derive(Debug, Default)]
pub(super) struct RequestQueue {
    state: Mutex<State>,
    available: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<(Request, oneshot::Sender<Response>)>,
    closed: bool,
}

impl RequestQueue {
    /// Adds a request and returns the receiver of its response; `None` once the queue is closed.
    pub(super) fn push(&self, request: Request) -> Option<oneshot::Receiver<Response>> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.lock();
        if state.closed {
            return None;
        }
        state.waiting.push_back((request, sender));
        drop(state);
        self.available.notify_one();
        Some(receiver)
    }

    /// Serves requests until the queue is closed and empty.
    pub(super) fn serve(&self, respond: impl Fn(&Request) -> Response) {
        while let Some((request, sender)) = self.next() {
            // The request runs although its caller is gone: DynamoDB would run it as well.
            let response = catch_unwind(AssertUnwindSafe(|| respond(&request)));
            let _ = sender.send(response.unwrap_or_else(|_| Response::internal_error()));
        }
    }

    /// Refuses further requests and wakes the threads, which end when the queue is empty.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.available.notify_all();
    }

    fn next(&self) -> Option<(Request, oneshot::Sender<Response>)> {
        let mut state = self.lock();
        loop {
            if let Some(next) = state.waiting.pop_front() {
                return Some(next);
            }
            if state.closed {
                return None;
            }
            state = self.available.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock, so a poisoned lock is still consistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
