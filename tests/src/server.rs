//! An embedded platform in a process of its own, and a client of it.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use libtest_mimic::Failed;
use serde_json::Value;
use tempfile::TempDir;

/// Bound of a start and of a response, for the slowest machine.
pub const REPLY_TIMEOUT: Duration = Duration::from_secs(60);

/// A running `writ up`; killed when dropped.
pub struct Server {
    /// Where it listens, as `http://127.0.0.1:PORT`.
    pub url: String,
    /// The process, which is killed with the value.
    pub child: Child,
    data: PathBuf,
    _directory: Option<TempDir>,
}

impl Server {
    /// Starts the binary `writ` on an empty data directory and a free port.
    ///
    /// # Errors
    /// It does not start, and says why.
    pub fn start(writ: &str) -> Result<Self, Failed> {
        Self::start_with(writ, &[])
    }

    /// As [`Server::start`], with more options.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub fn start_with(writ: &str, flags: &[&str]) -> Result<Self, Failed> {
        let directory = tempfile::tempdir()?;
        let mut server = Self::spawn(writ, directory.path(), flags)?;
        server._directory = Some(directory);
        Ok(server)
    }

    /// Starts on the data directory `data` and a free port.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub fn start_on(writ: &str, data: &Path) -> Result<Self, Failed> {
        Self::spawn(writ, data, &[])
    }

    /// As [`Server::start_on`], with more options.
    pub fn spawn(writ: &str, data: &Path, flags: &[&str]) -> Result<Self, Failed> {
        let mut child = Command::new(writ)
            .args(["up", "--port", "0", "--data"])
            .arg(data)
            .args(flags)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().ok_or("no standard output")?;
        let (sender, url) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // A listener on every address is reachable on loopback, too.
                let line = line.replace("http://0.0.0.0:", "http://127.0.0.1:");
                if let Some(at) = line.find("http://127.0.0.1:") {
                    let rest = line.get(at..).unwrap_or_default();
                    let end = rest.find(|c: char| c.is_whitespace()).unwrap_or(rest.len());
                    let url = rest.get(..end).unwrap_or_default().trim_end_matches('/').to_owned();
                    // The address is printed several times, and the receiver takes the first one.
                    let _ = sender.send(url);
                }
            }
        });
        match url.recv_timeout(REPLY_TIMEOUT) {
            Ok(url) => Ok(Self { url, child, data: data.to_owned(), _directory: None }),
            Err(_) => {
                let _ = child.kill();
                let mut log = String::new();
                if let Some(mut stderr) = child.stderr.take() {
                    stderr.read_to_string(&mut log)?;
                }
                Err(Failed::from(format!("`writ up` did not start: {log}")))
            }
        }
    }

    /// The path of the data directory.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Sends one request and returns the response, whatever its status.
    ///
    /// # Errors
    /// There is no response.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(String, String)],
        body: &[u8],
    ) -> Result<HttpResponse, Failed> {
        send(&self.url, method, path, headers, body)
    }

    /// Sends a `POST` request with a JSON body.
    ///
    /// # Errors
    /// There is no response.
    pub fn post(&self, path: &str, body: &Value) -> Result<HttpResponse, Failed> {
        let headers = [("content-type".to_owned(), "application/json".to_owned())];
        self.send("POST", path, &headers, body.to_string().as_bytes())
    }

    /// Sends a `GET` request.
    ///
    /// # Errors
    /// There is no response.
    pub fn get(&self, path: &str) -> Result<HttpResponse, Failed> {
        self.send("GET", path, &[], b"")
    }

    /// Registers a policy with this code, under `{name}:1.0-test`.
    ///
    /// # Errors
    /// There is no response.
    pub fn register(&self, name: &str, code_type: &str, code: &str) -> Result<(), Failed> {
        let policy = serde_json::json!({
            "name": name, "version": "1.0", "release_tag": "test", "code": code, "code_type": code_type,
        });
        let response = self.post("/policy", &policy)?;
        if response.status == 201 {
            Ok(())
        } else {
            Err(Failed::from(format!("{name}: {response:?}")))
        }
    }

    /// Runs a registered policy.
    ///
    /// # Errors
    /// There is no response.
    pub fn execute(&self, name: &str, input: &Value) -> Result<HttpResponse, Failed> {
        self.post(
            "/executor/builtin/execute_policy",
            &serde_json::json!({"policy_rule_uri": format!("{name}:1.0-test"), "input_data": input}),
        )
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The process may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An HTTP response with a text body.
#[derive(Clone, Debug)]
pub struct HttpResponse {
    /// The status code of the response.
    pub status: u16,
    /// Names in lower case, with their values.
    pub headers: Vec<(String, String)>,
    /// The body, which is text.
    pub body: String,
}

impl HttpResponse {
    /// The body as JSON.
    ///
    /// # Errors
    /// The body is no JSON.
    pub fn json(&self) -> Result<Value, Failed> {
        serde_json::from_str(&self.body).map_err(|error| Failed::from(format!("{error}: {self:?}")))
    }

    /// The value of a header, by its name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Sends one request to the platform at `url` and returns the response, whatever its status.
///
/// # Errors
/// There is no response.
pub fn send(
    url: &str,
    method: &str,
    path: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> Result<HttpResponse, Failed> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .allow_non_standard_methods(true)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(REPLY_TIMEOUT))
        .build()
        .into();
    let mut request = ureq::http::Request::builder().method(method).uri(format!("{url}{path}"));
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let mut response = agent.run(request.body(body)?)?;
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
        .collect();
    let status = response.status().as_u16();
    let body = response.body_mut().with_config().limit(64 << 20).read_to_string()?;
    Ok(HttpResponse { status, headers, body })
}
