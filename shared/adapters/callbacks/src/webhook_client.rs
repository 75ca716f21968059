//! The implementation of the [`SendCallback`] port.

use writ_model::Error;
use writ_ports::{CallbackRequest, DeliveryResult, SendCallback};

use crate::{Allowlist, CallbackUrl, Message, Secret, Sender};

/// Delivers callbacks to public addresses and those of the allowlist. Cheap to clone.
#[derive(Clone, Debug)]
pub struct WebhookClient {
    allowlist: Allowlist,
    sender: Sender,
}

impl WebhookClient {
    /// Creates a client for the public internet and the destinations of the allowlist.
    #[must_use]
    pub fn new(allowlist: Allowlist) -> Self {
        Self { sender: Sender::new(allowlist.clone()), allowlist }
    }
}

impl SendCallback for WebhookClient {
    fn check_callback(&self, url: &str) -> Result<(), Error> {
        CallbackUrl::parse(url, &self.allowlist)
            .map(drop)
            .map_err(|error| Error::invalid(error.to_string()))
    }

    async fn send_callback(&self, call: CallbackRequest<'_>) -> DeliveryResult {
        let permanent = |reason: String| DeliveryResult::Failed { reason, again_in: None };
        let secrets: Result<Vec<Secret>, _> =
            call.secrets.iter().map(|secret| Secret::parse(&secret.secret)).collect();
        let message = secrets.map_err(|error| error.to_string()).and_then(|secrets| {
            let seconds = call.now.as_ms().div_euclid(1_000);
            Message::sign(call.callback_id, seconds, call.body.as_bytes(), &secrets)
                .map_err(|error| error.to_string())
        });
        let message = match message {
            Ok(message) => message,
            Err(reason) => return permanent(reason),
        };
        match self.sender.send(call.url, &message).await {
            Ok(_) => DeliveryResult::Delivered,
            Err(failure) => DeliveryResult::Failed {
                again_in: failure.retry_delay(call.tries, call.jitter),
                reason: failure.to_string(),
            },
        }
    }
}
