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
    /// The digest of everything that tells the request from another one: the same key with another
    /// request is refused.
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

/// A claim of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The id that names the claim in later calls.
    pub id: ClaimId,
    /// The time of the key's first claim. It stays the same while the key is stored, so that what the
    /// requests of the key make has one id.
    pub first_claimed_at: Timestamp,
    /// Whether an earlier request claimed the key, which may have had effects.
    pub is_retry: bool,
}

/// What a key stands for at the start of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It is free: the request runs, then finishes, releases or abandons this claim.
    Acquired(Claim),
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

    /// Releases the claim, if it still stands, after a request of which it is not known whether it had
    /// effects. The same request may claim the key again at once, and gets the time of the first
    /// claim; another one may not.
    ///
    /// # Errors
    /// The store's; the claim then expires by itself.
    fn release(
        &self,
        key: &IdempotencyKey,
        claim: &ClaimId,
    ) -> impl Future<Output = Result<(), Error>> + Send;

    /// Forgets the key, if the claim is still valid, after a request that had no effects.
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
