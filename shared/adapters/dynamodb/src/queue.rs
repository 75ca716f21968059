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

/// A request with more bytes of body than this is heavy.
const HEAVY_BODY_BYTES: usize = 64 << 10;

impl Request {
    /// Whether it may take long: it carries much, or its response may.
    fn is_heavy(&self) -> bool {
        let reads_many = ["BatchGetItem", "Query", "Scan"].contains(&self.operation.as_str());
        reads_many || self.body.len() > HEAVY_BODY_BYTES
    }
}

/// The requests that a thread serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    /// All, in the order of their arrival.
    All,
    /// Those that are not heavy, so that none of these waits for several heavy ones.
    Light,
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
    light: VecDeque<Waiting>,
    heavy: VecDeque<Waiting>,
    arrivals: u64,
    closed: bool,
}

#[derive(Debug)]
struct Waiting {
    arrival: u64,
    request: Request,
    sender: oneshot::Sender<Response>,
}

impl State {
    fn push(&mut self, request: Request, sender: oneshot::Sender<Response>) {
        let arrival = self.arrivals;
        self.arrivals += 1;
        let queue = if request.is_heavy() { &mut self.heavy } else { &mut self.light };
        queue.push_back(Waiting { arrival, request, sender });
    }

    fn pop(&mut self, share: Share) -> Option<Waiting> {
        let arrival = |queue: &VecDeque<Waiting>| queue.front().map(|waiting| waiting.arrival);
        let queue = match (share, arrival(&self.light), arrival(&self.heavy)) {
            (Share::All, None, Some(_)) => &mut self.heavy,
            (Share::All, Some(light), Some(heavy)) if heavy < light => &mut self.heavy,
            _ => &mut self.light,
        };
        queue.pop_front()
    }
}

impl RequestQueue {
    /// Adds a request and returns the receiver of its response; `None` once the queue is closed.
    pub(super) fn push(&self, request: Request) -> Option<oneshot::Receiver<Response>> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.lock();
        if state.closed {
            return None;
        }
        state.push(request, sender);
        drop(state);
        // One thread alone could be one that does not serve this request.
        self.available.notify_all();
        Some(receiver)
    }

    /// Serves requests of a share until the queue is closed and holds no more of them.
    pub(super) fn serve(&self, share: Share, respond: impl Fn(&Request) -> Response) {
        while let Some(Waiting { request, sender, .. }) = self.next(share) {
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

    fn next(&self, share: Share) -> Option<Waiting> {
        let mut state = self.lock();
        loop {
            if let Some(next) = state.pop(share) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_light_request_overtakes_heavy_ones_on_its_own_thread_alone() {
        let mut state = State::default();
        let large = vec![0; HEAVY_BODY_BYTES + 1];
        for (operation, body) in [
            ("Query", vec![]),
            ("PutItem", large),
            ("GetItem", vec![]),
            ("BatchGetItem", vec![]),
            ("UpdateItem", vec![]),
            ("TransactWriteItems", vec![]),
        ] {
            state.push(Request { operation: operation.to_owned(), body }, oneshot::channel().0);
        }
        let shares = [Share::Light, Share::All, Share::Light, Share::All, Share::All, Share::All];
        let served = shares.map(|share| state.pop(share).unwrap().request.operation);
        assert_eq!(
            served,
            ["GetItem", "Query", "UpdateItem", "PutItem", "BatchGetItem", "TransactWriteItems"]
        );
        state.push(Request { operation: "Scan".to_owned(), body: vec![] }, oneshot::channel().0);
        assert!(state.pop(Share::Light).is_none());
        assert!(state.pop(Share::All).is_some());
    }
}
