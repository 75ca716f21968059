//! A DynamoDB that answers what a test says.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::{Value, json};

use crate::http;
use crate::server::{Server, lock};

/// What a call gets.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// This, with status 200.
    Done(Value),
    /// An error by its name, as `ThrottlingException`, with what else its body holds.
    Failed {
        /// `InternalServerError` comes with status 500, all others with 400.
        error: String,
        /// For people.
        message: String,
        /// Members of the body beside, as `CancellationReasons`.
        more: Value,
    },
    /// A status of something in between, with a body that is not DynamoDB's.
    Status(u16),
    /// Nothing, ever, on a connection that stays open.
    Hang,
    /// The end of the connection.
    Close,
    /// Bytes that are no HTTP.
    Garbage,
}

impl Reply {
    /// Reads a reply as it stands in a file of cases: `hang`, `close`, `garbage`, `status 502`,
    /// `{"error": NAME, "message": TEXT, ...}`, or any other JSON, which is [`Reply::Done`].
    #[must_use]
    pub fn of(value: &Value) -> Self {
        let text = value.as_str().unwrap_or_default();
        if let Some(status) = text.strip_prefix("status ").and_then(|status| status.parse().ok()) {
            return Self::Status(status);
        }
        match (text, value.pointer("/error").and_then(Value::as_str)) {
            ("hang", _) => Self::Hang,
            ("close", _) => Self::Close,
            ("garbage", _) => Self::Garbage,
            (_, Some(error)) => Self::Failed {
                error: error.to_owned(),
                message: value.pointer("/message").and_then(Value::as_str).unwrap_or("").to_owned(),
                more: value.clone(),
            },
            _ => Self::Done(value.clone()),
        }
    }
}

/// A call that came.
#[derive(Clone, Debug)]
pub struct Called {
    /// As `GetItem`.
    pub operation: String,
    /// Its parameters.
    pub parameters: Value,
    /// Whether [`Reply::Done`] went out.
    pub is_done: bool,
}

#[derive(Debug, Default)]
struct Script {
    replies: BTreeMap<String, Vec<Reply>>,
    called: Vec<Called>,
    greeted_at: Vec<Instant>,
}

#[derive(Debug, Default)]
struct Shared {
    script: Mutex<Script>,
    /// Connections below this number are dead: they stay open and nothing comes of them.
    dead_below: AtomicUsize,
}

/// A DynamoDB on loopback. Ends with all of its connections when it is dropped.
#[derive(Debug)]
pub struct DynamoDb {
    server: Server,
    shared: Arc<Shared>,
}

impl DynamoDb {
    /// Starts one that answers nothing yet but `GET /`.
    ///
    /// # Errors
    /// No port could be had.
    pub fn start() -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let serving = Arc::clone(&shared);
        let server = Server::start(move |number, stream| serve(&serving, number, stream))?;
        Ok(Self { server, shared })
    }

    /// For `AWS_ENDPOINT_URL`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// What calls of an operation get, one after the other; the last is repeated. Replaces what was
    /// said before. Operations of which nothing was said get a `ValidationException`.
    pub fn answers(&self, operation: &str, replies: impl IntoIterator<Item = Reply>) {
        let replies: Vec<Reply> = replies.into_iter().collect();
        lock(&self.shared.script).replies.insert(operation.to_owned(), replies);
    }

    /// The calls since the last look.
    #[must_use]
    pub fn take_calls(&self) -> Vec<Called> {
        std::mem::take(&mut lock(&self.shared.script).called)
    }

    /// When each `GET /` came.
    #[must_use]
    pub fn greetings(&self) -> Vec<Instant> {
        lock(&self.shared.script).greeted_at.clone()
    }

    /// How many connections were made so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.server.connections()
    }

    /// Closes every connection that there is; others may come.
    pub fn close_connections(&self) {
        self.server.close_connections();
    }

    /// Lets every connection that there is die without a word: it stays open and nothing comes of
    /// it. Others may come.
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
            lock(&shared.script).greeted_at.push(Instant::now());
            http::write(
                stream.get_mut(),
                200,
                &[],
                b"healthy: dynamodb.eu-central-1.amazonaws.com ",
            )
        } else {
            match shared.reply(&request) {
                Reply::Done(value) => answer(stream.get_mut(), 200, &value),
                Reply::Failed { error, message, more } => {
                    let status = if error == "InternalServerError" { 500 } else { 400 };
                    answer(stream.get_mut(), status, &failure(&error, &message, more))
                }
                Reply::Status(status) => {
                    let text = b"<html>something in between</html>";
                    http::write(stream.get_mut(), status, &[("content-type", "text/html")], text)
                }
                Reply::Hang => return hang(&mut stream),
                Reply::Close => return close(&stream),
                Reply::Garbage => {
                    // The peer may be gone.
                    let _ = stream.get_mut().write_all(b"\x00\xff this is no HTTP\r\n\r\n");
                    return close(&stream);
                }
            }
        };
        if written.is_err() {
            return;
        }
    }
}

/// The other end of the stream is also held elsewhere, so that it has to be closed by word.
fn close(stream: &BufReader<TcpStream>) {
    let _ = stream.get_ref().shutdown(std::net::Shutdown::Both);
}

/// Until the peer gives up.
fn hang(stream: &mut BufReader<TcpStream>) {
    let mut rest = [0; 4096];
    while stream.fill_buf().is_ok_and(|bytes| !bytes.is_empty()) {
        if stream.read(&mut rest).is_err() {
            return;
        }
    }
}

fn answer(stream: &mut TcpStream, status: u16, value: &Value) -> std::io::Result<()> {
    let headers =
        [("content-type", "application/x-amz-json-1.0"), ("x-amzn-requestid", "SCRIPTED")];
    http::write(stream, status, &headers, value.to_string().as_bytes())
}

/// Errors as the JSON 1.0 protocol spells them.
fn failure(error: &str, message: &str, more: Value) -> Value {
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
        let reply = reply.unwrap_or_else(|| Reply::Failed {
            error: "ValidationException".to_owned(),
            message: format!("the test says nothing of `{operation}`"),
            more: Value::Null,
        });
        let is_done = matches!(reply, Reply::Done(_));
        script.called.push(Called { operation: operation.to_owned(), parameters, is_done });
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

    /// Status and body; nothing where the connection ends.
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
        store.answers(
            "GetItem",
            [&throttled, &json!("status 502"), &json!({"a": 1})].map(Reply::of),
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
        assert_eq!((calls.len(), calls.iter().filter(|call| call.is_done).count()), (4, 2));
        post(stream.get_mut(), "Scan").unwrap();
        assert!(read(&mut stream).unwrap().1.contains("nothing of `Scan`"));
    }

    #[test]
    fn a_connection_ends_hangs_or_dies_as_it_is_told() {
        let store = DynamoDb::start().unwrap();
        for word in ["close", "garbage"] {
            store.answers("GetItem", [Reply::of(&word.into())]);
            let mut stream = connect(&store);
            post(stream.get_mut(), "GetItem").unwrap();
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest);
            assert_eq!(rest.is_empty(), word == "close", "{rest:?}");
        }
        store.answers("GetItem", [Reply::Done(json!({}))]);
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
    fn anybody_may_greet_it() {
        let store = DynamoDb::start().unwrap();
        let mut stream = connect(&store);
        stream.get_mut().write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        assert!(read(&mut stream).unwrap().1.starts_with("healthy"));
        assert_eq!((store.greetings().len(), store.take_calls().len()), (1, 0));
    }
}
