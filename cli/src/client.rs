//! The HTTP client: one request, one response, and problem documents as errors.

use std::io;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::value::RawValue;
use ureq::http::{Method, Request, Uri, header};

use writ_model::Diagnostic;

use crate::error::CliError;
use crate::exit::Exit;
use crate::problem::Problem;

/// The server answers within 25 seconds; the rest is for the network.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Requests that run at the same time, at most; as many idle connections are kept.
pub(crate) const CONCURRENT_REQUESTS_MAX: usize = 64;

/// Bound of a response body: a page of a thousand policies with their code fits.
const REPLY_BYTES_MAX: u64 = 256 << 20;

/// Characters to encode in a path segment. `:` is left as it is because policy URIs contain it.
const SEGMENT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

/// A client of one server.
pub(crate) struct Client {
    agent: ureq::Agent,
    server: String,
    token: Option<String>,
}

/// The body of a successful response.
#[derive(Debug)]
pub(crate) struct ApiResponse {
    /// The member `data`, byte for byte; `null` for an empty body.
    pub(crate) data: String,
    /// The id of the run's record, for a route that runs a policy.
    pub(crate) execution_id: Option<String>,
    /// The continuation token of the next page; `None` on the last page.
    pub(crate) next_token: Option<String>,
    /// Warnings about a policy that was registered all the same.
    pub(crate) warnings: Vec<Diagnostic>,
}

#[derive(Deserialize)]
struct Envelope {
    data: Box<RawValue>,
    execution_id: Option<String>,
    next_token: Option<String>,
    #[serde(default)]
    warnings: Vec<Diagnostic>,
}

/// A request of the API: method, path, query, headers and body.
#[derive(Debug)]
pub(crate) struct ApiRequest {
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
    body: Option<String>,
}

impl ApiRequest {
    pub(crate) fn new(method: Method, segments: &[&str]) -> Self {
        let path = segments
            .iter()
            .map(|segment| format!("/{}", utf8_percent_encode(segment, SEGMENT)))
            .collect();
        Self { method, path, query: Vec::new(), headers: Vec::new(), body: None }
    }

    pub(crate) fn get(segments: &[&str]) -> Self {
        Self::new(Method::GET, segments)
    }

    pub(crate) fn post(segments: &[&str], body: impl Into<String>) -> Self {
        Self::new(Method::POST, segments).body(body)
    }

    pub(crate) fn body(mut self, body: impl Into<String>) -> Self {
        self.body = Some(body.into());
        self
    }

    pub(crate) fn query(mut self, name: &'static str, value: Option<&str>) -> Self {
        self.query.extend(value.map(|value| (name, value.to_owned())));
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: Option<&str>) -> Self {
        self.headers.extend(value.map(|value| (name, value.to_owned())));
        self
    }

    fn target(&self) -> String {
        let mut target = self.path.clone();
        for (position, (name, value)) in self.query.iter().enumerate() {
            let sign = if position == 0 { '?' } else { '&' };
            target.push_str(&format!(
                "{sign}{name}={}",
                utf8_percent_encode(value, NON_ALPHANUMERIC)
            ));
        }
        target
    }
}

