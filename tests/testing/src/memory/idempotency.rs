//! Used idempotency keys.

use std::collections::BTreeMap;

use writ_model::{Digest, Error, Timestamp, Workspace};
use writ_ports::{ClaimId, Idempotency, IdempotencyKey, KeyState, StoredReply};

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
    reply: Option<StoredReply>,
    /// In seconds since the Unix epoch.
    expires_at: i64,
}

impl UsedKey {
    /// Whether a request may claim the key anew. A lapsed claim of another request may have had
    /// effects: the key stays with that request.
    fn is_free(&self, request: &Digest, now: Timestamp) -> bool {
        let is_lapsed = self.reply.is_none() && self.claimed_at.as_ms() <= now.as_ms() - LAPSE_MS;
        self.expires_at <= now.as_ms() / 1_000 || (is_lapsed && self.request == *request)
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
        let claim = writ_ports::Ids::id(&self.ids, now);
        let used = UsedKey {
            request: key.request.clone(),
            claim: claim.clone(),
            claimed_at: now,
            reply: None,
            expires_at: expires_at(now),
        };
        tables.keys.insert(name(key), used);
        Ok(KeyState::Acquired(ClaimId(claim)))
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

    async fn abandon(&self, key: &IdempotencyKey, claim: &ClaimId) -> Result<(), Error> {
        let mut tables = self.enter("abandon", &key.key).await?;
        if tables.keys.get(&name(key)).is_some_and(|used| used.is_held(claim)) {
            tables.keys.remove(&name(key));
        }
        Ok(())
    }
}
