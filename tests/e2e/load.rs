//! Clients that hold connections and requests, and the callers beside them.

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Mutex;
use std::time::Duration;

use libtest_mimic::Failed;
use serde_json::Value;

use crate::WRIT;
use crate::access::{OTHER_USER, authority, connect_as, create_token, exchange, get_request};
use crate::command_line::succeed_on;
use crate::{Check, fail};
use writ_tests::server::{HttpResponse, Server};

pub(crate) const CHECKS: &[(&str, Check)] = &[
    ("load::half_sent_heads_keep_no_caller_out", half_sent_heads_of_the_own_user),
    ("load::long_polls_of_one_workspace_delay_no_other", long_polls_of_one_workspace),
    ("load::a_head_over_its_bound_is_refused", a_head_over_its_bound_is_refused),
];

/// Checks that open connections as other users, which needs the rights of root.
pub(crate) const ROOT_CHECKS: &[(&str, Check)] = &[
    ("load::half_sent_heads_of_one_user_keep_no_other_out", half_sent_heads_of_another_user),
    ("load::one_workspace_leaves_connections_to_others", one_workspace_leaves_connections),
];

/// One check at a time: each has hundreds of open files.
static ALONE: Mutex<()> = Mutex::new(());

/// Opens connections of a user that each send the same text.
fn open(
    user: Option<u32>,
    server: &Server,
    count: usize,
    text: &str,
) -> Result<Vec<TcpStream>, Failed> {
    let mut streams = Vec::new();
    for _ in 0..count {
        let mut stream = connect_as(user, authority(server))?;
        stream.write_all(text.as_bytes())?;
        stream.set_nonblocking(true)?;
        streams.push(stream);
    }
    Ok(streams)
}

/// The number of connections that the server has neither answered nor closed.
fn waiting(streams: &[TcpStream]) -> usize {
    let is_waiting = |stream: &&TcpStream| {
        stream.peek(&mut [0; 1]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    };
    streams.iter().filter(is_waiting).count()
}

fn succeeds(response: &HttpResponse) -> Result<(), Failed> {
    if response.status == 200 { Ok(()) } else { fail(format!("{response:?}")) }
}

fn half_sent_heads_of_the_own_user() -> Result<(), Failed> {
    half_sent_heads(None)
}

fn half_sent_heads_of_another_user() -> Result<(), Failed> {
    half_sent_heads(Some(OTHER_USER))
}

/// Requests are answered while more heads are open than one peer may have connections, and are not
/// answered because the heads are given up.
fn half_sent_heads(user: Option<u32>) -> Result<(), Failed> {
    let _alone = ALONE.lock().unwrap_or_else(|error| error.into_inner());
    let server = Server::start(WRIT)?;
    let heads = open(user, &server, 300, "GET /whoami HTTP/1.1\r\nHo")?;
    for _ in 0..5 {
        for path in ["/healthz", "/whoami", "/metrics"] {
            succeeds(&server.get(path)?)?;
        }
    }
    let left = waiting(&heads);
    if (200..=256).contains(&left) { Ok(()) } else { fail(format!("{left} heads are open")) }
}

/// Submits a job of the workspace of this token that does not start for a day.
fn submit_late(server: &Server, token: &str) -> Result<String, Failed> {
    let on = |arguments: &[&str]| succeed_on(&server.url, Some(token), arguments);
    on(&["policy", "create", "-f", "examples/ip_allowlist/policy.json"])?;
    let arguments = ["job", "submit", "ip_allowlist:1.0-beta", "-i", r#"{"ip": "10.0.0.1"}"#];
    let job = on(&[&arguments[..], &["--not-before", "+1d", "-o", "json"]].concat())?;
    let job: Value = serde_json::from_str(&job)?;
    let id = job.get("job_id").and_then(Value::as_str).map(str::to_owned);
    id.ok_or_else(|| Failed::from(format!("no id: {job}")))
}

fn long_polls_of_one_workspace() -> Result<(), Failed> {
    let _alone = ALONE.lock().unwrap_or_else(|error| error.into_inner());
    let server = Server::start(WRIT)?;
    let token = create_token(&server, "author", "team-a")?;
    let job = format!("/jobs/{}", submit_late(&server, &token)?);
    let request = get_request(authority(&server), &format!("{job}?wait=20s"), Some(&token));
    let polls = open(None, &server, 240, &request)?;
    let bearer = [("authorization".to_owned(), format!("Bearer {token}"))];
    for _ in 0..5 {
        for path in ["/healthz", "/whoami", "/metrics"] {
            succeeds(&server.get(path)?)?;
        }
        succeeds(&server.send("GET", &job, &bearer, b"")?)?;
    }
    let left = waiting(&polls);
    if left == polls.len() { Ok(()) } else { fail(format!("{left} polls wait")) }
}

/// Two peers have all connections but for the bound of their workspace.
fn one_workspace_leaves_connections() -> Result<(), Failed> {
    let _alone = ALONE.lock().unwrap_or_else(|error| error.into_inner());
    let server = Server::start(WRIT)?;
    let token = create_token(&server, "author", "team-a")?;
    let path = format!("/jobs/{}?wait=20s", submit_late(&server, &token)?);
    let request = get_request(authority(&server), &path, Some(&token));
    let request = request.replace("Connection: close\r\n", "");
    let mut polls = Vec::new();
    for user in [OTHER_USER, OTHER_USER - 1] {
        polls.extend(open(Some(user), &server, 256, &request)?);
    }
    // The polls beyond the bound are answered at once, and their connections stay open.
    for _ in 0..100 {
        if waiting(&polls) <= 256 {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    for _ in 0..5 {
        for path in ["/healthz", "/whoami", "/metrics"] {
            succeeds(&server.get(path)?)?;
        }
    }
    let left = waiting(&polls);
    if left != 256 {
        return fail(format!("{left} polls wait"));
    }
    let request = get_request(authority(&server), "/whoami", Some(&token));
    let (status, response) = exchange(connect_as(None, authority(&server))?, &request)?;
    if status == 503 && response.contains("this workspace has 256 requests") {
        return Ok(());
    }
    fail(response)
}

fn a_head_over_its_bound_is_refused() -> Result<(), Failed> {
    let server = Server::start(WRIT)?;
    let address = authority(&server);
    let request = get_request(address, "/whoami", None);
    for (bytes, expected) in [(64 << 10, 200), ((64 << 10) + 1, 431), (100 << 10, 431)] {
        let filler = "y".repeat(bytes - request.len() - "X: \r\n".len());
        let request = request.replacen("\r\n", &format!("\r\nX: {filler}\r\n"), 1);
        let mut stream = connect_as(None, address)?;
        // The server may answer before it has read everything.
        let _ = stream.write_all(request.as_bytes());
        let mut line = [0; 12];
        std::io::Read::read_exact(&mut stream, &mut line)?;
        let line = String::from_utf8_lossy(&line).into_owned();
        if line != format!("HTTP/1.1 {expected}") {
            return fail(format!("{bytes} bytes: {line}"));
        }
    }
    Ok(())
}
