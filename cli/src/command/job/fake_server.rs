//! A server for tests: it answers by a function and records its requests.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use clap::Parser;
use serde_json::json;

use super::Job;
use crate::client::Client;
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;

/// The command line of `writ job` alone.
#[derive(Debug, Parser)]
struct JobCommand {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    job: Job,
}

/// Whether `writ job` accepts these arguments.
pub(super) fn is_valid(arguments: &[&str]) -> bool {
    JobCommand::try_parse_from(["job"].iter().chain(arguments)).is_ok()
}

/// A request that the server received.
#[derive(Clone, Debug, Default)]
pub(super) struct Request {
    /// Method and target, as `GET /jobs/j?wait=20s`.
    pub(super) line: String,
    /// Header fields, names in lower case.
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

/// A server that runs until the test's process ends.
pub(super) struct FakeServer {
    url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl FakeServer {
    pub(super) fn start(
        handler: impl Fn(&Request) -> (u16, String) + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (handler, recorded) = (Arc::new(handler), Arc::clone(&requests));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (handler, recorded) = (Arc::clone(&handler), Arc::clone(&recorded));
                std::thread::spawn(move || {
                    let Some(request) = Request::read(&stream) else { return };
                    recorded.lock().unwrap().push(request.clone());
                    let (status, body) = handler(&request);
                    let head = format!(
                        "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                        body.len()
                    );
                    // The client may have closed the connection.
                    let _ = (&stream).write_all(format!("{head}{body}").as_bytes());
                });
            }
        });
        Self { url, requests }
    }

    pub(super) fn client(&self) -> Client {
        Client::new(&self.url, None).unwrap()
    }

    /// A client of a port on which no server listens.
    pub(super) fn unreachable_client() -> Client {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        Client::new(&format!("http://{address}"), None).unwrap()
    }

    /// The requests so far, in order.
    pub(super) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Each request's method and target.
    pub(super) fn lines(&self) -> Vec<String> {
        self.requests().into_iter().map(|request| request.line).collect()
    }

    /// Runs `writ job` with these arguments.
    pub(super) fn run(&self, arguments: &[&str]) -> Result<Exit, CliError> {
        // A visible progress line would poll more often.
        let options = ["job", "--quiet", "--server", &self.url];
        let words = options.into_iter().chain(arguments.iter().copied());
        let JobCommand { global, job } = JobCommand::try_parse_from(words).unwrap();
        job.run(&global)
    }
}

/// The body of a success with this data.
pub(super) fn data(value: &serde_json::Value) -> String {
    json!({"success": true, "data": value}).to_string()
}

/// A problem document of this kind.
pub(super) fn problem(kind: &str, message: &str, retry_after_s: Option<u32>) -> String {
    json!({
        "type": format!("urn:writ:error:{kind}"), "detail": message, "success": false,
        "retry_after_s": retry_after_s,
    })
    .to_string()
}
