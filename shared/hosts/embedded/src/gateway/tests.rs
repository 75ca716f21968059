//! Tests of the gateway over a real socket, with small routes over ports in memory.

use std::future::pending;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use http::{HeaderMap, Method};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;
use writ_edge::{AccessLevel, Caller, Handler, Param, Reply};
use writ_model::{Error, ErrorKind, Identity, PrincipalKind, Role, Timestamp, Workspace};
use writ_ports::{
    Backlog, Claim, ClaimId, CountSignals, EngineMetrics, EngineUsage, IdempotencyKey, KeyState,
    StoredReply,
};

use super::*;

/// More bytes than the sockets of both sides buffer together.
const LARGE: usize = 32 << 20;

#[derive(Default)]
struct Memory {
    started: Notify,
    go_on: Notify,
    finished: AtomicUsize,
    /// The claims that were released or finished, with the status of the reply that was stored.
    settled_claims: Mutex<Vec<Option<u16>>>,
}

impl Clock for Memory {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(0)
    }
}

impl CountSignals for Memory {
    fn backlog(&self) -> Backlog {
        Backlog::default()
    }
}

impl EngineMetrics for Memory {
    fn engine_use(&self) -> EngineUsage {
        EngineUsage::default()
    }
}

impl Idempotency for Memory {
    async fn begin(&self, _: &IdempotencyKey, _: Timestamp) -> Result<KeyState, Error> {
        let first_claimed_at = Timestamp::from_ms(0);
        let id = ClaimId("c1".to_owned());
        Ok(KeyState::Acquired(Claim { id, first_claimed_at, is_retry: false }))
    }

    async fn finish(
        &self,
        _: &IdempotencyKey,
        _: &ClaimId,
        reply: &StoredReply,
        _: Timestamp,
    ) -> Result<(), Error> {
        self.settled_claims.lock().unwrap().push(Some(reply.status));
        Ok(())
    }

    async fn release(&self, _: &IdempotencyKey, _: &ClaimId) -> Result<(), Error> {
        self.settled_claims.lock().unwrap().push(None);
        Ok(())
    }

    async fn abandon(&self, _: &IdempotencyKey, _: &ClaimId) -> Result<(), Error> {
        Ok(())
    }
}

struct AllowAll;

impl AccessControl for AllowAll {
    async fn authenticate(&self, headers: &HeaderMap, peer: &Peer) -> Result<Caller, Error> {
        if headers.contains_key("x-stranger") {
            return Err(Error::new(ErrorKind::Unauthenticated, "nobody known is calling"));
        }
        let identity = Identity {
            subject: peer.address.ip().to_string(),
            workspace: Workspace::default(),
            role: Role::Admin,
        };
        Ok(Caller { identity, principal_kind: PrincipalKind::Local })
    }

    fn authorize(&self, _: &Caller, spec: &RouteSpec) -> Result<String, Error> {
        if spec.access_level == AccessLevel::Admin {
            return Err(Error {
                rule: Some("only-the-operator".to_owned()),
                ..Error::new(ErrorKind::Forbidden, "no")
            });
        }
        Ok("all-callers".to_owned())
    }
}

fn route(
    name: &'static str,
    method: Method,
    path: &'static str,
    handle: Handler<Memory>,
) -> Route<Memory> {
    let access_level = if name == "secret.get" { AccessLevel::Admin } else { AccessLevel::Execute };
    let spec = RouteSpec {
        name,
        method,
        path,
        access_level,
        summary: "Does it.",
        data: "Output",
        params: &[
            Param { name: "sort", description: "The order." },
            Param { name: "q", description: "The words." },
        ],
        ..RouteSpec::DEFAULT
    };
    Route { spec, handle }
}

