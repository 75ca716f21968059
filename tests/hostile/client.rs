//! Requests as bytes, each on a connection of its own: no library bounds what an attacker sends.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use libtest_mimic::Failed;
use nix::unistd::{Uid, geteuid, setfsuid};
use serde_json::Value;

use writ_tests::server::Server;

/// Time for a reply, longer than the platform takes for any.
const REPLY_TIMEOUT: Duration = Duration::from_secs(45);

/// Bytes that a reply may have.
const REPLY_BYTES_MAX: u64 = 64 << 20;

/// Users that own nothing: of the attacker's requests, and of the connections that it holds. With
/// one for both, its own connections would take the places of its requests.
pub(crate) const REQUESTER: u32 = 65_534;
pub(crate) const HOLDER: u32 = 65_533;

/// Makes the sockets of this thread another user's, where the test may: what the server's own user
/// does to it is not promised. Elsewhere the attacker is one more process of that user.
pub(crate) fn become_user(user: u32) {
    if geteuid().is_root() {
        setfsuid(Uid::from_raw(user));
    }
}

/// One request, without the headers that every request has.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query string, as they are sent.
    pub(crate) path: String,
    /// Lines of the head without their ends.
    pub(crate) headers: Vec<String>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) fn new(method: &str, path: &str) -> Self {
        let (method, path) = (method.to_owned(), path.to_owned());
        Self { method, path, headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    pub(crate) fn post(path: &str, body: &Value) -> Self {
        Self::new("POST", path).text(body.to_string())
    }

    /// The same request with this body, whether it is JSON or not.
    pub(crate) fn text(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn header(mut self, line: String) -> Self {
        self.headers.push(line);
        self
    }

    /// The bytes on the wire.
    pub(crate) fn bytes(&self, client: &Client) -> Vec<u8> {
        let mut head =
            format!("{} {} HTTP/1.1\r\nHost: {}\r\n", self.method, self.path, client.address);
        if !self.headers.iter().any(|line| line.starts_with("Authorization:")) {
            head.push_str(&format!("Authorization: Bearer {}\r\n", client.token));
        }
        if !self.body.is_empty() || self.method != "GET" {
            head.push_str("Content-Type: application/json\r\n");
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        for line in &self.headers {
            head.push_str(&format!("{line}\r\n"));
        }
        head.push_str("\r\n");
        [head.as_bytes(), &self.body].concat()
    }
}

/// A caller with a token.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) address: String,
    pub(crate) token: String,
}

impl Client {
    /// A caller in a workspace, with a new token that the local admin issues.
    pub(crate) fn create(server: &Server, workspace: &str, role: &str) -> Result<Self, Failed> {
        let token = serde_json::json!({"subject": workspace, "role": role, "workspace": workspace});
        let response = server.post("/token", &token)?;
        let issued = response.json()?;
        let token = issued.pointer("/data/token").and_then(Value::as_str);
        let token = token.ok_or_else(|| format!("no token: {response:?}"))?.to_owned();
        Ok(Self { address: server.url.trim_start_matches("http://").to_owned(), token })
    }

    /// Opens a connection to the server.
    pub(crate) fn connect(&self) -> std::io::Result<TcpStream> {
        let stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(REPLY_TIMEOUT))?;
        stream.set_write_timeout(Some(REPLY_TIMEOUT))?;
        Ok(stream)
    }

    /// Sends a request and returns the status and the body of its reply.
    pub(crate) fn send(&self, request: &Request) -> std::io::Result<(u16, String)> {
        let request = request.clone().header("Connection: close".to_owned());
        let mut stream = self.connect()?;
        // The server may refuse a request before it has read it.
        let sent = stream.write_all(&request.bytes(self));
        let mut reply = Vec::new();
        let received = (&stream).take(REPLY_BYTES_MAX).read_to_end(&mut reply);
        let _ = stream.shutdown(Shutdown::Both);
        let reply = String::from_utf8_lossy(&reply);
        let status = reply.split(' ').nth(1).and_then(|status| status.parse().ok());
        match (status, sent, received) {
            (Some(status), ..) => {
                let body = reply.split_once("\r\n\r\n").map_or("", |(_, body)| body);
                Ok((status, body.to_owned()))
            }
            (None, Err(error), _) | (None, _, Err(error)) => Err(error),
            (None, ..) => Err(std::io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Sends a request, and returns the JSON of its reply, which has to have this status.
    pub(crate) fn expect(&self, status: u16, request: &Request) -> Result<Value, Failed> {
        let name = format!("{} {}", request.method, request.path);
        let (found, body) = self.send(request).map_err(|error| format!("{name}: {error}"))?;
        if found != status {
            let body: String = body.chars().take(500).collect();
            return crate::fail(format!("{name}: {found} instead of {status}: {body}"));
        }
        serde_json::from_str(&body).map_err(|error| format!("{name}: {error}: {body}").into())
    }
}
