//! Tests with a provider on a local socket.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::*;

/// An HTTP server with responses by path, which runs until it is dropped.
struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    thread: Option<JoinHandle<()>>,
}

/// Returns the response for a path, head and body.
type Answer = Box<dyn Fn(&str, SocketAddr) -> Vec<u8> + Send>;

const QUIT: &str = "/quit";

impl Server {
    fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = Vec::new();
                let mut byte = [0];
                while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                    request.push(byte[0]);
                }
                let request = String::from_utf8(request).unwrap();
                let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
                if path == QUIT {
                    return;
                }
                let reply = answer(&path, address);
                log.lock().unwrap().push(path);
                // The client closes the connection when it has read enough.
                let _ = stream.write_all(&reply);
            }
        });
        Self { address, asked, thread: Some(thread) }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut stream = std::net::TcpStream::connect(self.address).unwrap();
        stream.write_all(format!("GET {QUIT} HTTP/1.1\r\n\r\n").as_bytes()).unwrap();
        self.thread.take().unwrap().join().unwrap();
    }
}

fn reply(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}")
        .into_bytes()
}

const KEYS: &str = r#"{"keys": [
    {"kid": "a", "kty": "OKP", "crv": "Ed25519", "x": "AAAA"},
    {"kid": "odd", "kty": 7},
    "no key",
    {"kid": "b", "kty": "RSA", "n": "AAAA", "e": "AQAB", "x5c": ["AAAA"], "use": "sig"}
]}"#;

/// A conforming provider, on paths below `/realm`.
fn conforming(path: &str, address: SocketAddr) -> Vec<u8> {
    match path {
        "/realm/.well-known/openid-configuration" => reply(
            "200 OK",
            &format!(
                r#"{{"issuer": "http://{address}/realm", "jwks_uri": "http://{address}/keys"}}"#
            ),
        ),
        "/keys" => reply("200 OK", KEYS),
        _ => reply("404 Not Found", "{}"),
    }
}

fn provider(issuer: &str, jwks_url: Option<&str>) -> Provider {
    let endpoint = |url: &str| Endpoint::new(url).unwrap();
    Provider::new(endpoint(issuer), jwks_url.map(endpoint))
}

fn names(keys: &[Jwk]) -> Vec<&str> {
    keys.iter().filter_map(|key| key.kid.as_deref()).collect()
}

#[test]
fn keys_are_found_by_discovery_and_read_one_by_one() {
    let server = Server::start(Box::new(conforming));
    let keys = provider(&server.url("/realm"), None).fetch().unwrap();
    assert_eq!(names(&keys), ["a", "b"]);
    assert_eq!(server.asked(), ["/realm/.well-known/openid-configuration", "/keys"]);
}

#[test]
fn a_given_url_needs_no_discovery() {
    let server = Server::start(Box::new(conforming));
    let url = server.url("/keys");
    let keys = provider("https://issuer.example", Some(&url)).fetch().unwrap();
    assert_eq!((names(&keys), server.asked()), (vec!["a", "b"], vec!["/keys".to_owned()]));
}

#[test]
fn discovery_asks_one_slash_and_believes_the_exact_issuer_alone() {
    let server = Server::start(Box::new(conforming));
    let error = provider(&server.url("/realm/"), None).fetch().unwrap_err();
    assert!(matches!(error, FetchError::Issuer { .. }), "{error}");
    assert_eq!(server.asked(), ["/realm/.well-known/openid-configuration"]);
}

#[test]
fn keys_over_the_network_in_clear_text_are_not_fetched() {
    for keys in ["http://10.0.0.1/keys", "ftp://127.0.0.1/keys", "/keys", ""] {
        let server = Server::start(Box::new(move |_, address| {
            let body = format!(r#"{{"issuer": "http://{address}", "jwks_uri": "{keys}"}}"#);
            reply("200 OK", &body)
        }));
        let error = provider(&server.url(""), None).fetch().unwrap_err();
        assert!(matches!(error, FetchError::KeysUrl { .. }), "{keys}: {error}");
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let server = Server::start(Box::new(|path, address| {
        match path {
        "/keys" => format!(
            "HTTP/1.1 302 Found\r\nLocation: http://{address}/elsewhere\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        .into_bytes(),
        _ => reply("200 OK", KEYS),
    }
    }));
    let keys = server.url("/keys");
    let error = provider("https://issuer.example", Some(&keys)).fetch().unwrap_err();
    assert!(matches!(error, FetchError::Status { status: 302, .. }), "{error}");
    assert_eq!(server.asked(), ["/keys"]);
}

#[test]
fn an_answer_that_is_none_is_refused() {
    for (answer, what) in [
        (reply("500 Internal Server Error", KEYS), "answered 500"),
        (reply("204 No Content", ""), "answered 204"),
        (reply("200 OK", "<html>"), "is not a set of keys"),
        (reply("200 OK", "{}"), "is not a set of keys"),
        (reply("200 OK", r#"{"keys": {}}"#), "is not a set of keys"),
        (
            reply("200 OK", &format!("{}{KEYS}", " ".repeat(256 * 1024 + 1 - KEYS.len()))),
            "could not be read",
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{".to_vec(), "could not be read"),
        (b"SSH-2.0-OpenSSH_9.9\r\n".to_vec(), "did not answer"),
        (Vec::new(), "did not answer"),
    ] {
        let server = Server::start(Box::new(move |_, _| answer.clone()));
        let keys = server.url("/keys");
        let error = provider("https://issuer.example", Some(&keys)).fetch().unwrap_err();
        assert!(error.to_string().contains(what), "{what}: {error}");
    }
}

#[test]
fn an_answer_as_long_as_the_bound_is_read() {
    let body = format!("{KEYS}{}", " ".repeat(256 * 1024 - KEYS.len()));
    let server = Server::start(Box::new(move |_, _| reply("200 OK", &body)));
    let keys = server.url("/keys");
    assert_eq!(provider("https://issuer.example", Some(&keys)).fetch().unwrap().len(), 2);
}

#[test]
fn a_closed_port_is_an_error_and_no_panic() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = provider(&format!("http://{free}"), None).fetch().unwrap_err();
    assert!(matches!(error, FetchError::Unreachable { .. }), "{error}");
}

#[test]
fn a_silent_server_times_out() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let mut provider = provider(&url, None);
    provider.total_timeout = Duration::from_millis(50);
    let error = provider.fetch().unwrap_err();
    assert!(matches!(error, FetchError::Unreachable { .. }), "{error}");
}

#[test]
fn a_slow_body_times_out() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let dripping = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n");
        // Ends when the client closes the connection.
        while stream.write_all(b" ").is_ok() {
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    let mut provider = provider("https://issuer.example", Some(&url));
    provider.total_timeout = Duration::from_millis(100);
    let error = provider.fetch().unwrap_err();
    assert!(matches!(error, FetchError::Body { .. }), "{error}");
    dripping.join().unwrap();
}
