//! The HTTP client of an OpenID provider.

use std::io;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::value::RawValue;
use ureq::Agent;
use writ_ports::Jwk;

use crate::{Endpoint, FetchError, KeySource};

/// The time limit of a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// The time limit of discovery and keys together: callers wait for it.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(5);

/// The maximum size of a document, in bytes.
const DOCUMENT_BYTES_MAX: u64 = 256 * 1024;

/// The path of an issuer's configuration (OpenID Connect Discovery 1.0, 4.1).
const WELL_KNOWN: &str = "/.well-known/openid-configuration";

/// An OpenID provider, reached over HTTP.
#[derive(Debug)]
pub struct Provider {
    issuer: Endpoint,
    jwks_url: Option<Endpoint>,
    agent: Agent,
    total_timeout: Duration,
}

#[derive(Deserialize)]
struct Configuration {
    issuer: String,
    jwks_uri: String,
}

/// Keys are parsed one by one, so that an unsupported key does not invalidate the others.
#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Box<RawValue>>,
}

impl Provider {
    /// Creates the client of an issuer. Its keys are at `jwks_url`; `None` to find them by
    /// discovery.
    #[must_use]
    pub fn new(issuer: Endpoint, jwks_url: Option<Endpoint>) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // The operator decides which hosts are trusted with the keys, not a response.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            // Fetches are minutes apart: a pooled connection would be closed by then.
            .max_idle_connections(0)
            .user_agent(concat!("writ/", env!("CARGO_PKG_VERSION")));
        Self { issuer, jwks_url, agent: config.build().into(), total_timeout: TOTAL_TIMEOUT }
    }

    /// Discovers the URL of the keys from the issuer's configuration.
    fn discover(&self, deadline: Instant) -> Result<Endpoint, FetchError> {
        let url =
            Endpoint::new(&format!("{}{WELL_KNOWN}", self.issuer.as_str().trim_end_matches('/')));
        let url = url.unwrap_or_else(|_| self.issuer.clone());
        let document = self.get(&url, deadline)?;
        let found: Configuration = parse(&url, &document, "an OpenID configuration")?;
        if found.issuer != self.issuer.as_str() {
            let issuer = self.issuer.to_string();
            return Err(FetchError::Issuer { url: url.to_string(), issuer });
        }
        let keys = Endpoint::new(&found.jwks_uri).and_then(|keys| {
            // A provider on the network must not refer to loopback.
            let is_misdirected = keys.is_local() && !self.issuer.is_local();
            if is_misdirected { Err("that is this machine") } else { Ok(keys) }
        });
        keys.map_err(|why| FetchError::KeysUrl { url: url.to_string(), keys: found.jwks_uri, why })
    }

    fn get(&self, url: &Endpoint, deadline: Instant) -> Result<String, FetchError> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(FetchError::Late(io::ErrorKind::TimedOut.into()));
        }
        let mut config = self.agent.get(url.as_str()).config().timeout_global(Some(left));
        if url.is_local() {
            config = config.proxy(None);
        }
        let mut response = config.build().call().map_err(|source| FetchError::Unreachable {
            url: url.to_string(),
            source: Box::new(source),
        })?;
        let status = response.status().as_u16();
        if status != 200 {
            return Err(FetchError::Status { url: url.to_string(), status });
        }
        // The limit of the reader is exclusive.
        let limit = DOCUMENT_BYTES_MAX + 1;
        let body = response.body_mut().with_config().limit(limit).read_to_string();
        body.map_err(|source| FetchError::Body { url: url.to_string(), source: Box::new(source) })
    }
}

impl KeySource for Provider {
    fn fetch(&self) -> Result<Vec<Jwk>, FetchError> {
        let deadline = Instant::now() + self.total_timeout;
        let url = match &self.jwks_url {
            Some(url) => url.clone(),
            None => self.discover(deadline)?,
        };
        let document = self.get(&url, deadline)?;
        let set: KeySet = parse(&url, &document, "a set of keys")?;
        Ok(set.keys.iter().filter_map(|key| serde_json::from_str(key.get()).ok()).collect())
    }
}

fn parse<'a, T: Deserialize<'a>>(
    url: &Endpoint,
    document: &'a str,
    what: &'static str,
) -> Result<T, FetchError> {
    serde_json::from_str(document).map_err(|source| FetchError::Form {
        url: url.to_string(),
        what,
        source,
    })
}

#[cfg(test)]
mod tests;
