//! Used idempotency keys.

use std::collections::BTreeMap;

use writ_model::{Digest, Error, Timestamp, Workspace};
use writ_ports::{Claim, ClaimId, Idempotency, IdempotencyKey, KeyState, StoredReply};

use super::MemoryPlatform;

/// Seconds that a key is kept after its claim, and after its reply.
pub const KEPT_REPLY_S: i64 = 24 * 60 * 60;

/// Milliseconds after which a claim without a reply lapses.
pub const LAPSE_MS: i64 = 60_000;

/// The keys in use, by workspace, identity and key.
pub(super) type Keys = BTreeMap<(Workspace, String, String), UsedKey>;

pub(super) struct UsedKey {
    request: Digest,
    claim: String,
    claimed_at: Timestamp,
    first_claimed_at: Timestamp,
    is_released: bool,
    reply: Option<StoredReply>,
    /// In seconds since the Unix epoch.
    expires_at: i64,
}

impl UsedKey {
    /// Whether a request may claim the key anew. A lapsed claim of another request may have had
    /// effects: the key stays with that request.
    fn is_free(&self, request: &Digest, now: Timestamp) -> bool {
        self.has_expired(now) || (self.has_lapsed(now) && self.request == *request)
    }

    fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now.as_ms() / 1_000
    }

    fn has_lapsed(&self, now: Timestamp) -> bool {
        let is_over = self.is_released || self.claimed_at.as_ms() <= now.as_ms() - LAPSE_MS;
        self.reply.is_none() && is_over
    }

    fn is_held(&self, claim: &ClaimId) -> bool {
        self.reply.is_none() && self.claim == claim.0
    }
}

fn name(key: &IdempotencyKey) -> (Workspace, String, String) {
    (key.workspace.clone(), key.identity.clone(), key.key.clone())
}

fn expires_at(now: Timestamp) -> i64 {
    now.as_ms() / 1_000 + KEPT_REPLY_S
}

/// Removes the keys that expired at or before this time, in seconds; how many.
pub(super) fn remove_expired(keys: &mut Keys, before_s: i64) -> u64 {
    let count = keys.len();
    keys.retain(|_, used| used.expires_at > before_s);
    u64::try_from(count - keys.len()).unwrap()
}

impl MemoryPlatform {
    /// The stored replies of finished requests.
    #[must_use]
    pub fn replies(&self) -> Vec<StoredReply> {
        self.tables().keys.values().filter_map(|used| used.reply.clone()).collect()
    }
}

impl Idempotency for MemoryPlatform {
    async fn begin(&self, key: &IdempotencyKey, now: Timestamp) -> Result<KeyState, Error> {
        let mut tables = self.enter("begin", &key.key).await?;
        if let Some(used) =
            tables.keys.get(&name(key)).filter(|used| !used.is_free(&key.request, now))
        {
            return Ok(match &used.reply {
                _ if used.request != key.request => KeyState::Mismatch,
                Some(reply) => KeyState::Completed(reply.clone()),
                None => KeyState::InProgress,
            });
        }
        let id = writ_ports::Ids::id(&self.ids, now);
        let before = tables.keys.get(&name(key)).filter(|used| !used.has_expired(now));
        let first_claimed_at = before.map_or(now, |used| used.first_claimed_at);
        let is_retry = before.is_some();
        let used = UsedKey {
            request: key.request.clone(),
            claim: id.clone(),
            claimed_at: now,
            first_claimed_at,
            is_released: false,
            reply: None,
            expires_at: expires_at(now),
        };
        tables.keys.insert(name(key), used);
        Ok(KeyState::Acquired(Claim { id: ClaimId(id), first_claimed_at, is_retry }))
    }

    async fn finish(
        &self,
        key: &IdempotencyKey,
        claim: &ClaimId,
        reply: &StoredReply,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut tables = self.enter("finish", &key.key).await?;
        if let Some(used) = tables.keys.get_mut(&name(key)).filter(|used| used.is_held(claim)) {
            used.reply = Some(reply.clone());
            used.expires_at = expires_at(now);
        }
        Ok(())
    }

    async fn release(&self, key: &IdempotencyKey, claim: &ClaimId) -> Result<(), Error> {
        let mut tables = self.enter("release", &key.key).await?;
        if let Some(used) = tables.keys.get_mut(&name(key)).filter(|used| used.is_held(claim)) {
            used.is_released = true;
        }
        Ok(())
    }

    async fn abandon(&self, key: &IdempotencyKey, claim: &ClaimId) -> Result<(), Error> {
        let mut tables = self.enter("abandon", &key.key).await?;
        if tables.keys.get(&name(key)).is_some_and(|used| used.is_held(claim)) {
            tables.keys.remove(&name(key));
        }
        Ok(())
    }
}
