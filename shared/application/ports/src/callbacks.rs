//! Callbacks: signed requests that report the ends of jobs.

use std::future::Future;
use std::time::Duration;

use writ_model::{Error, Timestamp, Workspace};

/// The most secrets that sign one message: the newest, and older ones while receivers change over.
pub const CALLBACK_SECRETS_MAX: usize = 4;

/// How the text of a secret begins, by the Standard Webhooks specification; base64 follows.
pub const CALLBACK_SECRET_PREFIX: &str = "whsec_";

/// A workspace's secret for signing, as receivers have it.
#[derive(Clone, PartialEq, Eq)]
pub struct CallbackSecret {
    /// The text: `whsec_` and base64.
    pub secret: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// It signs until then; `None` for the newest.
    pub ends_at: Option<Timestamp>,
    /// The id by the idempotency key of the request that made it; `None` without a key.
    pub request_id: Option<String>,
}

impl std::fmt::Debug for CallbackSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallbackSecret").field("made_at", &self.made_at).finish_non_exhaustive()
    }
}

/// A workspace's secrets, newest first, and how often they were changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallbackSecrets {
    /// Counts the changes; 0 before the first secret.
    pub version: u64,
    /// The secrets, newest first.
    pub secrets: Vec<CallbackSecret>,
}

/// Stores the secrets of workspaces.
pub trait CallbackSecretStore: Send + Sync {
    /// The workspace's secrets; empty before the first one is made.
    ///
    /// # Errors
    /// The store's.
    fn get_callback_secrets(
        &self,
        workspace: &Workspace,
    ) -> impl Future<Output = Result<CallbackSecrets, Error>> + Send;

    /// Writes the secrets, if the stored ones have the version before. Returns whether they had.
    ///
    /// # Errors
    /// The store's.
    fn put_callback_secrets(
        &self,
        workspace: &Workspace,
        secrets: &CallbackSecrets,
    ) -> impl Future<Output = Result<bool, Error>> + Send;
}

crate::port!(CallbackSecretStore);

/// One delivery of a callback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackRequest<'a> {
    /// The URL that is called.
    pub url: &'a str,
    /// The id of the callback, the same in every try.
    pub callback_id: &'a str,
    /// When this try is made.
    pub now: Timestamp,
    /// The body, JSON text.
    pub body: &'a str,
    /// The secrets that it is signed with.
    pub secrets: &'a [CallbackSecret],
    /// Tries so far, this one among them.
    pub tries: u32,
    /// A random number out of all of `u64`, for the jitter of the next try.
    pub jitter: u64,
}

/// The result of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryResult {
    /// The receiver accepted it.
    Delivered,
    /// The receiver did not accept it.
    Failed {
        /// The reason, for the job's state.
        reason: String,
        /// The wait before the next try; `None` where another try cannot help, or enough were made.
        again_in: Option<Duration>,
    },
}

/// Sends callbacks to the receivers.
pub trait SendCallback: Send + Sync {
    /// Whether the URL may be called.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::InvalidRequest`]: what is wrong with it.
    fn check_callback(&self, url: &str) -> Result<(), Error>;

    /// Sends the callback, signed, to a public address or one that the operator permits.
    fn send_callback(
        &self,
        call: CallbackRequest<'_>,
    ) -> impl Future<Output = DeliveryResult> + Send;
}

crate::port!(SendCallback, local);
