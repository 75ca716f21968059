//! The callers of `writ up` that are the local admin, and the platform as the target of its own
//! callbacks.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use libtest_mimic::Failed;
use nix::unistd::{Uid, setfsuid};
use serde_json::{Value, json};

use crate::WRIT;
use crate::command_line::succeed_on;
use crate::{Check, fail};
use writ_tests::server::{HttpResponse, REPLY_TIMEOUT, Server, send};

pub(crate) const CHECKS: &[(&str, Check)] = &[
    ("access::a_forwarded_request_needs_a_token", a_forwarded_request_needs_a_token),
    ("access::with_require_token_the_own_user_needs_one", with_require_token),
    ("access::a_callback_to_the_platform_itself_is_not_sent", a_callback_to_the_platform_itself),
    ("access::a_redirect_to_the_platform_itself_is_not_followed", a_redirect_to_the_platform),
    ("access::no_address_of_the_machine_leads_a_callback_back", no_address_of_the_machine),
];

/// Checks that open connections as other users, which needs the rights of root.
pub(crate) const ROOT_CHECKS: &[(&str, Check)] = &[
    ("access::another_user_of_the_machine_needs_a_token", another_user_needs_a_token),
    ("access::a_reverse_proxy_of_another_user_needs_a_token", a_proxy_of_another_user),
];

/// A user that owns nothing.
pub(crate) const OTHER_USER: u32 = 65_534;

/// The headers that a reverse proxy adds.
const FORWARDING: [&str; 6] = [
    "Forwarded: for=198.51.100.7",
    "X-Forwarded-For: 198.51.100.7",
    "X-Forwarded-Host: writ.example",
    "X-Forwarded-Proto: https",
    "Via: 1.1 proxy",
    "X-Real-IP: 198.51.100.7",
];

/// Opens a connection with a socket of this user; `None` for the user of the test.
pub(crate) fn connect_as(user: Option<u32>, address: &str) -> Result<TcpStream, Failed> {
    let connect = || {
        // The owner of a socket is the file system's user of the thread that creates it.
        if let Some(user) = user {
            setfsuid(Uid::from_raw(user));
        }
        TcpStream::connect(address)
    };
    let thread = std::thread::scope(|scope| scope.spawn(connect).join());
    let stream = thread.map_err(|_| "a thread panicked")??;
    stream.set_read_timeout(Some(REPLY_TIMEOUT))?;
    Ok(stream)
}

/// The address and port of a server.
pub(crate) fn authority(server: &Server) -> &str {
    server.url.trim_start_matches("http://")
}

/// The text of a `GET` request; the server closes the connection after it.
pub(crate) fn get_request(authority: &str, path: &str, token: Option<&str>) -> String {
    let token = token.map(|token| format!("Authorization: Bearer {token}\r\n"));
    format!(
        "GET {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n{}\r\n",
        token.unwrap_or_default()
    )
}

/// Sends a request and reads until the server closes the connection. Returns the status and the
/// text of the response.
pub(crate) fn exchange(mut stream: TcpStream, request: &str) -> Result<(u16, String), Failed> {
    stream.write_all(request.as_bytes())?;
    let mut response = Vec::new();
    stream.read_to_end(&mut response)?;
    let response = String::from_utf8_lossy(&response).into_owned();
    let status = response.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((status.ok_or_else(|| format!("no answer: {response:?}"))?, response))
}

/// Creates a token of this role in this workspace, as the local admin.
pub(crate) fn create_token(server: &Server, role: &str, workspace: &str) -> Result<String, Failed> {
    let arguments =
        ["token", "create", "--subject", "test", "--role", role, "--workspace", workspace];
    Ok(succeed_on(&server.url, None, &arguments)?.trim().to_owned())
}

/// Creates an admin token in the files of a data directory.
fn create_token_offline(data: &Path) -> Result<String, Failed> {
    let output = Command::new(WRIT)
        .args(["token", "create", "--subject", "test", "--role", "admin", "--data"])
        .arg(data)
        .env_remove("WRIT_SERVER")
        .output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    fail(String::from_utf8_lossy(&output.stderr))
}

fn bearer(token: &str) -> (String, String) {
    ("authorization".to_owned(), format!("Bearer {token}"))
}

/// Starts a reverse proxy that adds these header lines and connects as this user. It runs until the
/// process ends. Returns its URL.
fn start_proxy(upstream: &str, added: &str, user: Option<u32>) -> Result<String, Failed> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    let (upstream, added) = (upstream.to_owned(), added.to_owned());
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            // The check fails for lack of a response.
            let _ = forward(client, &upstream, &added, user);
        }
    });
    Ok(url)
}