fn routes() -> Vec<Route<Memory>> {
    vec![
        route("thing.get", Method::GET, "/thing/{uri}", |_, request| {
            let seen = serde_json::json!([
                request.param("uri"),
                request.query,
                request.path,
                request.rule
            ]);
            Box::pin(async move { Ok(Reply::data(&seen.to_string())) })
        }),
        route("thing.query", Method::POST, "/thing/query", |_, request| {
            Box::pin(async move { Ok(Reply::data(&request.body.len().to_string())) })
        }),
        route("thing.panic", Method::POST, "/thing/panic", |_, _| {
            Box::pin(async { panic!("a defect") })
        }),
        route("thing.hang", Method::GET, "/thing/hang", |_, _| Box::pin(pending())),
        route("thing.hang_keyed", Method::POST, "/thing/hang", |_, _| Box::pin(pending())),
        route("thing.large", Method::GET, "/thing/large", |_, _| {
            Box::pin(async { Ok(Reply::data(&format!("\"{}\"", "x".repeat(LARGE)))) })
        }),
        route("thing.wait", Method::GET, "/thing/wait", |memory, _| {
            Box::pin(async {
                memory.started.notify_one();
                memory.go_on.notified().await;
                memory.finished.fetch_add(1, Ordering::SeqCst);
                Ok(Reply::data("\"waited\""))
            })
        }),
        route("secret.get", Method::GET, "/secret", |_, _| {
            Box::pin(async { Ok(Reply::data("1")) })
        }),
    ]
}

struct TestServer {
    address: SocketAddr,
    memory: Arc<Memory>,
    stop: oneshot::Sender<()>,
    server: JoinHandle<io::Result<()>>,
}

impl TestServer {
    async fn start(bounds: Bounds) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, memory) = (listener.local_addr().unwrap(), Arc::new(Memory::default()));
        let gateway =
            Gateway::new(Arc::clone(&memory), AllowAll, routes()).unwrap().with_bounds(bounds);
        let (stop, stopped) = oneshot::channel();
        let server = tokio::spawn(gateway.serve(listener, async { drop(stopped.await) }));
        Self { address, memory, stop, server }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends one request on a connection of its own, which the server closes after it.
    async fn send(&self, line: &str, headers: &str, body: &[u8]) -> Response {
        let host = format!("Host: {}\r\n", self.address);
        self.send_raw(&format!("{line} HTTP/1.1\r\n{host}Connection: close\r\n{headers}\r\n"), body)
            .await
    }

    async fn send_raw(&self, head: &str, body: &[u8]) -> Response {
        let mut stream = self.connect().await;
        stream.write_all(head.as_bytes()).await.unwrap();
        // A server that refuses early may not read all of it.
        let _ = stream.write_all(body).await;
        Response::read(&mut stream).await
    }

    async fn post(&self, path: &str, body: &[u8]) -> Response {
        let headers =
            format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
        self.send(&format!("POST {path}"), &headers, body).await
    }
}

#[derive(Debug)]
struct Response {
    status: u16,
    head: String,
    body: String,
}

