//! A receiver of callbacks that answers what a test scripts.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use writ_model::{Error, Timestamp};
use writ_ports::{CallbackRequest, CallbackSecret, DeliveryResult, SendCallback};

/// A URL that [`CallbackReceiver`] refuses to be called at.
pub const PRIVATE_URL: &str = "http://10.0.0.1/";

/// A callback that arrived, as [`CallbackRequest`] with what it borrows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The URL that was called.
    pub url: String,
    /// The id of the message, the same in every try.
    pub callback_id: String,
    /// When the call was made.
    pub now: Timestamp,
    /// The message, as JSON text.
    pub body: String,
    /// The secrets that the message was to be signed with.
    pub secrets: Vec<CallbackSecret>,
    /// The number of this try, from 1.
    pub tries: u32,
}

/// Takes every callback and records it; answers [`DeliveryResult::Delivered`] unless scripted.
#[derive(Debug, Default)]
pub struct CallbackReceiver {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    results: VecDeque<DeliveryResult>,
    deliveries: Vec<Delivery>,
}

impl CallbackReceiver {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers the next calls with these results, one each.
    pub fn script(&self, results: impl IntoIterator<Item = DeliveryResult>) {
        self.state().results.extend(results);
    }

    /// The calls so far, the oldest first.
    #[must_use]
    pub fn deliveries(&self) -> Vec<Delivery> {
        self.state().deliveries.clone()
    }
}

impl SendCallback for CallbackReceiver {
    fn check_callback(&self, url: &str) -> Result<(), Error> {
        if url == PRIVATE_URL { Err(Error::invalid("`10.0.0.1` is private")) } else { Ok(()) }
    }

    async fn send_callback(&self, call: CallbackRequest<'_>) -> DeliveryResult {
        let mut state = self.state();
        state.deliveries.push(Delivery {
            url: call.url.to_owned(),
            callback_id: call.callback_id.to_owned(),
            now: call.now,
            body: call.body.to_owned(),
            secrets: call.secrets.to_vec(),
            tries: call.tries,
        });
        state.results.pop_front().unwrap_or(DeliveryResult::Delivered)
    }
}
