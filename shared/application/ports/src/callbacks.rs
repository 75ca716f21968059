//! Telling somebody outside of a job's end.

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
    /// `whsec_` and base64.
    pub secret: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// After this it no longer signs; `None` for the newest.
    pub ends_at: Option<Timestamp>,
}

impl std::fmt::Debug for CallbackSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallbackSecret").field("made_at", &self.made_at).finish_non_exhaustive()
    }
}

/// A workspace's secrets, newest first, and how often they were changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallbackSecrets {
    /// 0 where none was ever made.
    pub version: u64,
    /// Newest first.
    pub secrets: Vec<CallbackSecret>,
}

/// Keeps the secrets.
pub trait CallbackSecretStore: Send + Sync {
    /// The workspace's secrets; none where none was made.
    ///
    /// # Errors
    /// The store's.
    fn get_callback_secrets(
        &self,
        workspace: &Workspace,
    ) -> impl Future<Output = Result<CallbackSecrets, Error>> + Send;

    /// Writes them, where they still are at the version before; whether they were.
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

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackRequest<'a> {
    /// Where to.
    pub url: &'a str,
    /// The same in every try.
    pub callback_id: &'a str,
    /// When this try is made.
    pub now: Timestamp,
    /// JSON.
    pub body: &'a str,
    /// What it is signed with.
    pub secrets: &'a [CallbackSecret],
    /// Tries so far, this one among them.
    pub tries: u32,
    /// Any number: it spreads the next try.
    pub rng: u64,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryResult {
    /// The receiver took it.
    Delivered,
    /// It did not arrive.
    Failed {
        /// Why, for the job's record.
        reason: String,
        /// When to try again; `None` where that would be in vain, or was done often enough.
        again_in: Option<Duration>,
    },
}

/// Calls somebody outside.
pub trait SendCallback: Send + Sync {
    /// Whether the URL may be called.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::InvalidRequest`]: what is wrong with it.
    fn check_callback(&self, url: &str) -> Result<(), Error>;

    /// Makes the call, signed, to a public address or one that the operator permits.
    fn send_callback(
        &self,
        call: CallbackRequest<'_>,
    ) -> impl Future<Output = DeliveryResult> + Send;
}

crate::port!(SendCallback, local);
