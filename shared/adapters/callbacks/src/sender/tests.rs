//! Requests to receivers on local sockets.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use super::receiver::{Receiver, reply};
use super::*;
use crate::address::ReservedRange;
use crate::message::{Headers, verify};
use crate::secret::Secret;

const TIMESTAMP_S: i64 = 1_614_265_330;

fn message() -> Message {
    let body = br#"{"job_id":"1"}"#.as_slice();
    Message::sign("msg_1", TIMESTAMP_S, body, &[secret()]).unwrap()
}

fn secret() -> Secret {
    Secret::from_bytes([7; 32])
}

fn local_sender() -> Sender {
    sender_with(Timeouts::default())
}

fn sender_with(timeouts: Timeouts) -> Sender {
    Sender::with("127.0.0.1/32".parse().unwrap(), timeouts, SystemLookup)
}

fn transient(reason: FailureReason) -> Result<Acknowledgement, SendError> {
    Err(SendError::transient(reason))
}

fn delivered() -> Result<Acknowledgement, SendError> {
    Ok(Acknowledgement { status: 200 })
}

#[tokio::test]
async fn a_message_arrives_as_it_was_signed() {
    let receiver = Receiver::with_response(reply("200 OK", ""));
    let url = receiver.url("/jobs?x=1");
    assert_eq!(local_sender().send(&url, &message()).await, delivered());

    let requests = receiver.requests();
    let [request] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!(request.line, "POST /jobs?x=1 HTTP/1.1");
    assert_eq!(request.headers["host"], receiver.address.to_string());
    assert_eq!(request.headers["content-type"], "application/json");
    assert_eq!(request.headers["user-agent"], concat!("writ/", env!("CARGO_PKG_VERSION")));
    for absent in ["cookie", "authorization", "accept-encoding", "expect", "referer"] {
        assert!(!request.headers.contains_key(absent), "{absent}");
    }
    let headers = Headers {
        id: &request.headers["webhook-id"],
        timestamp: &request.headers["webhook-timestamp"],
        signature: &request.headers["webhook-signature"],
    };
    assert_eq!(headers.id, "msg_1");
    assert_eq!(request.body, message().body());
    assert_eq!(verify(headers, &request.body, &[secret()], TIMESTAMP_S, 0), Ok(()));
}

/// Runs the test above with a proxy in the environment that accepts no connections.
#[test]
fn no_proxy_of_the_environment_is_asked() {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "sender::tests::a_message_arrives_as_it_was_signed"]);
    for name in ["ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY"] {
        child.env(name, "http://127.0.0.1:1").env(name.to_lowercase(), "http://127.0.0.1:1");
    }
    let output = child.env_remove("NO_PROXY").env_remove("no_proxy").output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[tokio::test]
