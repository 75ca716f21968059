//! A DynamoDB with scripted replies.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::{Value, json};

use crate::http;
use crate::server::{Server, lock};

/// The scripted reply to a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// A success with this body and the status 200.
    Success(Value),
    /// An error of DynamoDB.
    Error {
        /// The name of the error, as `ThrottlingException`. `InternalServerError` has the status
        /// 500, all others have 400.
        error: String,
        /// The error message of the body.
        message: String,
        /// Further members of the body, as `CancellationReasons`.
        more: Value,
    },
    /// A status of a proxy, with a body that is not DynamoDB's.
    Status(u16),
    /// No reply, on a connection that stays open.
    Hang,
    /// A connection that is closed without a reply.
    Close,
    /// Bytes that are not HTTP.
    Garbage,
}

impl Reply {
    /// Parses a reply of a case file: `hang`, `close`, `garbage`, `status 502`,
    /// `{"error": NAME, "message": TEXT, ...}`, or any other JSON, which is [`Reply::Success`].
    #[must_use]
    pub fn parse(value: &Value) -> Self {
        let text = value.as_str().unwrap_or_default();
        if let Some(status) = text.strip_prefix("status ").and_then(|status| status.parse().ok()) {
            return Self::Status(status);
        }
        match (text, value.pointer("/error").and_then(Value::as_str)) {
            ("hang", _) => Self::Hang,
            ("close", _) => Self::Close,
            ("garbage", _) => Self::Garbage,
            (_, Some(error)) => Self::Error {
                error: error.to_owned(),
                message: value.pointer("/message").and_then(Value::as_str).unwrap_or("").to_owned(),
                more: value.clone(),
            },
            _ => Self::Success(value.clone()),
        }
    }
}

/// A call that was received.
#[derive(Clone, Debug)]
pub struct RecordedCall {
    /// The name of the operation, as `GetItem`.
    pub operation: String,
    /// The parameters of the operation; `null` if the body is not JSON.
    pub parameters: Value,
    /// Whether the reply was [`Reply::Success`].
    pub is_success: bool,
}

#[derive(Debug, Default)]
struct Script {
    replies: BTreeMap<String, Vec<Reply>>,
    calls: Vec<RecordedCall>,
    warm_ups: Vec<Instant>,
}

#[derive(Debug, Default)]
struct Shared {
    script: Mutex<Script>,
    /// Connections with a lower number stay open and get no reply.
    dead_below: AtomicUsize,
}

/// A DynamoDB on loopback. Dropping it closes its port and all of its connections.
#[derive(Debug)]
pub struct DynamoDb {
    server: Server,
    shared: Arc<Shared>,
}

impl DynamoDb {
    /// Starts a server without scripted replies; it answers `GET /` alone.
    ///
    /// # Errors
    /// No port could be bound.
    pub fn start() -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let serving = Arc::clone(&shared);
        let server = Server::start(move |number, stream| serve(&serving, number, stream))?;
        Ok(Self { server, shared })
    }

    /// The endpoint, a value for `AWS_ENDPOINT_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// Sets the replies to calls of an operation, in order; the last one is repeated. They replace the
    /// earlier ones. An operation without replies gets a `ValidationException`.
    pub fn set_replies(&self, operation: &str, replies: impl IntoIterator<Item = Reply>) {
        let replies: Vec<Reply> = replies.into_iter().collect();
        lock(&self.shared.script).replies.insert(operation.to_owned(), replies);
    }

    /// Takes the calls that were received since the last `take_calls`.
    #[must_use]
    pub fn take_calls(&self) -> Vec<RecordedCall> {
        std::mem::take(&mut lock(&self.shared.script).calls)
    }

    /// The time of each `GET /`, with which functions open their connections early.
    #[must_use]
    pub fn warm_ups(&self) -> Vec<Instant> {
        lock(&self.shared.script).warm_ups.clone()
    }

    /// The number of connections that were accepted so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.server.connections()
    }

    /// Closes every open connection; new ones are accepted.
    pub fn close_connections(&self) {
        self.server.close_connections();
    }

    /// Stops replying on every open connection without closing it; new ones are served.
    pub fn kill_connections(&self) {
        self.shared.dead_below.store(self.server.connections(), Ordering::Release);
    }
}

fn serve(shared: &Shared, number: usize, mut stream: BufReader<TcpStream>) {
    while let Ok(Some(request)) = http::read(&mut stream) {
        if number < shared.dead_below.load(Ordering::Acquire) {
            return hang(&mut stream);
        }
        let written = if request.method == "GET" && request.path == "/" {
            lock(&shared.script).warm_ups.push(Instant::now());
            http::write(
                stream.get_mut(),
                200,
                &[],
                b"healthy: dynamodb.eu-central-1.amazonaws.com ",
            )
        } else {
            match shared.reply(&request) {
                Reply::Success(value) => write_json(stream.get_mut(), 200, &value),
                Reply::Error { error, message, more } => {
                    let status = if error == "InternalServerError" { 500 } else { 400 };
                    write_json(stream.get_mut(), status, &error_body(&error, &message, more))
                }
                Reply::Status(status) => {
                    let text = b"<html>a proxy</html>";
                    http::write(stream.get_mut(), status, &[("content-type", "text/html")], text)
                }
                Reply::Hang => return hang(&mut stream),
                Reply::Close => return close(&stream),
                Reply::Garbage => {
                    // The peer may have closed the connection.
                    let _ = stream.get_mut().write_all(b"\x00\xff this is not HTTP\r\n\r\n");
                    return close(&stream);
                }
            }
        };
        if written.is_err() {
            return;
        }
    }
}

