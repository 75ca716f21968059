//! Requests on their way from async callers to the threads that answer them.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

/// One call of the DynamoDB API.
#[derive(Debug)]
pub(super) struct Request {
    /// As `PutItem`.
    pub(super) operation: String,
    /// JSON.
    pub(super) body: Vec<u8>,
}

/// What came of it.
#[derive(Debug)]
pub(super) struct Answer {
    /// HTTP status.
    pub(super) status: u16,
    /// JSON.
    pub(super) body: String,
}

impl Answer {
    /// What DynamoDB says of its own defects.
    fn defect() -> Self {
        let body = r#"{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"the embedded database panicked"}"#;
        Self { status: 500, body: body.to_owned() }
    }
}

/// Bounded by its callers: each has at most one request in it.
#[derive(Debug, Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<(Request, oneshot::Sender<Answer>)>,
    closed: bool,
}

impl Queue {
    /// Hands a request over; `None` once the queue is closed.
    pub(super) fn push(&self, request: Request) -> Option<oneshot::Receiver<Answer>> {
        let (sender, receiver) = oneshot::channel();
        let mut state = self.lock();
        if state.closed {
            return None;
        }
        state.waiting.push_back((request, sender));
        drop(state);
        self.changed.notify_one();
        Some(receiver)
    }

    /// Answers requests until the queue is closed and empty.
    pub(super) fn serve(&self, answer: impl Fn(&Request) -> Answer) {
        while let Some((request, sender)) = self.next() {
            // A caller that went away does not undo its request: DynamoDB would not either.
            let answered = catch_unwind(AssertUnwindSafe(|| answer(&request)));
            let _ = sender.send(answered.unwrap_or_else(|_| Answer::defect()));
        }
    }

    /// Accepts nothing more.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn next(&self) -> Option<(Request, oneshot::Sender<Answer>)> {
        let mut state = self.lock();
        loop {
            if let Some(next) = state.waiting.pop_front() {
                return Some(next);
            }
            if state.closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it holds the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
