//! The Lambda Runtime API: sends events to the function and receives their outcomes.

use std::collections::{HashMap, VecDeque};
use std::io::BufReader;
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::http::{self, Request};
use crate::server::{Server, lock};

const ROOT: &str = "/2018-06-01/runtime/";

/// The interval at which a waiting connection checks for the shutdown.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// The outcome of an invocation.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The payload that the function returned.
    Response(Value),
    /// The error of the function: an object with `errorType` and `errorMessage`.
    Error(Value),
}

/// An invocation that has finished.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The payload or the error.
    pub outcome: Outcome,
    /// The request id of the event.
    pub request_id: String,
    /// The time from sending the event to receiving the outcome.
    pub duration: Duration,
}

/// An event with the headers of its invocation.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) request_id: String,
    pub(crate) deadline_ms: u128,
    pub(crate) trace_id: String,
    pub(crate) body: String,
}

#[derive(Debug, Default)]
struct State {
    /// The time at which the function requested its first event.
    ready_at: Option<Instant>,
    events: VecDeque<Event>,
    sent_at: HashMap<String, Instant>,
    outcomes: HashMap<String, (Outcome, Instant)>,
    /// The error of the function's initialization.
    start_error: Option<Value>,
    is_shut_down: bool,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn wait<'s>(&self, state: MutexGuard<'s, State>, time: Duration) -> MutexGuard<'s, State> {
        self.changed.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Waits for the next event and returns it; `None` after the shutdown.
    fn next(&self) -> Option<Event> {
        let mut state = lock(&self.state);
        state.ready_at.get_or_insert_with(Instant::now);
        self.changed.notify_all();
        loop {
            if state.is_shut_down {
                return None;
            }
            if let Some(event) = state.events.pop_front() {
                state.sent_at.insert(event.request_id.clone(), Instant::now());
                return Some(event);
            }
            state = self.wait(state, POLL_INTERVAL);
        }
    }

    fn put_outcome(&self, request_id: &str, outcome: Outcome) {
        let received_at = Instant::now();
        lock(&self.state).outcomes.insert(request_id.to_owned(), (outcome, received_at));
        self.changed.notify_all();
    }
}

/// The Runtime API server of one function.
#[derive(Debug)]
pub(crate) struct Invocations {
    server: Server,
    shared: Arc<Shared>,
}

impl Invocations {
    pub(crate) fn start() -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let serving = Arc::clone(&shared);
        let server = Server::start(move |_, stream| serve(&serving, stream))?;
        Ok(Self { server, shared })
    }

    /// The address, a value for `AWS_LAMBDA_RUNTIME_API`.
    pub(crate) fn address(&self) -> String {
        self.server.address().to_string()
    }

    /// The time of the function's first request for an event. Waits for it at most `time`.
    pub(crate) fn ready_at(&self, time: Duration) -> Option<Instant> {
        let state = lock(&self.shared.state);
        if state.ready_at.is_some() {
            return state.ready_at;
        }
        self.shared.wait(state, time).ready_at
    }

    pub(crate) fn start_error(&self) -> Option<Value> {
        lock(&self.shared.state).start_error.clone()
    }

    pub(crate) fn enqueue(&self, event: Event) {
        lock(&self.shared.state).events.push_back(event);
        self.shared.changed.notify_all();
    }

    /// Takes the outcome of an event. Waits for it at most `time`.
    pub(crate) fn take_outcome(&self, request_id: &str, time: Duration) -> Option<Invocation> {
        let mut state = lock(&self.shared.state);
        if !state.outcomes.contains_key(request_id) {
            state = self.shared.wait(state, time);
        }
        let (outcome, received_at) = state.outcomes.remove(request_id)?;
        let sent_at = state.sent_at.remove(request_id)?;
        let duration = received_at.saturating_duration_since(sent_at);
        Some(Invocation { outcome, request_id: request_id.to_owned(), duration })
    }
}

impl Drop for Invocations {
    fn drop(&mut self) {
        lock(&self.shared.state).is_shut_down = true;
        self.shared.changed.notify_all();
    }
}

fn serve(shared: &Shared, mut stream: BufReader<TcpStream>) {
    while let Ok(Some(request)) = http::read(&mut stream) {
        let result = match (request.method.as_str(), request.path.strip_prefix(ROOT)) {
            ("GET", Some("invocation/next")) => match shared.next() {
                Some(event) => send_event(stream.get_mut(), &event),
                None => return,
            },
            ("POST", Some(path)) => {
                let status = if accept(shared, path, &request) { 202 } else { 404 };
                http::write(stream.get_mut(), status, &[], b"{}")
            }
            _ => http::write(stream.get_mut(), 404, &[], b"{}"),
        };
        if result.is_err() {
            return;
        }
    }
}

fn send_event(stream: &mut TcpStream, event: &Event) -> std::io::Result<()> {
    let deadline = event.deadline_ms.to_string();
    let headers = [
        ("content-type", "application/json"),
        ("lambda-runtime-aws-request-id", event.request_id.as_str()),
        ("lambda-runtime-deadline-ms", &deadline),
        ("lambda-runtime-invoked-function-arn", crate::function::ARN),
        ("lambda-runtime-trace-id", &event.trace_id),
    ];
    http::write(stream, 200, &headers, event.body.as_bytes())
}

/// Stores a posted outcome or error. Returns whether the path is one of the Runtime API.
fn accept(shared: &Shared, path: &str, request: &Request) -> bool {
    let payload = serde_json::from_slice(&request.body).unwrap_or_else(|error| {
        Value::String(format!("{error}: {}", String::from_utf8_lossy(&request.body)))
    });
    if path == "init/error" {
        lock(&shared.state).start_error = Some(payload);
        return true;
    }
    let parts = path.strip_prefix("invocation/").and_then(|rest| rest.split_once('/'));
    match parts {
        Some((id, "response")) => shared.put_outcome(id, Outcome::Response(payload)),
        Some((id, "error")) => shared.put_outcome(id, Outcome::Error(payload)),
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(60);

    fn send(address: &str, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    #[test]
    fn an_event_goes_out_once_and_its_answer_comes_back() {
        let api = Invocations::start().unwrap();
        let next = format!("GET {ROOT}invocation/next HTTP/1.1\r\n\r\n");
        let mut stream = send(&api.address(), &next);
        while api.ready_at(TIMEOUT).is_none() {}
        let event = Event {
            request_id: "r1".to_owned(),
            deadline_ms: 7,
            trace_id: "Root=1-a-b".to_owned(),
            body: "{}".to_owned(),
        };
        api.enqueue(event);
        let mut read = Vec::new();
        let mut byte = [0];
        while !read.ends_with(b"\r\n\r\n{}") {
            stream.read_exact(&mut byte).unwrap();
            read.push(byte[0]);
        }
        let head = String::from_utf8(read).unwrap();
        assert!(head.contains("lambda-runtime-aws-request-id: r1\r\n"), "{head}");
        assert!(head.contains("lambda-runtime-deadline-ms: 7\r\n"), "{head}");
        for (path, want) in
            [("response", Outcome::Response(5.into())), ("error", Outcome::Error(5.into()))]
        {
            lock(&api.shared.state).sent_at.insert("r1".to_owned(), Instant::now());
            let post =
                format!("POST {ROOT}invocation/r1/{path} HTTP/1.1\r\ncontent-length: 1\r\n\r\n5");
            let _stream = send(&api.address(), &post);
            let invocation =
                std::iter::repeat_with(|| api.take_outcome("r1", TIMEOUT)).flatten().next();
            assert_eq!(invocation.unwrap().outcome, want);
        }
    }
}