impl Response {
    async fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) =
            text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no reply: {text:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Self { status, head: head.to_lowercase(), body: body.to_owned() }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

#[tokio::test]
async fn a_path_is_decoded_segment_by_segment() {
    let served = TestServer::start(Bounds::default()).await;
    for (target, segment) in [
        ("/thing/a:1-b", "a:1-b"),
        ("/thing/a%3A1-b", "a:1-b"),
        ("/thing/a%2Fb", "a/b"),
        ("/thing/a:1-b/", "a:1-b"),
        ("/%74hing/%C3%A9", "é"),
    ] {
        let response = served.send(&format!("GET {target}"), "", b"").await;
        assert_eq!(
            (response.status, &response.json()["data"][0]),
            (200, &segment.into()),
            "{target}"
        );
    }
    let response = served.send("GET /thing/x?sort=a%2C-b&q=1+2", "", b"").await;
    assert_eq!(response.json()["data"][1], serde_json::json!([["sort", "a,-b"], ["q", "1 2"]]));
    assert_eq!(served.send("GET /thing/%zz", "", b"").await.status, 400);
    assert_eq!(served.send("GET /thing/x?a=%zz", "", b"").await.status, 400);
}

#[tokio::test]
async fn what_is_not_there_is_said_with_what_is() {
    let served = TestServer::start(Bounds::default()).await;
    for (line, status, says) in [
        ("GET /things", 404, "GET /thing/{uri}"),
        ("GET /other", 404, "/docs"),
        ("PUT /thing/query", 405, "it takes POST"),
        ("GET /thing/query", 405, "it takes POST"),
        ("OPTIONS /thing/query", 405, "it takes POST"),
        ("OPTIONS /thing/x", 405, "it takes GET, HEAD"),
        ("DELETE /docs", 405, "GET, HEAD"),
    ] {
        let response = served.send(line, "", b"").await;
        assert_eq!(
            (response.status, response.header("content-type")),
            (status, Some("application/problem+json"))
        );
        assert!(response.json()["detail"].as_str().unwrap().contains(says), "{}", response.body);
        assert_eq!(response.header("allow").is_some(), status == 405);
    }
}

#[tokio::test]
async fn the_pages_stand_beside_the_table() {
    let served = TestServer::start(Bounds::default()).await;
    for (path, status, content_type) in [
        ("/docs", 200, Some("text/html; charset=utf-8")),
        ("/openapi.json", 200, Some("application/json")),
        ("/healthz", 200, Some("application/json")),
        ("/metrics", 200, Some("text/plain; version=0.0.4; charset=utf-8")),
        ("/", 302, None),
    ] {
        let response = served.send(&format!("GET {path}"), "", b"").await;
        assert_eq!(
            (response.status, response.header("content-type")),
            (status, content_type),
            "{path}"
        );
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
    }
    let document = served.send("GET /openapi.json", "", b"").await.json();
    assert!(document.pointer("/paths/~1thing~1{uri}/get").is_some());
}

#[tokio::test]
async fn head_is_get_without_its_body() {
    let served = TestServer::start(Bounds::default()).await;
    for path in ["/thing/a", "/docs", "/nothing"] {
        let get = served.send(&format!("GET {path}"), "", b"").await;
        let head = served.send(&format!("HEAD {path}"), "", b"").await;
        assert_eq!((head.status, head.body.as_str()), (get.status, ""), "{path}");
        if path != "/nothing" {
            assert_eq!(head.header("content-length"), get.header("content-length"), "{path}");
        }
    }
}

#[tokio::test]
async fn the_origin_guard_refuses_what_a_web_page_could_send() {
    let served = TestServer::start(Bounds::default()).await;
    let refused = served
        .send_raw("GET /thing/a HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", b"")
        .await;
    assert_eq!(refused.status, 421);
    assert!(
        refused.json()["detail"].as_str().unwrap().contains("evil.example"),
        "{}",
        refused.body
    );
    for (headers, status) in [
        ("Origin: http://evil.example\r\n", 403),
        ("Sec-Fetch-Site: cross-site\r\n", 403),
        ("Content-Type: text/plain\r\nContent-Length: 2\r\n", 415),
        ("Content-Type: application/json\r\nContent-Length: 2\r\n", 200),
        ("Content-Type: application/json\r\nTransfer-Encoding: gzip\r\n", 400),
    ] {
        let response = served.send("POST /thing/query", headers, b"{}").await;
        assert_eq!(response.status, status, "{headers}");
    }
}

#[tokio::test]
async fn a_caller_is_refused_before_the_body_is_read() {
    let served = TestServer::start(Bounds::default()).await;
    let headers = "X-Stranger: 1\r\nContent-Type: application/json\r\nContent-Length: 99\r\n";
    let stranger = served.send("POST /thing/query", headers, b"").await;
    assert_eq!((stranger.status, stranger.header("www-authenticate").is_some()), (401, true));
    let forbidden = served.send("GET /secret", "", b"").await;
    assert_eq!((forbidden.status, &forbidden.json()["rule"]), (403, &"only-the-operator".into()));
}

#[tokio::test]
async fn a_body_is_read_up_to_its_bound() {
    let served = TestServer::start(Bounds::default()).await;
    let fits = vec![b' '; writ_edge::REQUEST_BYTES_MAX];
    let response = served.post("/thing/query", &fits).await;
    assert_eq!((response.status, &response.json()["data"]), (200, &fits.len().into()));
    let six = vec![b' '; 6 << 20];
    assert_eq!(served.post("/thing/query", &six).await.status, 413);
    let mut chunked = format!("{:x}\r\n", six.len()).into_bytes();
    chunked.extend_from_slice(&six);
    chunked.extend_from_slice(b"\r\n0\r\n\r\n");
    let headers = "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n";
    assert_eq!(served.send("POST /thing/query", headers, &chunked).await.status, 413);
    let waiting =
        "Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 6291456\r\n";
    assert_eq!(served.send("POST /thing/query", waiting, b"").await.status, 413);
}

#[tokio::test]
async fn slow_clients_are_disconnected() {
    let short = Duration::from_millis(50);
    let served = TestServer::start(Bounds { head: short, body: short, ..Bounds::default() }).await;
    let headers = "Content-Type: application/json\r\nContent-Length: 10\r\n";
    let response = served.send("POST /thing/query", headers, b"{}").await;
    assert_eq!(
        (response.status, &response.json()["type"]),
        (408, &"urn:writ:error:request_timeout".into())
    );
    let mut stream = served.connect().await;
    stream.write_all(b"GET /thing/a HTTP/1.1\r\nHo").await.unwrap();
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert!(!rest.starts_with(b"HTTP/1.1 200"), "{rest:?}");
}

#[tokio::test]
async fn a_call_that_hangs_ends_at_its_deadline() {
    let served =
        TestServer::start(Bounds { deadline: Duration::from_millis(50), ..Bounds::default() })
            .await;
    let response = served.send("GET /thing/hang", "", b"").await;
    assert_eq!(
        (response.status, &response.json()["type"]),
        (504, &"urn:writ:error:timed_out".into())
    );
}

#[tokio::test]
async fn a_key_whose_request_hung_may_be_sent_again_at_once() {
    let served =
        TestServer::start(Bounds { deadline: Duration::from_millis(200), ..Bounds::default() })
            .await;
    let headers = "Idempotency-Key: k\r\nContent-Type: application/json\r\nContent-Length: 2\r\n";
    let response = served.send("POST /thing/hang", headers, b"{}").await;
    assert_eq!(response.status, 504);
    assert_eq!(*served.memory.settled_claims.lock().unwrap(), [None]);
}

#[tokio::test]
async fn a_client_that_does_not_read_its_reply_loses_the_connection() {
    let reply = Duration::from_millis(50);
    let served = TestServer::start(Bounds { connections_max: 1, reply, ..Bounds::default() }).await;
    let mut idler = served.connect().await;
    let head = format!("GET /thing/large HTTP/1.1\r\nHost: {}\r\n\r\n", served.address);
    idler.write_all(head.as_bytes()).await.unwrap();
    // Until then, the connection keeps its place and another one gets one in reserve.
    let next = async {
        while served.send("GET /thing/a", "", b"").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let next = tokio::time::timeout(Duration::from_secs(60), next).await;
    assert!(next.is_ok(), "the place is free again");
    drop(idler);
}

#[tokio::test]
async fn a_large_reply_reaches_a_client_that_reads_it() {
    let served = TestServer::start(Bounds::default()).await;
    let response = served.send("GET /thing/large", "", b"").await;
    assert_eq!((response.status, response.json()["data"].as_str().unwrap().len()), (200, LARGE));
}

#[tokio::test]
async fn a_defect_costs_its_own_request_alone() {
    let served = TestServer::start(Bounds::default()).await;
    let mut stream = served.connect().await;
    let host = served.address;
    let body = "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}";
    let requests = format!(
        "POST /thing/panic HTTP/1.1\r\nHost: {host}\r\n{body}GET /thing/after HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(requests.as_bytes()).await.unwrap();
    let mut both = String::new();
    stream.read_to_string(&mut both).await.unwrap();
    assert!(both.starts_with("HTTP/1.1 500"), "{both}");
    assert!(both.contains("HTTP/1.1 200 OK") && both.contains("\"after\""), "{both}");
    assert!(!both.contains("a defect"), "{both}");
}

#[tokio::test]
async fn a_further_connection_takes_the_place_of_an_idle_one() {
    let served = TestServer::start(Bounds { connections_max: 1, ..Bounds::default() }).await;
    let mut first = served.connect().await;
    first
        .write_all(format!("GET /thing/a HTTP/1.1\r\nHost: {}\r\n\r\n", served.address).as_bytes())
        .await
        .unwrap();
    assert!(first.read(&mut [0; 4096]).await.unwrap() > 0, "the first is served");
    assert_eq!(served.send("GET /thing/b", "", b"").await.status, 200);
    assert_eq!(first.read(&mut [0; 512]).await.unwrap(), 0, "the first is closed");
}

/// Opens connections that each send this beginning of a request.
async fn open_connections(served: &TestServer, count: usize, beginning: &str) -> Vec<TcpStream> {
    let mut streams = Vec::new();
    for _ in 0..count {
        let mut stream = served.connect().await;
        stream.write_all(beginning.as_bytes()).await.unwrap();
        streams.push(stream);
    }
    streams
}

#[tokio::test]
async fn half_sent_heads_keep_no_caller_out() {
    let bounds = Bounds { connections_max: 8, peer_connections_max: 8, ..Bounds::default() };
    let served = TestServer::start(bounds).await;
    let heads = open_connections(&served, 50, "GET /thing/a HTTP/1.1\r\nHo").await;
    for _ in 0..3 {
        let response = served.send("GET /thing/a", "", b"");
        let response = tokio::time::timeout(Duration::from_secs(5), response).await;
        assert_eq!(response.map(|response| response.status), Ok(200));
    }
    drop(heads);
}

#[tokio::test]
async fn the_health_check_is_answered_when_every_connection_is_busy() {
    let bounds = Bounds { connections_max: 4, peer_connections_max: 4, ..Bounds::default() };
    let served = TestServer::start(bounds).await;
    let wait = format!("GET /thing/hang HTTP/1.1\r\nHost: {}\r\n\r\n", served.address);
    let hanging = open_connections(&served, 4, &wait).await;
    let mut refused = served.send("GET /thing/a", "", b"").await;
    while refused.status == 200 {
        // Some of the four are not authenticated yet.
        refused = served.send("GET /thing/a", "", b"").await;
    }
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
    assert_eq!(served.send("GET /healthz", "", b"").await.status, 200);
    // Heads that are not complete do not keep the reserve.
    let heads = open_connections(&served, 40, "GET /healthz HTTP/1.1\r\nHo").await;
    assert_eq!(served.send("GET /healthz", "", b"").await.status, 200);
    drop((heads, hanging));
}

#[tokio::test]
async fn requests_beyond_the_bound_wait_in_order() {
    let bounds = Bounds { requests_max: 1, workspace_requests_max: 1, ..Bounds::default() };
    let served = TestServer::start(bounds).await;
    let memory = Arc::clone(&served.memory);
    let wait = format!(
        "GET /thing/wait HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        served.address
    );
    let mut first = open_connections(&served, 1, &wait).await;
    memory.started.notified().await;
    let mut second = pin!(served.send("GET /thing/b", "", b""));
    let early = tokio::time::timeout(Duration::from_millis(100), &mut second).await;
    assert!(early.is_err(), "the second waits");
    memory.go_on.notify_one();
    assert_eq!(second.await.status, 200);
    assert_eq!(Response::read(&mut first[0]).await.status, 200);
}

#[tokio::test]
async fn a_head_has_a_deadline_of_its_own() {
    let bounds = Bounds { head: Duration::from_millis(100), ..Bounds::default() };
    let served = TestServer::start(bounds).await;
    let mut stream = served.connect().await;
    let request = format!("GET /thing/a HTTP/1.1\r\nHost: {}\r\n\r\n", served.address);
    stream.write_all(request.as_bytes()).await.unwrap();
    assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
    // An idle connection stays open for longer, and its next head has the same time.
    let idle = tokio::time::timeout(Duration::from_millis(300), stream.read(&mut [0; 1])).await;
    assert!(idle.is_err(), "it is still open");
    let beginning = &request.as_bytes()[..10];
    stream.write_all(beginning).await.unwrap();
    let closed = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut [0; 1])).await;
    assert!(matches!(closed, Ok(Ok(0) | Err(_))), "{closed:?}");
}

#[tokio::test]
async fn a_head_beyond_its_bound_is_refused() {
    let served = TestServer::start(Bounds::default()).await;
    let host = served.address;
    let head = |filler: usize| {
        format!(
            "GET /thing/a HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nX: {}\r\n\r\n",
            "y".repeat(filler)
        )
    };
    let rest = head(0).len();
    for (bytes, status) in
        [(1 << 10, 200), (64 << 10, 200), ((64 << 10) + 1, 431), (70 << 10, 431), (100 << 10, 431)]
    {
        let head = head(bytes - rest);
        assert_eq!(head.len(), bytes);
        let mut stream = served.connect().await;
        // The server may close the connection before it has read everything.
        let _ = stream.write_all(head.as_bytes()).await;
        let mut line = [0; 12];
        stream.read_exact(&mut line).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&line), format!("HTTP/1.1 {status}"), "{bytes}");
    }
}

