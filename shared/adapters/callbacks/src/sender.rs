//! Delivery of callbacks over HTTP.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::http::header::CONTENT_TYPE;
use ureq::unversioned::transport::{Connector, RustlsConnector, TcpConnector};

use crate::allowlist::Allowlist;
use crate::message::{ID_HEADER, Message, SIGNATURE_HEADER, TIMESTAMP_HEADER};
use crate::resolver::{Lookup, SystemLookup, ValidatingResolver};
use crate::send_error::{Acknowledgement, FailureReason, SendError, classify};
use crate::url::CallbackUrl;

/// The maximum size of the head of a response, in bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// How much of a response's body is read and discarded, in bytes, so that a receiver that sends a
/// short body does not see its connection reset.
const BODY_BYTES_READ: u64 = 4 * 1024;

/// Time limits of a request and its phases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// The time limit of name resolution.
    pub resolve: Duration,
    /// The time limit of the connection, including the TLS handshake.
    pub connect: Duration,
    /// The time limit of the whole request, from name resolution to the response.
    pub total: Duration,
    /// The time limit of reading the response's body, within the whole.
    pub response_body: Duration,
}

impl Default for Timeouts {
    /// A receiver has ten seconds in total: it should respond first and do its work afterwards.
    fn default() -> Self {
        Self {
            resolve: Duration::from_secs(3),
            connect: Duration::from_secs(3),
            total: Duration::from_secs(10),
            response_body: Duration::from_secs(1),
        }
    }
}

/// An HTTP client for callbacks. Clones share its agent and its allowlist.
///
/// It follows no redirects, uses no proxy, reuses no connections, keeps no cookies, and trusts the
/// public certificate authorities.
#[derive(Clone, Debug)]
pub struct Sender {
    agent: Agent,
    allowlist: Arc<Allowlist>,
}

impl Sender {
    /// Creates a sender to the public internet and the destinations of the allowlist.
    #[must_use]
    pub fn new(allowlist: Allowlist) -> Self {
        Self::with(allowlist, Timeouts::default(), SystemLookup)
    }

    /// Creates a sender with other time limits, or another resolver.
    #[must_use]
    pub fn with(allowlist: Allowlist, timeouts: Timeouts, lookup: impl Lookup) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // The target of a redirect is not validated.
            .max_redirects(0)
            .max_redirects_will_error(false)
            // A proxy resolves names itself, and may reach networks that are forbidden here.
            .proxy(None)
            .timeout_resolve(Some(timeouts.resolve))
            .timeout_connect(Some(timeouts.connect))
            .timeout_global(Some(timeouts.total))
            .timeout_recv_body(Some(timeouts.response_body))
            .max_response_header_size(HEAD_BYTES_MAX)
            // Every request resolves and validates the name again.
            .max_idle_connections(0)
            .accept_encoding("")
            .user_agent(concat!("writ/", env!("CARGO_PKG_VERSION")))
            .build();
        let connector = ().chain(TcpConnector::default()).chain(RustlsConnector::default());
        let allowlist = Arc::new(allowlist);
        let resolver = ValidatingResolver::new(Arc::clone(&allowlist), Arc::new(lookup));
        Self { agent: Agent::with_parts(config, connector, resolver), allowlist }
    }

    /// Sends a message once. If the future is dropped, the request continues within its time limit,
    /// and may be delivered.
    ///
    /// # Errors
    /// Returns the cause of the failure, as far as it is known, and whether to retry.
    pub async fn send(&self, url: &str, message: &Message) -> Result<Acknowledgement, SendError> {
        // The allowlist may have changed since the job was submitted.
        let url = CallbackUrl::parse(url, &self.allowlist)
            .map_err(|error| SendError::Permanent(FailureReason::Url(error)))?;
        let agent = self.agent.clone();
        let message = message.clone();
        let call = tokio::task::spawn_blocking(move || deliver(&agent, &url, &message));
        call.await.unwrap_or(Err(SendError::transient(FailureReason::Stopped)))
    }
}

fn deliver(
    agent: &Agent,
    url: &CallbackUrl,
    message: &Message,
) -> Result<Acknowledgement, SendError> {
    let response = agent
        .post(url.as_str())
        .header(CONTENT_TYPE, "application/json")
        .header(ID_HEADER, message.id())
        .header(TIMESTAMP_HEADER, message.timestamp_s().to_string())
        .header(SIGNATURE_HEADER, message.signature())
        .send(message.body())?;
    let outcome = classify(response.status(), response.headers());
    let mut body = response.into_body().into_reader().take(BODY_BYTES_READ);
    // The status decides the outcome; an error in the body does not matter.
    let _ = io::copy(&mut body, &mut io::sink());
    outcome
}

#[cfg(test)]
mod receiver;
#[cfg(test)]
mod tests;
