//! An identity provider on a port of this machine: its configuration and its keys.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use serde_json::{Value, json};

const QUIT: &str = "/quit";

/// An HTTP server with the configuration and the keys of an issuer; it stops when it is dropped.
pub struct Server {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    thread: Option<JoinHandle<()>>,
}

struct State {
    jwks: Value,
    is_down: bool,
}

impl Server {
    /// Publishes these keys at `/keys` and the configuration at its well-known path.
    ///
    /// # Errors
    /// The port of this machine that could not be bound.
    pub fn start(jwks: Value) -> Result<Self, std::io::Error> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let state = Arc::new(Mutex::new(State { jwks, is_down: false }));
        let shared = Arc::clone(&state);
        let thread = std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let state = shared.lock().unwrap_or_else(PoisonError::into_inner);
                if answer(stream, address, &state).is_ok_and(|goes_on| !goes_on) {
                    return;
                }
            }
        });
        Ok(Self { address, state, thread: Some(thread) })
    }

    /// The issuer, which is also the base of its URLs.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Publishes other keys from now on.
    pub fn publish(&self, jwks: Value) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).jwks = jwks;
    }

    /// Closes each connection without an answer, or answers again.
    pub fn set_down(&self, is_down: bool) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).is_down = is_down;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let quit = format!("GET {QUIT} HTTP/1.1\r\n\r\n");
        let sent = TcpStream::connect(self.address)
            .and_then(|mut stream| stream.write_all(quit.as_bytes()));
        if let (Ok(()), Some(thread)) = (sent, self.thread.take()) {
            // A panic of the thread has been printed already.
            let _ = thread.join();
        }
    }
}

/// Answers one request; `false` when it was the last one.
fn answer(
    mut stream: TcpStream,
    address: SocketAddr,
    state: &State,
) -> Result<bool, std::io::Error> {
    let mut head = BufReader::new(stream.try_clone()?).lines();
    let line = head.next().transpose()?.unwrap_or_default();
    // Reads the rest of the head: closing with unread bytes would reset the connection.
    for line in head {
        if line?.is_empty() {
            break;
        }
    }
    let (status, body) = match line.split(' ').nth(1) {
        Some(QUIT) => return Ok(false),
        _ if state.is_down => return Ok(true),
        Some("/keys") => ("200 OK", state.jwks.clone()),
        Some("/.well-known/openid-configuration") => {
            let issuer = format!("http://{address}");
            let jwks_uri = format!("{issuer}/keys");
            ("200 OK", json!({ "issuer": issuer, "jwks_uri": jwks_uri }))
        }
        _ => ("404 Not Found", json!({})),
    };
    let body = body.to_string();
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )?;
    Ok(true)
}
