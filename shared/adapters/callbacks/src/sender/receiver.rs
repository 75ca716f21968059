//! A receiver of callbacks on a local port, for tests.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// A request, with header names in lower case.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) line: String,
    pub(super) headers: HashMap<String, String>,
    pub(super) body: Vec<u8>,
}

/// Accepts connections one at a time until it is dropped.
pub(super) struct Receiver {
    pub(super) address: SocketAddr,
    state: Arc<ReceiverState>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct ReceiverState {
    requests: Mutex<Vec<Request>>,
    connections: AtomicUsize,
    is_stopped: AtomicBool,
}

/// A connection from which the request has been read.
pub(super) struct Connection(TcpStream);

impl Connection {
    /// Writes to the connection. Returns whether it is still open.
    pub(super) fn write(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).is_ok()
    }

    /// Waits until the client closes the connection.
    pub(super) fn wait_for_close(&mut self) {
        while self.0.read(&mut [0; 64]).is_ok_and(|read| read > 0) {}
    }
}

impl Receiver {
    pub(super) fn with_response(answer: Vec<u8>) -> Self {
        Self::start(move |stream| {
            stream.write(&answer);
        })
    }

    pub(super) fn start(answer: impl Fn(&mut Connection) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(ReceiverState::default());
        let shared = Arc::clone(&state);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if shared.is_stopped.load(Ordering::SeqCst) {
                    return;
                }
                shared.connections.fetch_add(1, Ordering::SeqCst);
                let mut stream = stream.unwrap();
                if let Some(request) = read(&mut stream) {
                    shared.requests.lock().unwrap().push(request);
                }
                answer(&mut Connection(stream));
            }
        });
        Self { address, state, thread: Some(thread) }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.state.requests.lock().unwrap().clone()
    }

    pub(super) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.state.is_stopped.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
        self.thread.take().unwrap().join().unwrap();
    }
}

/// Reads a request with its body; `None` for other data, such as a TLS handshake.
fn read(stream: &mut TcpStream) -> Option<Request> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        // A request starts with a letter. After any other byte, no request follows.
        let is_request = head.first().is_none_or(u8::is_ascii_alphabetic);
        if !is_request || stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).ok()?;
    let mut lines = head.trim_end().lines();
    let line = lines.next()?.to_owned();
    let headers: HashMap<_, _> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let mut body = vec![0; headers.get("content-length")?.parse().ok()?];
    stream.read_exact(&mut body).ok()?;
    Some(Request { line, headers, body })
}

/// Formats a response, head and body. `status` may include further headers.
pub(super) fn reply(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}