/// Forwards one request without a body, and its response.
fn forward(
    mut client: TcpStream,
    upstream: &str,
    added: &str,
    user: Option<u32>,
) -> Result<(), Failed> {
    let mut head = String::new();
    for line in BufReader::new(client.try_clone()?).lines() {
        let line = line?;
        match line.split_once(": ") {
            _ if line.is_empty() => break,
            Some((name, _)) if ["host", "connection"].contains(&&*name.to_lowercase()) => {}
            _ => head.push_str(&format!("{line}\r\n")),
        }
    }
    let head = format!("{head}Host: {upstream}\r\nConnection: close\r\n{added}\r\n");
    let mut server = connect_as(user, upstream)?;
    server.write_all(head.as_bytes())?;
    std::io::copy(&mut server, &mut client)?;
    Ok(client.shutdown(Shutdown::Both)?)
}

/// Checks that a request through a proxy is refused without a token, with this explanation, and
/// answered with one.
fn needs_a_token(proxy: &str, token: &str, says: &str) -> Result<(), Failed> {
    for path in ["/whoami", "/metrics"] {
        let refused = send(proxy, "GET", path, &[], b"")?;
        if refused.status != 401 || !refused.body.contains(says) {
            return fail(format!("{path} lacks {says:?}: {refused:?}"));
        }
        let answered = send(proxy, "GET", path, &[bearer(token)], b"")?;
        if answered.status != 200 {
            return fail(format!("{path}: {answered:?}"));
        }
    }
    let health = send(proxy, "GET", "/healthz", &[], b"")?;
    if health.status == 200 { Ok(()) } else { fail(format!("{health:?}")) }
}

fn a_forwarded_request_needs_a_token() -> Result<(), Failed> {
    let server = Server::start(WRIT)?;
    let token = create_token(&server, "reader", "default")?;
    for path in ["/whoami", "/metrics"] {
        let own = server.get(path)?;
        if own.status != 200 {
            return fail(format!("{path} of the own user: {own:?}"));
        }
    }
    for header in FORWARDING {
        let proxy = start_proxy(authority(&server), &format!("{header}\r\n"), None)?;
        let name = header.split(':').next().unwrap_or_default().to_lowercase();
        needs_a_token(&proxy, &token, &format!("as its header `{name}` says"))?;
    }
    Ok(())
}

fn another_user_needs_a_token() -> Result<(), Failed> {
    let server = Server::start(WRIT)?;
    let token = create_token(&server, "reader", "default")?;
    let address = authority(&server);
    let ask = |path: &str, token: Option<&str>| {
        exchange(connect_as(Some(OTHER_USER), address)?, &get_request(address, path, token))
    };
    for path in ["/whoami", "/metrics"] {
        let (status, response) = ask(path, None)?;
        if status != 401 || !response.contains("belongs to user 65534") {
            return fail(response);
        }
        let (status, response) = ask(path, Some(&token))?;
        if status != 200 {
            return fail(response);
        }
    }
    let (status, response) = ask("/healthz", None)?;
    if status == 200 { Ok(()) } else { fail(response) }
}

fn a_proxy_of_another_user() -> Result<(), Failed> {
    let server = Server::start(WRIT)?;
    let token = create_token(&server, "reader", "default")?;
    let proxy = start_proxy(authority(&server), "", Some(OTHER_USER))?;
    needs_a_token(&proxy, &token, "belongs to user 65534")
}

fn with_require_token() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let flags = ["--require-token"];
    match Server::spawn(WRIT, directory.path(), &flags) {
        Ok(_) => return fail("a server without tokens started"),
        Err(error) => {
            let text = error.message().unwrap_or_default();
            if !text.contains("make one first: `writ token create") {
                return Err(error);
            }
        }
    }
    let token = create_token_offline(directory.path())?;
    let server = Server::spawn(WRIT, directory.path(), &flags)?;
    needs_a_token(&server.url, &token, "token")
}

/// The callback secrets of the default workspace, as the local admin.
fn secrets(server: &Server) -> Result<Value, Failed> {
    server.get("/jobs/callbacks/secret")?.json()
}

/// A caller of another workspace than the local admin's.
struct Submitter<'a> {
    server: &'a Server,
    token: String,
}

impl<'a> Submitter<'a> {
    fn new(server: &'a Server, token: String) -> Result<Self, Failed> {
        let submitter = Self { server, token };
        let policy = json!({
            "name": "calm", "version": "1.0", "release_tag": "test", "code_type": "rego",
            "code": "package calm\n\nallow := true\n",
        });
        let created = submitter.post("/policy", &policy)?;
        if created.status == 201 { Ok(submitter) } else { fail(format!("{created:?}")) }
    }

