//! A server for tests: answers by a function and remembers what it was asked.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use clap::Parser as _;
use serde_json::json;

use crate::args::Cli;
use crate::client::Client;
use crate::exit::Exit;
use crate::failure::Failure;

/// One request as it arrived.
#[derive(Clone, Debug, Default)]
pub(super) struct Request {
    /// `GET /jobs/j?wait=20s`.
    pub(super) line: String,
    /// Header lines, names in lower case.
    headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Request {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn read(stream: &TcpStream) -> Option<Self> {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let mut request =
            Self { line: line.trim().trim_end_matches(" HTTP/1.1").to_owned(), ..Self::default() };
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim().split_once(':') else { break };
            request.headers.push((name.to_lowercase(), value.trim().to_owned()));
        }
        let length = request.header("content-length").and_then(|text| text.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut body).ok()?;
        request.body = String::from_utf8(body).ok()?;
        (!request.line.is_empty()).then_some(request)
    }
}

/// A server that lives as long as its test's process.
pub(super) struct Fake {
    url: String,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Fake {
    pub(super) fn start(
        answer: impl Fn(&Request) -> (u16, String) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (answer, kept) = (Arc::new(answer), Arc::clone(&seen));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, seen) = (Arc::clone(&answer), Arc::clone(&kept));
                std::thread::spawn(move || {
                    let Some(request) = Request::read(&stream) else { return };
                    seen.lock().unwrap().push(request.clone());
                    let (status, body) = answer(&request);
                    let head = format!(
                        "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                        body.len()
                    );
                    // A caller that has gone needs no answer.
                    let _ = (&stream).write_all(format!("{head}{body}").as_bytes());
                });
            }
        });
        Self { url, seen }
    }

    pub(super) fn client(&self) -> Client {
        Client::new(&self.url, None).unwrap()
    }

    /// A client of a server that is not there.
    pub(super) fn nobody() -> Client {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        Client::new(&format!("http://{address}"), None).unwrap()
    }

    /// What it was asked, in order.
    pub(super) fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }

    /// Each request's method and target.
    pub(super) fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|request| request.line).collect()
    }

    /// Runs `writ job` with these arguments.
    pub(super) fn run(&self, arguments: &[&str]) -> Result<Exit, Failure> {
        // Quiet: a progress line that somebody sees asks more often.
        let words = ["writ", "--quiet", "--server", &self.url, "job"]
            .into_iter()
            .chain(arguments.iter().copied());
        let cli = Cli::try_parse_from(words).unwrap();
        cli.command.run(&cli.global)
    }
}

/// A success with this data.
pub(super) fn data(value: &serde_json::Value) -> String {
    json!({"success": true, "data": value}).to_string()
}

/// A refusal.
pub(super) fn problem(kind: &str, message: &str, retry_after_s: Option<u32>) -> String {
    json!({
        "type": format!("urn:writ:error:{kind}"), "detail": message, "success": false,
        "retry_after_s": retry_after_s,
    })
    .to_string()
}
