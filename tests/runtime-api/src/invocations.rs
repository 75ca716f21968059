//! The Runtime API: hands out events, takes back answers.

use std::collections::{HashMap, VecDeque};
use std::io::BufReader;
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::http::{self, Request};
use crate::server::{Server, lock};

const ROOT: &str = "/2018-06-01/runtime/";

/// How often a waiting connection looks whether everything is over.
const GLANCE: Duration = Duration::from_millis(50);

/// What came of an event.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// What the function returned.
    Answer(Value),
    /// The function failed: an object with `errorType` and `errorMessage`.
    Error(Value),
}

/// What came of an event, and when.
#[derive(Clone, Debug)]
pub struct Answered {
    /// What came.
    pub outcome: Outcome,
    /// The event's request id.
    pub request_id: String,
    /// From handing out the event to having the answer.
    pub took: Duration,
}

/// An event and what goes with it.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) request_id: String,
    pub(crate) deadline_ms: u128,
    pub(crate) trace_id: String,
    pub(crate) body: String,
}

#[derive(Debug, Default)]
struct State {
    /// When the function asked for its first event.
    ready_at: Option<Instant>,
    events: VecDeque<Event>,
    handed: HashMap<String, Instant>,
    outcomes: HashMap<String, (Outcome, Instant)>,
    /// What the function said of its start.
    start_error: Option<Value>,
    is_over: bool,
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

    /// The event that is next, once there is one; nothing when everything is over.
    fn next(&self) -> Option<Event> {
        let mut state = lock(&self.state);
        state.ready_at.get_or_insert_with(Instant::now);
        self.changed.notify_all();
        loop {
            if state.is_over {
                return None;
            }
            if let Some(event) = state.events.pop_front() {
                state.handed.insert(event.request_id.clone(), Instant::now());
                return Some(event);
            }
            state = self.wait(state, GLANCE);
        }
    }

    fn take(&self, request_id: &str, outcome: Outcome) {
        let answered_at = Instant::now();
        lock(&self.state).outcomes.insert(request_id.to_owned(), (outcome, answered_at));
        self.changed.notify_all();
    }
}

/// The Runtime API of one function.
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

    /// For `AWS_LAMBDA_RUNTIME_API`.
    pub(crate) fn address(&self) -> String {
        self.server.address().to_string()
    }

    /// When the function first asked for an event, waiting for that at most `time`.
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

    pub(crate) fn hand_out(&self, event: Event) {
        lock(&self.shared.state).events.push_back(event);
        self.shared.changed.notify_all();
    }

    /// What came of an event, waiting for it at most `time`.
    pub(crate) fn answered(&self, request_id: &str, time: Duration) -> Option<Answered> {
        let mut state = lock(&self.shared.state);
        if !state.outcomes.contains_key(request_id) {
            state = self.shared.wait(state, time);
        }
        let (outcome, answered_at) = state.outcomes.remove(request_id)?;
        let handed_at = state.handed.remove(request_id)?;
        let took = answered_at.saturating_duration_since(handed_at);
        Some(Answered { outcome, request_id: request_id.to_owned(), took })
    }
}

impl Drop for Invocations {
    fn drop(&mut self) {
        lock(&self.shared.state).is_over = true;
        self.shared.changed.notify_all();
    }
}

fn serve(shared: &Shared, mut stream: BufReader<TcpStream>) {
    while let Ok(Some(request)) = http::read(&mut stream) {
        let answered = match (request.method.as_str(), request.path.strip_prefix(ROOT)) {
            ("GET", Some("invocation/next")) => match shared.next() {
                Some(event) => hand(stream.get_mut(), &event),
                None => return,
            },
            ("POST", Some(path)) => {
                let status = if is_taken(shared, path, &request) { 202 } else { 404 };
                http::write(stream.get_mut(), status, &[], b"{}")
            }
            _ => http::write(stream.get_mut(), 404, &[], b"{}"),
        };
        if answered.is_err() {
            return;
        }
    }
}

fn hand(stream: &mut TcpStream, event: &Event) -> std::io::Result<()> {
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

fn is_taken(shared: &Shared, path: &str, request: &Request) -> bool {
    let said = serde_json::from_slice(&request.body).unwrap_or_else(|error| {
        Value::String(format!("{error}: {}", String::from_utf8_lossy(&request.body)))
    });
    if path == "init/error" {
        lock(&shared.state).start_error = Some(said);
        return true;
    }
    let parts = path.strip_prefix("invocation/").and_then(|rest| rest.split_once('/'));
    match parts {
        Some((id, "response")) => shared.take(id, Outcome::Answer(said)),
        Some((id, "error")) => shared.take(id, Outcome::Error(said)),
        _ => return false,
    }
    true
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    const SOON: Duration = Duration::from_secs(60);

    fn ask(address: &str, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    #[test]
    fn an_event_goes_out_once_and_its_answer_comes_back() {
        let api = Invocations::start().unwrap();
        let next = format!("GET {ROOT}invocation/next HTTP/1.1\r\n\r\n");
        let mut stream = ask(&api.address(), &next);
        while api.ready_at(SOON).is_none() {}
        let event = Event {
            request_id: "r1".to_owned(),
            deadline_ms: 7,
            trace_id: "Root=1-a-b".to_owned(),
            body: "{}".to_owned(),
        };
        api.hand_out(event);
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
            [("response", Outcome::Answer(5.into())), ("error", Outcome::Error(5.into()))]
        {
            lock(&api.shared.state).handed.insert("r1".to_owned(), Instant::now());
            let post =
                format!("POST {ROOT}invocation/r1/{path} HTTP/1.1\r\ncontent-length: 1\r\n\r\n5");
            let _stream = ask(&api.address(), &post);
            let answered = std::iter::repeat_with(|| api.answered("r1", SOON)).flatten().next();
            assert_eq!(answered.unwrap().outcome, want);
        }
    }
}
