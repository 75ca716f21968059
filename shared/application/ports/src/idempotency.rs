//! `Idempotency-Key`: the same request twice gives the first one's reply.

use std::future::Future;

use serde::{Deserialize, Serialize};
use writ_model::{Digest, Error, Timestamp, Workspace};

/// The name of one request of one caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The workspace of the caller.
    pub workspace: Workspace,
    /// The subject of the caller.
    pub identity: String,
    /// The header's value; 1 to 255 visible ASCII characters.
    pub key: String,
    /// The digest of the route's name, path and body: the same key with another request is refused.
    pub request: Digest,
}

/// A finished reply, as it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredReply {
    /// The HTTP status code.
    pub status: u16,
    /// Header names and values.
    pub headers: Vec<(String, String)>,
    /// The reply's body as text.
    pub body: String,
}

/// The id of one claim of a key, so that a request with an expired claim cannot change that of its
/// successor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimId(pub String);

/// What a key stands for at the start of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It is unused: the request runs, then finishes or abandons this claim.
    Acquired(ClaimId),
    /// It was used, and this was the reply.
    Completed(StoredReply),
    /// The first request with it still runs.
    InProgress,
    /// It was used with another request.
    Mismatch,
}

/// The records of used keys; each lives 24 hours.
pub trait Idempotency: Send + Sync {
    /// Claims the key. A claim that was never finished expires after a minute.
    ///
    /// # Errors
    /// The store's.
    fn begin(
        &self,
        key: &IdempotencyKey,
        now: Timestamp,
    ) -> impl Future<Output = Result<KeyState, Error>> + Send;

    /// Stores the reply, if the claim is still valid.
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

    /// Releases the key, if the claim is still valid: the request had no effect.
    ///
    /// # Errors
    /// The store's; the claim then expires by itself.
    fn abandon(
        &self,
        key: &IdempotencyKey,
        claim: &ClaimId,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

crate::port!(Idempotency);
