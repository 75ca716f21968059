//! The call itself.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use ureq::Agent;
use ureq::http::header::CONTENT_TYPE;
use ureq::unversioned::transport::{Connector, RustlsConnector, TcpConnector};

use crate::allowed::Allowed;
use crate::failure::{Delivered, Reason, SendFailure, judge};
use crate::message::{ID_HEADER, Message, SIGNATURE_HEADER, TIMESTAMP_HEADER};
use crate::resolver::{Lookup, SystemLookup, Vetting};
use crate::url::CallbackUrl;

/// The longest head of an answer, in bytes.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// How much of an answer's body is read, in bytes. It is not looked at: a receiver that gets rid of
/// a short one does not see its connection break.
const BODY_BYTES_READ: u64 = 4 * 1024;

/// How long the parts of a call may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Until the name is resolved.
    pub name: Duration,
    /// Until a connection stands, TLS included.
    pub connection: Duration,
    /// Everything, from the name to the answer.
    pub whole: Duration,
    /// The answer's body, within the whole.
    pub reply_body: Duration,
}

impl Default for Timeouts {
    /// A receiver has ten seconds: its work is its own, after the answer.
    fn default() -> Self {
        Self {
            name: Duration::from_secs(3),
            connection: Duration::from_secs(3),
            whole: Duration::from_secs(10),
            reply_body: Duration::from_secs(1),
        }
    }
}

/// Sends callbacks. Clones share what it holds.
///
/// Follows no redirect, asks no proxy, keeps no connection and no cookie, and trusts the public
/// certificate authorities.
#[derive(Clone, Debug)]
pub struct Sender {
    agent: Agent,
    allowed: Arc<Allowed>,
}

impl Sender {
    /// A sender to the public internet, and to what the operator allows.
    #[must_use]
    pub fn new(allowed: Allowed) -> Self {
        Self::with(allowed, Timeouts::default(), SystemLookup)
    }

    /// A sender with other timeouts, or another way to find addresses.
    #[must_use]
    pub fn with(allowed: Allowed, timeouts: Timeouts, lookup: impl Lookup) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            // Where it leads was not checked.
            .max_redirects(0)
            .max_redirects_will_error(false)
            // A proxy resolves names by itself, and may reach what we may not.
            .proxy(None)
            .timeout_resolve(Some(timeouts.name))
            .timeout_connect(Some(timeouts.connection))
            .timeout_global(Some(timeouts.whole))
            .timeout_recv_body(Some(timeouts.reply_body))
            .max_response_header_size(HEAD_BYTES_MAX)
            // Every call is a name resolved and checked anew.
            .max_idle_connections(0)
            .accept_encoding("")
            .user_agent(concat!("writ/", env!("CARGO_PKG_VERSION")))
            .build();
        let connector = ().chain(TcpConnector::default()).chain(RustlsConnector::default());
        let allowed = Arc::new(allowed);
        let vetting = Vetting::new(Arc::clone(&allowed), Arc::new(lookup));
        Self { agent: Agent::with_parts(config, connector, vetting), allowed }
    }

    /// Sends a message once. Who drops the future leaves a call behind that ends within its time;
    /// it may arrive.
    ///
    /// # Errors
    /// Why it did not arrive, as far as one can know, and whether to try again.
    pub async fn send(&self, url: &str, message: &Message) -> Result<Delivered, SendFailure> {
        // What an operator allows may have changed since the URL was given.
        let url = CallbackUrl::parse(url, &self.allowed)
            .map_err(|error| SendFailure::Refused(Reason::Url(error)))?;
        let agent = self.agent.clone();
        let message = message.clone();
        let call = tokio::task::spawn_blocking(move || call(&agent, &url, &message));
        call.await.unwrap_or(Err(SendFailure::again(Reason::Stopped)))
    }
}

fn call(agent: &Agent, url: &CallbackUrl, message: &Message) -> Result<Delivered, SendFailure> {
    let response = agent
        .post(url.as_str())
        .header(CONTENT_TYPE, "application/json")
        .header(ID_HEADER, message.id())
        .header(TIMESTAMP_HEADER, message.timestamp_s().to_string())
        .header(SIGNATURE_HEADER, message.signature())
        .send(message.body())?;
    let outcome = judge(response.status(), response.headers());
    let mut body = response.into_body().into_reader().take(BODY_BYTES_READ);
    // The answer stands, whatever becomes of its body.
    let _ = io::copy(&mut body, &mut io::sink());
    outcome
}

#[cfg(test)]
mod receiver;
#[cfg(test)]
mod tests;