/// Shuts the stream down: another handle of it exists, so that dropping this one would not close it.
fn close(stream: &BufReader<TcpStream>) {
    let _ = stream.get_ref().shutdown(std::net::Shutdown::Both);
}

/// Reads and ignores input until the peer closes the connection.
fn hang(stream: &mut BufReader<TcpStream>) {
    let mut rest = [0; 4096];
    while stream.fill_buf().is_ok_and(|bytes| !bytes.is_empty()) {
        if stream.read(&mut rest).is_err() {
            return;
        }
    }
}

fn write_json(stream: &mut TcpStream, status: u16, value: &Value) -> std::io::Result<()> {
    let headers =
        [("content-type", "application/x-amz-json-1.0"), ("x-amzn-requestid", "SCRIPTED")];
    http::write(stream, status, &headers, value.to_string().as_bytes())
}

/// The body of an error in the AWS JSON 1.0 protocol.
fn error_body(error: &str, message: &str, more: Value) -> Value {
    let mut body = if more.is_object() { more } else { json!({}) };
    if let Some(members) = body.as_object_mut() {
        members.remove("error");
        let of_dynamodb = format!("com.amazonaws.dynamodb.v20120810#{error}");
        members.insert("__type".to_owned(), of_dynamodb.into());
        members.insert("message".to_owned(), message.into());
    }
    body
}

impl Shared {
    fn reply(&self, request: &http::Request) -> Reply {
        let target = request.header("x-amz-target").unwrap_or_default();
        let operation = target.strip_prefix("DynamoDB_20120810.").unwrap_or(target);
        let parameters = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
        let mut script = lock(&self.script);
        let reply = match script.replies.get_mut(operation) {
            Some(replies) if replies.len() > 1 => Some(replies.remove(0)),
            Some(replies) => replies.first().cloned(),
            None => None,
        };
        let reply = reply.unwrap_or_else(|| Reply::Error {
            error: "ValidationException".to_owned(),
            message: format!("the test has no reply for `{operation}`"),
            more: Value::Null,
        });
        let is_success = matches!(reply, Reply::Success(_));
        let operation = operation.to_owned();
        script.calls.push(RecordedCall { operation, parameters, is_success });
        reply
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn post(stream: &mut TcpStream, operation: &str) -> std::io::Result<()> {
        let head = format!("POST / HTTP/1.1\r\nx-amz-target: DynamoDB_20120810.{operation}\r\n");
        stream.write_all(format!("{head}content-length: 2\r\n\r\n{{}}").as_bytes())
    }

    /// Reads status and body of a reply; `None` at the end of the connection.
    fn read(stream: &mut BufReader<TcpStream>) -> Option<(String, String)> {
        let mut line = String::new();
        stream.read_line(&mut line).ok().filter(|bytes| *bytes > 0)?;
        let status = line.split(' ').nth(1)?.to_owned();
        let mut length = 0;
        while line != "\r\n" {
            line.clear();
            stream.read_line(&mut line).ok()?;
            if let Some(text) = line.strip_prefix("content-length: ") {
                length = text.trim_end().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).ok()?;
        Some((status, String::from_utf8(body).ok()?))
    }

    fn connect(store: &DynamoDb) -> BufReader<TcpStream> {
        BufReader::new(TcpStream::connect(store.server.address()).unwrap())
    }

    #[test]
    fn replies_come_in_order_and_the_last_one_stays() {
        let store = DynamoDb::start().unwrap();
        let throttled = json!({"error": "ThrottlingException", "message": "slow down"});
        store.set_replies(
            "GetItem",
            [&throttled, &json!("status 502"), &json!({"a": 1})].map(Reply::parse),
        );
        let mut stream = connect(&store);
        for want in ["400", "502", "200", "200"] {
            post(stream.get_mut(), "GetItem").unwrap();
            let (status, body) = read(&mut stream).unwrap();
            assert_eq!(
                (status.as_str(), body.contains("#ThrottlingException")),
                (want, want == "400")
            );
        }
        let calls = store.take_calls();
        assert_eq!((calls.len(), calls.iter().filter(|call| call.is_success).count()), (4, 2));
        post(stream.get_mut(), "Scan").unwrap();
        assert!(read(&mut stream).unwrap().1.contains("no reply for `Scan`"));
    }

    #[test]
    fn a_connection_ends_hangs_or_dies_as_scripted() {
        let store = DynamoDb::start().unwrap();
        for word in ["close", "garbage"] {
            store.set_replies("GetItem", [Reply::parse(&word.into())]);
            let mut stream = connect(&store);
            post(stream.get_mut(), "GetItem").unwrap();
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest);
            assert_eq!(rest.is_empty(), word == "close", "{rest:?}");
        }
        store.set_replies("GetItem", [Reply::Success(json!({}))]);
        let mut dead = connect(&store);
        post(dead.get_mut(), "GetItem").unwrap();
        assert!(read(&mut dead).is_some());
        store.kill_connections();
        post(dead.get_mut(), "GetItem").unwrap();
        let mut alive = connect(&store);
        post(alive.get_mut(), "GetItem").unwrap();
        assert!(read(&mut alive).is_some());
        store.close_connections();
        assert_eq!(read(&mut dead), None);
        assert_eq!(store.connections(), 4);
    }

    #[test]
    fn a_warm_up_is_counted_and_is_no_call() {
        let store = DynamoDb::start().unwrap();
        let mut stream = connect(&store);
        stream.get_mut().write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        assert!(read(&mut stream).unwrap().1.starts_with("healthy"));
        assert_eq!((store.warm_ups().len(), store.take_calls().len()), (1, 0));
    }
}