    fn post(&self, path: &str, body: &Value) -> Result<HttpResponse, Failed> {
        let json = ("content-type".to_owned(), "application/json".to_owned());
        let headers = [bearer(&self.token), json];
        self.server.send("POST", path, &headers, body.to_string().as_bytes())
    }

    /// Submits a job that rotates the callback secret of the receiver at this host and port.
    fn submit(&self, target: &str) -> Result<HttpResponse, Failed> {
        let job = json!({
            "name": "calm", "policy_rule_uri": "calm:1.0-test", "inputs": {},
            "callback_url": format!("http://{target}/jobs/callbacks/secret"),
        });
        self.post("/jobs/submit", &job)
    }

    /// Waits until the callback of a submitted job was tried. Returns its state.
    fn callback(&self, submitted: &HttpResponse) -> Result<Value, Failed> {
        let id = submitted.json()?.get("job_id").and_then(Value::as_str).map(str::to_owned);
        let id = id.ok_or_else(|| format!("{submitted:?}"))?;
        let mut job = Value::Null;
        for _ in 0..600 {
            let headers = [bearer(&self.token)];
            job = self.server.send("GET", &format!("/jobs/{id}"), &headers, b"")?.json()?;
            let callback = job.pointer("/data/callback").cloned().unwrap_or_default();
            if callback.get("last_failure").is_some_and(|failure| !failure.is_null()) {
                return Ok(callback);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        fail(format!("no failure of the callback: {job}"))
    }

    /// Checks that a callback to this host and port is refused when its job is submitted.
    fn is_refused(&self, target: &str) -> Result<(), Failed> {
        let refused = self.submit(target)?;
        let is_refused = (400..500).contains(&refused.status)
            && refused.body.contains("is this platform itself");
        if is_refused { Ok(()) } else { fail(format!("{target}: {refused:?}")) }
    }
}

fn a_callback_to_the_platform_itself() -> Result<(), Failed> {
    let list = "127.0.0.0/8,0.0.0.0/8,::1/128,localhost";
    let server = Server::start_with(WRIT, &["--callbacks-to", list])?;
    let submitter = Submitter::new(&server, create_token(&server, "author", "team-a")?)?;
    let before = secrets(&server)?;
    let port = server.url.rsplit(':').next().unwrap_or_default();
    for host in ["127.0.0.1", "0.0.0.0", "[::ffff:127.0.0.1]"] {
        submitter.is_refused(&format!("{host}:{port}"))?;
    }
    // A name is resolved when the callback is sent.
    let callback = submitter.callback(&submitter.submit(&format!("localhost:{port}"))?)?;
    if !callback.to_string().contains("leads to this platform itself") {
        return fail(callback.to_string());
    }
    let after = secrets(&server)?;
    if before == after { Ok(()) } else { fail(format!("{before} became {after}")) }
}

fn a_redirect_to_the_platform() -> Result<(), Failed> {
    let server = Server::start_with(WRIT, &["--callbacks-to", "127.0.0.1/32"])?;
    let submitter = Submitter::new(&server, create_token(&server, "author", "team-a")?)?;
    let before = secrets(&server)?;
    let receiver = TcpListener::bind("127.0.0.1:0")?;
    let target = receiver.local_addr()?.to_string();
    let location = format!("{}/jobs/callbacks/secret", server.url);
    std::thread::spawn(move || {
        for mut stream in receiver.incoming().map_while(Result::ok) {
            let _ = stream.read(&mut [0; 4096]);
            let _ = write!(
                stream,
                "HTTP/1.1 307 Temporary Redirect\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
            );
        }
    });
    let callback = submitter.callback(&submitter.submit(&target)?)?;
    if !callback.to_string().contains("307") {
        return fail(callback.to_string());
    }
    let after = secrets(&server)?;
    if before == after { Ok(()) } else { fail(format!("{before} became {after}")) }
}

fn no_address_of_the_machine() -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let token = create_token_offline(directory.path())?;
    let flags = ["--host", "0.0.0.0", "--callbacks-to", "0.0.0.0/0"];
    let server = Server::spawn(WRIT, directory.path(), &flags)?;
    let submitter = Submitter::new(&server, token)?;
    let port: u16 = server.url.rsplit(':').next().unwrap_or_default().parse()?;
    // The address of an interface, if the machine has another one than loopback.
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    let outward = socket.connect("198.51.100.7:9").and_then(|()| socket.local_addr());
    let outward =
        outward.map_or_else(|_| "127.0.0.3".to_owned(), |address| address.ip().to_string());
    for host in ["127.0.0.1", "127.1.2.3", "0.0.0.0", outward.as_str()] {
        submitter.is_refused(&SocketAddr::new(host.parse()?, port).to_string())?;
    }
    Ok(())
}
