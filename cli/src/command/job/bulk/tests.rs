use super::*;
use crate::command::job::document::tests::document;
use crate::command::job::fake_server::{FakeServer, Request, data, problem};
use crate::error::tests::plain;
use serde_json::Value;
use std::collections::HashMap;
use std::time::Duration;

const QUICK: RetryPolicy = RetryPolicy { attempts_max: 3, backoff: Duration::from_millis(1) };

fn name(request: &Request) -> String {
    let body: Value = serde_json::from_str(&request.body).unwrap();
    body["name"].as_str().unwrap().to_owned()
}

/// A server that accepts each job with an id made from its name; later numbers are answered faster.
fn accept_all(count: u64) -> FakeServer {
    FakeServer::start(move |request| {
        let name = name(request);
        let number: u64 = name.parse().unwrap_or(count);
        std::thread::sleep(Duration::from_millis(count.saturating_sub(number)));
        (201, data(&document(&format!("job-{name}"), "queued", json!({}))))
    })
}

fn file(names: impl IntoIterator<Item = impl std::fmt::Display>) -> String {
    names.into_iter().map(|name| format!("{{\"name\":\"{name}\"}}\n")).collect()
}

/// Submits the text's lines. Returns the ids or refusals by line, and the report.
fn submit(client: &Client, key: &str, text: &str) -> (Vec<String>, Report) {
    let mut bulk = BulkSubmission::new("builtin", Some(key.to_owned()), 8);
    bulk.retry_policy = QUICK;
    let mut results = Vec::new();
    let report = bulk.submit_all(client, NdjsonLines::new(text.as_bytes()), |result| {
        results.push(match &result.outcome {
            Outcome::Submitted(id) => format!("{}: {id}", result.line),
            Outcome::Refused { kind, .. } => format!("{}: {kind}", result.line),
            Outcome::Aborted(_) => format!("{}: aborted", result.line),
        });
    });
    (results, report)
}

#[test]
fn ids_come_in_the_files_order_and_each_line_is_sent_once() {
    let fake = accept_all(40);
    let (results, report) = submit(&fake.client(), "k", &file(0..40));
    let expected: Vec<_> = (0..40).map(|n| format!("{}: job-{n}", n + 1)).collect();
    assert_eq!(results, expected);
    assert_eq!((report.submitted, report.refused, fake.requests().len()), (40, 0, 40));
}

#[test]
fn one_bad_line_costs_itself_alone() {
    let fake = FakeServer::start(|request| match name(request).as_str() {
        "bad" => (422, problem("schema_violation", "at `inputs/ip`: no", None)),
        name => (201, data(&document(name, "queued", json!({})))),
    });
    let text = format!("{}{{oops\n\n{}", file(["a", "bad", "b"]), file(["c"]));
    let (results, report) = submit(&fake.client(), "k", &text);
    assert_eq!(results, ["1: a", "2: schema_violation", "3: b", "4: invalid_request", "6: c"]);
    assert_eq!(report.summary(), "3 submitted, 2 refused");
    let terminal = Terminal::new(Format::Table, true);
    assert_eq!(report.finish(terminal, "k").unwrap(), Exit::Failed);
}

#[test]
fn a_rerun_with_its_key_asks_for_the_same_jobs_again() {
    let keys = |key: &str, text: &str| {
        let fake = accept_all(0);
        submit(&fake.client(), key, text);
        let requests = fake.requests();
        let key = |request: &Request| request.header("idempotency-key").map(str::to_owned);
        requests.iter().map(|r| (name(r), key(r).unwrap())).collect::<HashMap<_, _>>()
    };
    let first = keys("k", &file(["a", "bad", "c"]));
    let mended = keys("k", &file(["a", "good", "c"]));
    assert_eq!((&first["a"], &first["c"]), (&mended["a"], &mended["c"]));
    assert_ne!(first["bad"], mended["good"]);
    assert_ne!(first["a"], keys("other", &file(["a"]))["a"]);
    // The same job on two lines is two jobs.
    let fake = accept_all(0);
    submit(&fake.client(), "k", &file(["a", "a"]));
    let requests = fake.requests();
    assert_ne!(requests[0].header("idempotency-key"), requests[1].header("idempotency-key"));
}

#[test]
fn a_busy_server_is_asked_again_under_the_same_key() {
    let tries = Mutex::new(HashMap::<String, u32>::new());
    let fake = FakeServer::start(move |request| {
        let name = name(request);
        let mut tries = tries.lock().unwrap();
        let tried = tries.entry(name.clone()).or_default();
        *tried += 1;
        match (*tried, name.as_str()) {
            (_, "never") => (429, problem("limited", "slowly", Some(0))),
            (1, _) => (503, problem("unavailable", "busy", Some(0))),
            _ => (201, data(&document(&name, "queued", json!({})))),
        }
    });
    let (results, _) = submit(&fake.client(), "k", &file(["a", "never", "b"]));
    assert_eq!(results, ["1: a", "2: limited", "3: b"]);
    let requests = fake.requests();
    let keys: Vec<_> = requests
        .iter()
        .filter(|request| name(request) == "a")
        .map(|request| request.header("idempotency-key"))
        .collect();
    assert_eq!((keys.len(), keys[0]), (2, keys[1]));
}

#[test]
fn a_refused_caller_does_not_send_every_line() {
    let fake = FakeServer::start(|_| (403, problem("forbidden", "no", None)));
    let (_, report) = submit(&fake.client(), "k", &file(0..1_000));
    assert!(fake.requests().len() <= 16, "{}", fake.requests().len());
    let failure = report.finish(Terminal::new(Format::Table, true), "k").unwrap_err();
    assert_eq!(failure.exit(), Exit::Forbidden);
    let text = plain(&failure.render());
    assert!(text.contains("= 0 submitted, 0 refused, the rest not sent\n"), "{text}");
    assert!(text.contains("--idempotency-key k"), "{text}");
}

#[test]
fn a_server_that_is_gone_stops_the_rest() {
    let (results, report) = submit(&FakeServer::unreachable_client(), "k", &file(0..1_000));
    assert!(results.len() <= 16, "{}", results.len());
    assert_eq!(report.abort_error.unwrap().exit(), Exit::Unavailable);
}

#[test]
fn a_files_lines_are_counted_as_they_are_read() {
    let path = tempfile::NamedTempFile::new().unwrap();
    for (text, expected) in [("", 0), ("a", 1), ("a\n", 1), ("a\nb", 2), ("\n\n", 2)] {
        std::fs::write(path.path(), text).unwrap();
        assert_eq!(count_lines(path.path()).unwrap(), Some(expected), "{text:?}");
    }
    assert_eq!(count_lines(Path::new("/dev/null")).unwrap(), None);
}

#[test]
fn a_file_ends_the_command_as_its_lines_did() {
    let fake = accept_all(0);
    let path = tempfile::NamedTempFile::new().unwrap();
    let argument = path.path().display().to_string();
    for (text, expected) in
        [(file(["a", "b"]), Exit::Success), (format!("{}{{\n", file(["a"])), Exit::Failed)]
    {
        std::fs::write(path.path(), text).unwrap();
        assert_eq!(fake.run(&["submit", "--file", &argument]).unwrap(), expected);
    }
    let failure = fake.run(&["submit", "--file", "no/such.ndjson"]).unwrap_err();
    assert_eq!(failure.exit(), Exit::NotFound);
}
