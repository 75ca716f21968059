//! The platform as a process of its own.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A platform that serves until this is dropped.
pub(crate) struct Served {
    pub(crate) child: Child,
    pub(crate) url: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts it over a data directory and waits until it serves.
pub(crate) fn start(directory: &Path) -> Result<Served, Box<dyn Error>> {
    let started = Instant::now();
    let mut child = Command::new(std::env::current_exe()?)
        .arg(crate::SERVE)
        .arg(directory)
        .stdout(Stdio::piped())
        .spawn()?;
    let mut address = String::new();
    let stdout = child.stdout.take().ok_or("no output")?;
    BufReader::new(stdout).read_line(&mut address)?;
    let served = Served { child, url: format!("http://{}", address.trim()) };
    while ureq::get(format!("{}/healthz", served.url)).call().is_err() {
        if started.elapsed() > Duration::from_secs(30) {
            return Err("the platform did not come up".into());
        }
    }
    Ok(served)
}

/// The body of the reply.
pub(crate) fn post(
    agent: &ureq::Agent,
    served: &Served,
    path: &str,
    body: &Value,
) -> Result<String, Box<dyn Error>> {
    let mut response = agent
        .post(format!("{}{path}", served.url))
        .header("content-type", "application/json")
        .send(body.to_string())?;
    Ok(response.body_mut().read_to_string()?)
}