async fn an_answer_decides_what_becomes_of_it() {
    for (status, expected) in [
        ("204 No Content", Ok(Acknowledgement { status: 204 })),
        ("404 Not Found", transient(FailureReason::Status(404))),
        ("500 Internal Server Error", transient(FailureReason::Status(500))),
        ("410 Gone", Err(SendError::Permanent(FailureReason::Gone))),
        (
            "503 Service Unavailable\r\nRetry-After: 120",
            Err(SendError::Transient {
                reason: FailureReason::Status(503),
                retry_after: Some(Duration::from_secs(120)),
            }),
        ),
    ] {
        let receiver = Receiver::with_response(reply(status, "no words of the receiver's"));
        let outcome = local_sender().send(&receiver.url("/"), &message()).await;
        assert_eq!(outcome, expected, "{status}");
        let text = format!("{outcome:?}");
        assert!(!text.contains("words"), "{text}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_even_to_where_one_may_go() {
    let other = Receiver::with_response(reply("200 OK", ""));
    for code in [301, 302, 303, 307, 308] {
        let head = format!("{code} Elsewhere\r\nLocation: {}", other.url("/"));
        let receiver = Receiver::with_response(reply(&head, ""));
        let outcome = local_sender().send(&receiver.url("/"), &message()).await;
        assert_eq!(outcome, transient(FailureReason::Redirect(code)));
        assert_eq!(receiver.requests().len(), 1);
    }
    assert!(other.requests().is_empty());
}

/// Each body lasts until the total time limit.
const FOREVER: Duration = Duration::from_secs(86_400);

#[tokio::test]
async fn an_answer_stands_however_slow_its_body_is() {
    let receiver = Receiver::start(|stream| {
        stream.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nslow");
        stream.wait_for_close();
    });
    let response_body = Duration::from_millis(50);
    let sender = sender_with(Timeouts { response_body, total: FOREVER, ..Timeouts::default() });
    assert_eq!(sender.send(&receiver.url("/"), &message()).await, delivered());
}

#[tokio::test]
async fn an_answer_stands_however_long_its_body_is() {
    let written = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&written);
    let receiver = Receiver::start(move |stream| {
        stream.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n");
        while stream.write(&[b'x'; 65_536]) {
            count.fetch_add(65_536, Ordering::Relaxed);
        }
    });
    let sender = sender_with(Timeouts { response_body: FOREVER, ..Timeouts::default() });
    assert_eq!(sender.send(&receiver.url("/"), &message()).await, delivered());
    drop(receiver);
    // The data that fits into the socket buffers is sent before the client reads.
    let written = written.load(Ordering::Relaxed);
    assert!(written < 64 * 1024 * 1024, "{written}");
}

#[tokio::test]
async fn a_receiver_that_does_not_answer_in_time_is_retried() {
    let sender = sender_with(Timeouts { total: Duration::from_millis(200), ..Timeouts::default() });
    for head in ["", "HTTP/1.1 200 OK\r\nX: "] {
        let receiver = Receiver::start(move |stream| {
            stream.write(head.as_bytes());
            stream.wait_for_close();
        });
        let outcome = sender.send(&receiver.url("/"), &message()).await;
        assert_eq!(outcome, transient(FailureReason::SlowAnswer), "{head}");
    }
}

#[tokio::test]
async fn a_receiver_that_does_not_answer_in_http_is_retried() {
    let sender = local_sender();
    let rude = Receiver::with_response(Vec::new());
    let outcome = sender.send(&rude.url("/"), &message()).await;
    assert_eq!(outcome, transient(FailureReason::Connection(io::ErrorKind::UnexpectedEof)));

    for answer in ["SSH-2.0-OpenSSH_9.2\r\n\r\n".to_owned(), {
        let long = "y".repeat(HEAD_BYTES_MAX);
        format!("HTTP/1.1 200 OK\r\nX: {long}\r\n\r\n")
    }] {
        let receiver = Receiver::with_response(answer.clone().into_bytes());
        let outcome = sender.send(&receiver.url("/"), &message()).await;
        assert_eq!(
            outcome,
            transient(FailureReason::Protocol),
            "{}",
            answer.lines().next().unwrap()
        );
    }

    let plain = Receiver::with_response(reply("400 Bad Request", ""));
    let url = plain.url("/").replace("http:", "https:");
    assert_eq!(sender.send(&url, &message()).await, transient(FailureReason::Tls));

    let gone = Receiver::with_response(Vec::new()).url("/");
    let refused = FailureReason::Connection(io::ErrorKind::ConnectionRefused);
    assert_eq!(sender.send(&gone, &message()).await, transient(refused));
}

/// A fake resolver that counts its lookups.
#[derive(Clone, Debug, Default)]
struct Names {
    known: Arc<HashMap<&'static str, Vec<IpAddr>>>,
    lookups: Arc<AtomicUsize>,
}

impl Names {
    fn of<const N: usize>(names: [(&'static str, &[&str]); N]) -> Self {
        let known = names.map(|(name, addresses)| {
            (name, addresses.iter().map(|address| address.parse().unwrap()).collect())
        });
        Self { known: Arc::new(known.into()), lookups: Arc::default() }
    }
}

impl Lookup for Names {
    fn lookup(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        self.lookups.fetch_add(1, Ordering::Relaxed);
        let addresses = self.known.get(host).ok_or(io::ErrorKind::NotFound)?;
        Ok(addresses.iter().map(|address| SocketAddr::new(*address, port)).collect())
    }
}

#[tokio::test]
async fn a_name_is_called_only_if_every_address_of_it_may_be() {
    let receiver = Receiver::with_response(reply("200 OK", ""));
    let names = Names::of([
        ("inside.example.com", &["127.0.0.1"]),
        ("mapped.example.com", &["::ffff:127.0.0.1"]),
        ("both.example.com", &["8.8.8.8", "127.0.0.1"]),
        ("metadata.example.com", &["169.254.169.254"]),
        ("vpc.example.com", &["10.0.0.1"]),
        ("hooks.internal", &["127.0.0.1"]),
        ("stray.internal", &["169.254.169.254"]),
        ("nowhere.example.com", &[]),
    ]);
    let allowlist: Allowlist = "hooks.internal,stray.internal".parse().unwrap();
    let sender = Sender::with(allowlist, Timeouts::default(), names.clone());
    let port = receiver.address.port();
    let permanent =
        |reserved_range| Err(SendError::Permanent(FailureReason::Address(reserved_range)));
    for (url, expected) in [
        (format!("https://inside.example.com:{port}/"), permanent(ReservedRange::Loopback)),
        (format!("https://mapped.example.com:{port}/"), permanent(ReservedRange::Loopback)),
        (format!("https://both.example.com:{port}/"), permanent(ReservedRange::Loopback)),
        ("https://metadata.example.com/".to_owned(), permanent(ReservedRange::LinkLocal)),
        ("https://vpc.example.com/".to_owned(), permanent(ReservedRange::Private)),
        ("http://stray.internal/".to_owned(), permanent(ReservedRange::LinkLocal)),
        ("https://nowhere.example.com/".to_owned(), transient(FailureReason::NoAddress)),
        ("https://unknown.example.com/".to_owned(), transient(FailureReason::NoAddress)),
    ] {
        assert_eq!(sender.send(&url, &message()).await, expected, "{url}");
    }
    assert_eq!(receiver.connections(), 0);

    let before = names.lookups.load(Ordering::Relaxed);
    let url = format!("http://Hooks.Internal:{port}/");
    assert_eq!(sender.send(&url, &message()).await, delivered());
    assert_eq!(sender.send(&url, &message()).await, delivered());
    // One lookup each: the validated addresses are those of the connection.
    assert_eq!(names.lookups.load(Ordering::Relaxed), before + 2);
}

#[tokio::test]
async fn a_url_that_may_no_longer_be_called_is_refused_for_good() {
    let receiver = Receiver::with_response(reply("200 OK", ""));
    let url = receiver.url("/");
    let outcome = Sender::new(Allowlist::default()).send(&url, &message()).await;
    let Err(SendError::Permanent(FailureReason::Url(error))) = outcome else {
        panic!("{outcome:?}")
    };
    assert!(error.to_string().contains("is a loopback address"), "{error}");
    assert_eq!(receiver.connections(), 0);
}

#[tokio::test]
async fn this_machine_has_a_name_that_may_be_allowed() {
    let receiver = Receiver::with_response(reply("200 OK", ""));
    let url = format!("http://localhost:{}/", receiver.address.port());
    let sender = Sender::with("localhost".parse().unwrap(), Timeouts::default(), SystemLookup);
    assert_eq!(sender.send(&url, &message()).await, delivered());
}

#[tokio::test]
async fn the_platform_itself_is_never_called_whatever_the_list_says() {
    let receiver = Receiver::with_response(reply("200 OK", ""));
    let port = receiver.address.port();
    let names = Names::of([
        ("inside.internal", &["127.0.0.1"]),
        ("mapped.internal", &["::ffff:127.0.0.1"]),
        ("unspecified.internal", &["0.0.0.0"]),
    ]);
    let list = "127.0.0.1/32,0.0.0.0/0,::/0,inside.internal,mapped.internal,unspecified.internal";
    let allowlist: Allowlist = list.parse().unwrap();
    for listener in [receiver.address, SocketAddr::new(IpAddr::from([0, 0, 0, 0]), port)] {
        let excluding = allowlist.clone().without_listener(listener);
        let sender = Sender::with(excluding, Timeouts::default(), names.clone());
        for host in ["inside.internal", "mapped.internal", "unspecified.internal"] {
            let outcome = sender.send(&format!("http://{host}:{port}/"), &message()).await;
            let expected = Err(SendError::Permanent(FailureReason::OwnListener));
            assert_eq!(outcome, expected, "{host}");
        }
        for host in ["127.0.0.1", "[::ffff:127.0.0.1]", "0.0.0.0"] {
            let outcome = sender.send(&format!("http://{host}:{port}/"), &message()).await;
            let Err(SendError::Permanent(FailureReason::Url(error))) = outcome else {
                panic!("{host}: {outcome:?}")
            };
            assert!(error.to_string().contains("is this platform itself"), "{host}: {error}");
        }
    }
    assert_eq!(receiver.connections(), 0);

    // Another port of this machine is another service.
    let other = SocketAddr::new(receiver.address.ip(), 1);
    let sender =
        Sender::with(allowlist.without_listener(other), Timeouts::default(), names.clone());
    let url = format!("http://inside.internal:{port}/");
    assert_eq!(sender.send(&url, &message()).await, delivered());
}

/// A resolver that blocks until the test ends.
#[derive(Debug)]
struct Stuck(Mutex<mpsc::Receiver<()>>);

impl Lookup for Stuck {
    fn lookup(&self, _: &str, _: u16) -> io::Result<Vec<SocketAddr>> {
        let _ = self.0.lock().unwrap().recv();
        Err(io::ErrorKind::NotFound.into())
    }
}

#[tokio::test]
async fn a_name_that_is_not_resolved_in_time_is_tried_again() {
    let (end, ended) = mpsc::channel();
    let timeouts = Timeouts { resolve: Duration::from_millis(50), ..Timeouts::default() };
    let sender = Sender::with(Allowlist::default(), timeouts, Stuck(Mutex::new(ended)));
    let outcome = sender.send("https://hooks.example.com/", &message()).await;
    assert_eq!(outcome, transient(FailureReason::SlowName));
    drop(end);
}

#[tokio::test]
async fn a_reason_is_short() {
    let long = format!("https://{}.internal/{}", "a".repeat(60), "b".repeat(1_900));
    let failure = Sender::new(Allowlist::default()).send(&long, &message()).await.unwrap_err();
    assert!(failure.to_string().len() < 300, "{failure}");
    assert_eq!(failure.to_string(), failure.reason().to_string());
}