impl Client {
    /// A client of the server at `server`, an `http` or `https` URL with or without a path.
    pub(crate) fn new(server: &str, token: Option<String>) -> Result<Self, CliError> {
        let server = server.trim_end_matches('/').to_owned();
        let wrong = |why: &str| {
            CliError::usage(format!("`{server}` is not a server address: {why}"))
                .help("write it as `http://127.0.0.1:5000`, with `--server` or WRIT_SERVER")
        };
        let uri: Uri = server.parse().map_err(|_| wrong("not a URL"))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(wrong("it starts with neither `http://` nor `https://`"));
        }
        let host =
            uri.host().filter(|host| !host.is_empty()).ok_or_else(|| wrong("it names no host"))?;
        let mut config = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            // The token is for this server alone, so it does not follow a redirect.
            .max_redirects(0)
            .max_idle_connections(CONCURRENT_REQUESTS_MAX)
            .max_idle_connections_per_host(CONCURRENT_REQUESTS_MAX)
            .user_agent(concat!("writ/", env!("CARGO_PKG_VERSION")));
        if is_loopback(host) {
            config = config.proxy(None);
        }
        Ok(Self { agent: config.build().into(), server, token })
    }

    /// Whether a token would cross a network in clear text.
    pub(crate) fn exposes_token(&self) -> bool {
        let host = self.server.parse::<Uri>().ok().and_then(|uri| uri.host().map(str::to_owned));
        self.token.is_some()
            && self.server.starts_with("http://")
            && !host.is_some_and(|host| is_loopback(&host))
    }

    /// Sends the request. A problem document becomes an error.
    pub(crate) fn send(&self, request: &ApiRequest) -> Result<ApiResponse, CliError> {
        self.try_send(request)?.map_err(|problem| self.failure(request, &problem))
    }

    /// Sends the request. The inner error is the problem document, for callers that handle it.
    pub(crate) fn try_send(
        &self,
        request: &ApiRequest,
    ) -> Result<Result<ApiResponse, Problem>, CliError> {
        let (status, retry_after, body) = self.exchange(request)?;
        if !(200..300).contains(&status) {
            return Problem::parse(status, retry_after, &body)
                .map(Err)
                .ok_or_else(|| self.unexpected_reply(request, status));
        }
        if body.is_empty() {
            return Ok(Ok(ApiResponse {
                data: "null".to_owned(),
                execution_id: None,
                next_token: None,
                warnings: Vec::new(),
            }));
        }
        let envelope: Envelope =
            serde_json::from_str(&body).map_err(|_| self.unexpected_reply(request, status))?;
        Ok(Ok(ApiResponse {
            data: envelope.data.get().to_owned(),
            execution_id: envelope.execution_id,
            next_token: envelope.next_token,
            warnings: envelope.warnings,
        }))
    }

    /// The error of a problem document, with the request that it answers.
    pub(crate) fn failure(&self, request: &ApiRequest, problem: &Problem) -> CliError {
        let failure = CliError::from_error(&problem.error).at(format!(
            "{} {}{}",
            request.method,
            self.server,
            request.target()
        ));
        match &problem.execution_id {
            Some(id) => failure.note(format!("recorded as execution {id}")),
            None => failure,
        }
    }

    fn exchange(&self, request: &ApiRequest) -> Result<(u16, Option<u32>, String), CliError> {
        let mut http_request = Request::builder()
            .method(request.method.clone())
            .uri(format!("{}{}", self.server, request.target()))
            .header(header::ACCEPT, "application/json, application/problem+json");
        for (name, value) in &request.headers {
            http_request = http_request.header(*name, value);
        }
        if let Some(token) = &self.token {
            http_request = http_request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if request.body.is_some() {
            http_request = http_request.header(header::CONTENT_TYPE, "application/json");
        }
        // Only a header can be invalid here, and its value is not printed: it may be the token.
        let unsendable =
            |_| CliError::usage("a header or the token holds characters that HTTP does not allow");
        let sent = match &request.body {
            Some(body) => self.agent.run(http_request.body(body.as_str()).map_err(unsendable)?),
            None => self.agent.run(http_request.body(()).map_err(unsendable)?),
        };
        let mut reply = sent.map_err(|error| self.unreachable(&error))?;
        let retry_after = reply
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| text.parse().ok());
        let body = reply
            .body_mut()
            .with_config()
            .limit(REPLY_BYTES_MAX)
            .read_to_string()
            .map_err(|error| self.unreachable(&error))?;
        Ok((reply.status().as_u16(), retry_after, body))
    }

    fn unreachable(&self, error: &ureq::Error) -> CliError {
        let refused = matches!(error, ureq::Error::ConnectionFailed)
            || matches!(error, ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused);
        if refused {
            return CliError::new(Exit::Unavailable, "cannot connect to the server")
                .at(self.server.as_str())
                .help(
                    "is the server running? start it with `writ up`, or set another with `--server`",
                );
        }
        let message = match error {
            ureq::Error::Timeout(_) => {
                format!("the server did not answer within {} s", TIMEOUT.as_secs())
            }
            ureq::Error::HostNotFound => "the host name does not resolve".to_owned(),
            other => format!("the request to the server failed: {other}"),
        };
        CliError::new(Exit::Unavailable, message).at(self.server.as_str())
    }

    fn unexpected_reply(&self, request: &ApiRequest, status: u16) -> CliError {
        CliError::new(
            Exit::Unavailable,
            format!("the reply (with status {status}) does not come from a Writ server"),
        )
        .at(format!("{} {}{}", request.method, self.server, request.target()))
        .help("set the server with `--server` or WRIT_SERVER")
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::tests::plain;
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::net::TcpListener;

    /// Serves one request with `reply`. The thread returns the request's head.
    fn serve_once(reply: String) -> (String, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let head = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = String::new();
            for line in BufReader::new(stream.try_clone().unwrap()).lines() {
                let line = line.unwrap();
                if line.is_empty() {
                    break;
                }
                head.push_str(&format!("{line}\n"));
            }
            stream.write_all(reply.as_bytes()).unwrap();
            head
        });
        (url, head)
    }

    fn reply(status: &str, body: &str) -> String {
        format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        )
    }

    #[test]
    fn data_arrives_byte_for_byte_and_the_call_is_spelled_as_the_api_wants() {
        let (url, head) = serve_once(reply(
            "200 OK",
            r#"{"success":true,"data":{"b": 1.0, "a":1e400},"next_token":"n"}"#,
        ));
        let client = Client::new(&url, Some("secret".to_owned())).unwrap();
        let request = ApiRequest::get(&["policy", "é x:1.0-b/c"])
            .query("sort", Some("-name"))
            .query("limit", None);
        let response = client.send(&request).unwrap();
        assert_eq!(response.data, r#"{"b": 1.0, "a":1e400}"#);
        assert_eq!((response.next_token.as_deref(), response.execution_id), (Some("n"), None));
        let head = head.join().unwrap();
        assert!(
            head.starts_with("GET /policy/%C3%A9%20x:1.0-b%2Fc?sort=%2Dname HTTP/1.1\n"),
            "{head}"
        );
        assert!(head.to_lowercase().contains("authorization: bearer secret\n"), "{head}");
    }

    #[test]
    fn a_problem_says_which_call_it_answered() {
        let body = r#"{"type":"urn:writ:error:not_found","detail":"there is no policy `a:1-b`"}"#;
        let (url, head) = serve_once(reply("404 Not Found", body));
        let failure = Client::new(&url, None)
            .unwrap()
            .send(&ApiRequest::get(&["policy", "a:1-b"]))
            .unwrap_err();
        head.join().unwrap();
        assert_eq!(failure.exit(), Exit::NotFound);
        assert_eq!(
            plain(&failure.render()),
            format!("error[not_found]: there is no policy `a:1-b`\n --> GET {url}policy/a:1-b\n")
        );
    }

    #[test]
    fn another_servers_page_is_not_data() {
        for response in
            [reply("200 OK", "<html>"), reply("302 Found", ""), reply("500 Oops", "oops")]
        {
            let (url, head) = serve_once(response);
            let failure =
                Client::new(&url, None).unwrap().send(&ApiRequest::get(&["whoami"])).unwrap_err();
            head.join().unwrap();
            assert_eq!(failure.exit(), Exit::Unavailable);
        }
    }

    #[test]
    fn a_server_that_is_not_there_is_named_with_what_to_do() {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let failure = Client::new(&format!("http://{address}"), None)
            .unwrap()
            .send(&ApiRequest::get(&["whoami"]))
            .unwrap_err();
        assert_eq!(failure.exit(), Exit::Unavailable);
        assert!(plain(&failure.render()).contains("start it with `writ up`"), "{failure:?}");
    }

    #[test]
    fn a_token_that_http_cannot_carry_is_not_repeated() {
        let client = Client::new("http://127.0.0.1:9", Some("sec\nret".to_owned())).unwrap();
        let failure = client.send(&ApiRequest::get(&["whoami"])).unwrap_err();
        assert_eq!(failure.exit(), Exit::Usage);
        assert!(!failure.render().contains("sec"), "{failure:?}");
    }

    #[test]
    fn only_http_addresses_are_servers() {
        for text in ["127.0.0.1:5000", "ftp://a", "http://", "", "not a url"] {
            assert!(Client::new(text, None).is_err(), "{text}");
        }
    }

    #[test]
    fn a_token_is_in_clear_text_only_over_a_network() {
        for (server, shows) in [
            ("http://127.0.0.1:5000", false),
            ("http://[::1]:5000", false),
            ("http://localhost", false),
            ("https://example.org", false),
            ("http://example.org", true),
        ] {
            assert_eq!(
                Client::new(server, Some("t".to_owned())).unwrap().exposes_token(),
                shows,
                "{server}"
            );
        }
    }
}