#[tokio::test]
async fn the_metrics_are_for_authenticated_callers() {
    let served = TestServer::start(Bounds::default()).await;
    for (path, status) in [("/metrics", 401), ("/healthz", 200), ("/docs", 200)] {
        let response = served.send(&format!("GET {path}"), "X-Stranger: 1\r\n", b"").await;
        assert_eq!(response.status, status, "{path}");
    }
    assert_eq!(served.send("GET /metrics", "", b"").await.status, 200);
}

#[tokio::test]
async fn a_shutdown_lets_the_running_request_end() {
    let served = TestServer::start(Bounds::default()).await;
    let memory = Arc::clone(&served.memory);
    let mut idle = served.connect().await;
    let mut stream = served.connect().await;
    stream
        .write_all(
            format!("GET /thing/wait HTTP/1.1\r\nHost: {}\r\n\r\n", served.address).as_bytes(),
        )
        .await
        .unwrap();
    memory.started.notified().await;
    served.stop.send(()).unwrap();
    assert_eq!(idle.read(&mut [0; 1]).await.unwrap(), 0, "an idle connection is closed");
    assert!(!served.server.is_finished());
    memory.go_on.notify_one();
    let response = Response::read(&mut stream).await;
    assert_eq!((response.status, response.header("connection")), (200, Some("close")));
    served.server.await.unwrap().unwrap();
    assert!(TcpStream::connect(served.address).await.is_err(), "the listener is closed");
}

#[tokio::test]
async fn a_client_that_goes_away_does_not_stop_what_it_started() {
    let served = TestServer::start(Bounds::default()).await;
    let memory = Arc::clone(&served.memory);
    let mut stream = served.connect().await;
    stream
        .write_all(
            format!("GET /thing/wait HTTP/1.1\r\nHost: {}\r\n\r\n", served.address).as_bytes(),
        )
        .await
        .unwrap();
    memory.started.notified().await;
    drop(stream);
    memory.go_on.notify_one();
    served.stop.send(()).unwrap();
    served.server.await.unwrap().unwrap();
    assert_eq!(memory.finished.load(Ordering::SeqCst), 1);
}
