//! Requests that no HTTP library sends, as hand-written bytes on the connection.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use libtest_mimic::Failed;

use crate::target::{Session, Target};
use crate::{TargetCheck, fail};

pub(crate) const CHECKS: &[(&str, TargetCheck)] =
    &[("wire::header_names_are_read_in_any_case", header_names_are_read_in_any_case)];

/// Sends the lines, each ended by CR LF, and the body. Returns status and text of the response.
fn exchange(session: &Session, request: &[String], body: &str) -> Result<(u16, String), Failed> {
    let rest = session.url.strip_prefix("http://").ok_or("hand-written bytes need http")?;
    let (authority, base) = rest.split_once('/').unwrap_or((rest, ""));
    let base = if base.is_empty() { String::new() } else { format!("/{base}") };
    let address =
        if authority.contains(':') { authority.to_owned() } else { format!("{authority}:80") };
    let mut text = String::new();
    for line in request {
        text.push_str(&line.replace("{base}", &base));
        text.push_str("\r\n");
    }
    text.push_str(&format!(
        "hOST: {authority}\r\ncOnTeNt-LeNgTh: {}\r\ncONNECTION: close\r\n\r\n{body}",
        body.len()
    ));
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(writ_tests::server::REPLY_TIMEOUT))?;
    stream.write_all(text.as_bytes())?;
    let mut response = Vec::new();
    stream.read_to_end(&mut response)?;
    let response = String::from_utf8_lossy(&response).into_owned();
    let status = response.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((status.ok_or_else(|| format!("no answer: {response}"))?, response))
}

fn header_names_are_read_in_any_case(target: &Target) -> Result<(), Failed> {
    let session = target.session()?;
    let authorized = |line: &str| {
        let mut lines = vec![line.to_owned()];
        lines.extend(session.token.iter().map(|token| format!("aUTHORIZATION: bEARER {token}")));
        lines
    };
    let (status, response) = exchange(&session, &authorized("GET {base}/whoami HTTP/1.1"), "")?;
    if status != 200 {
        return fail(response);
    }
    let body = r#"{"name": "a", "version": "1", "release_tag": "x", "code": "package a\n", "code_type": "rego"}"#;
    let mut create = authorized("POST {base}/policy HTTP/1.1");
    create.push("CONTENT-type: APPLICATION/json".to_owned());
    create.push("IDEMPOTENCY-key: odd".to_owned());
    for _ in 0..2 {
        let (status, response) = exchange(&session, &create, body)?;
        if status != 201 {
            return fail(response);
        }
    }
    let mut stale = authorized("PUT {base}/policy/a:1-x HTTP/1.1");
    stale.push("content-TYPE: application/json".to_owned());
    stale.push("IF-match: \"7-000000000000\"".to_owned());
    let (status, response) = exchange(&session, &stale, r#"{"$set": {"description": "never"}}"#)?;
    if status == 412 { Ok(()) } else { fail(response) }
}
