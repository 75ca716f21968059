//! `Idempotency-Key`: the same request twice gives the first one's reply.

use std::future::Future;

use serde::{Deserialize, Serialize};
use writ_model::{Digest, Error, Timestamp, Workspace};

/// Names one request of one caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// Whose.
    pub workspace: Workspace,
    /// The caller's subject.
    pub identity: String,
    /// The header's value; 1 to 255 visible ASCII characters.
    pub key: String,
    /// Of the route's name, path and body: the same key with another request is refused.
    pub request: Digest,
}

/// A finished reply, as it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredReply {
    /// HTTP status.
    pub status: u16,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

/// Names one claim of a key, so that a holder whose claim lapsed cannot touch its successor's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimId(pub String);

/// What a key stands for at the start of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Nobody used it: go on, then finish or abandon this claim.
    Acquired(ClaimId),
    /// It was used, and this was the reply.
    Completed(StoredReply),
    /// The first request still runs.
    InProgress,
    /// It was used with another request.
    Mismatch,
}

/// The records of used keys; each lives 24 hours.
pub trait Idempotency: Send + Sync {
    /// Claims the key. A claim that was never finished lapses after a minute.
    ///
    /// # Errors
    /// The store's.
    fn begin(
        &self,
        key: &IdempotencyKey,
        now: Timestamp,
    ) -> impl Future<Output = Result<KeyState, Error>> + Send;

    /// Keeps the reply, if the claim still stands.
    ///
    /// # Errors
    /// The store's.
    fn finish(
        &self,
        key: &IdempotencyKey,
        claim: &ClaimId,
        reply: &StoredReply,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Gives the key back, if the claim still stands: the request did nothing.
    ///
    /// # Errors
    /// The store's; the claim then lapses by itself.
    fn abandon(
        &self,
        key: &IdempotencyKey,
        claim: &ClaimId,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

crate::port!(Idempotency);
