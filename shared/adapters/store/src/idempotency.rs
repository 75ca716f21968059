//! Used `Idempotency-Key`s: one item each, which DynamoDB removes after a day.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use writ_model::{Digest, Error, Timestamp, Workspace};
use writ_ports::{Claim, ClaimId, Idempotency, IdempotencyKey, KeyState, StoredReply};

use crate::Store;
use crate::chunks::ChunkLocation;
use crate::errors::store_error;
use crate::item::{Item, ItemExt, count, key, number, optional_text, string, text};

/// Seconds for which a key is stored.
const KEY_TTL_S: i64 = 24 * 60 * 60;

/// Seconds for which a large reply's chunks are stored after their key expired, so that a reader
/// with a slow clock does not find the key without them.
const CHUNK_TTL_MARGIN_S: i64 = 60 * 60;

/// Milliseconds after which an unfinished claim expires: longer than any request runs.
const CLAIM_TIMEOUT_MS: i64 = 60_000;

/// Bytes of an identity in a key. A longer one is replaced by its digest, since partition keys hold
/// 2,048 bytes.
const IDENTITY_BYTES_MAX: usize = 1_024;

/// The key is unused, or expired and not yet removed.
const IS_FREE: &str = "attribute_not_exists(pk) OR expires_at <= :now_s";

/// The time of a released claim: it has lapsed, whatever the time is.
const RELEASED_AT_MS: i64 = 0;

/// The claim is still held: it did not expire and pass to a retry of the same request.
const IS_CLAIM_HELD: &str = "#state = :claimed AND claim = :claim";

const CLAIMED: &str = "claimed";
const FINISHED: &str = "finished";

/// The markers `sub` and `digest` keep an identity and the digest of another one apart.
fn partition(workspace: &Workspace, identity: &str) -> String {
    if identity.len() <= IDENTITY_BYTES_MAX {
        format!("{workspace}#sub#{identity}")
    } else {
        format!("{workspace}#digest#{}", Digest::of(identity.as_bytes()))
    }
}

fn item_key(of: &IdempotencyKey) -> Item {
    key(partition(&of.workspace, &of.identity), &of.key)
}

fn expires_at(now: Timestamp) -> i64 {
    now.as_ms() / 1_000 + KEY_TTL_S
}

/// Whether the claim lapsed, so that a retry of the same request may take the key over. A lapsed claim
/// of a different request keeps the key, because that request may have had effects.
fn has_lapsed(item: &Item, key: &IdempotencyKey, now: Timestamp) -> Result<bool, Error> {
    let is_same = text(item, "request_digest")? == key.request.as_str();
    let is_open = text(item, "state")? == CLAIMED;
    Ok(is_same && is_open && count::<i64>(item, "claimed_at")? <= now.as_ms() - CLAIM_TIMEOUT_MS)
}

/// The time of the key's first claim. Only a claim that is not the first one has the attribute.
fn first_claimed_at(item: &Item) -> Result<i64, Error> {
    match item.get("first_claimed_at") {
        Some(_) => count(item, "first_claimed_at"),
        None => count(item, "claimed_at"),
    }
}

impl Store {
    /// The location of the chunks of a claim's reply; no two claims share it. A NUL separates the
    /// parts, since a header's value is visible ASCII.
    fn reply_location(&self, key: &IdempotencyKey, claim: &str) -> ChunkLocation<'_> {
        ChunkLocation {
            table: &self.tables.idempotency,
            partition: partition(&key.workspace, &key.identity),
            prefix: format!("{}\0{claim}#", key.key),
        }
    }

    /// Writes a large reply chunk by chunk. Chunks that a failure leaves behind expire.
    async fn put_reply_chunks(
        &self,
        location: &ChunkLocation<'_>,
        reply: &str,
        expires_at: i64,
    ) -> Result<(), Error> {
        for chunk in self.chunk_items(location, reply) {
            let item = chunk.with("expires_at", number(expires_at + CHUNK_TTL_MARGIN_S));
            let put = self.client.put_item().table_name(location.table).set_item(Some(item));
            put.send().await.map_err(store_error)?;
        }
        Ok(())
    }

    async fn get_large_reply(&self, key: &IdempotencyKey, item: &Item) -> Result<String, Error> {
        // Earlier releases named the chunks by the digest of the reply.
        let (digest, name) = match optional_text(item, "reply_digest") {
            Some(digest) => (digest, text(item, "claim")?),
            None => (text(item, "digest")?, text(item, "digest")?),
        };
        let digest = Digest::from_stored(digest.to_owned());
        let reply = self.get_chunks(&self.reply_location(key, name), &digest).await?;
        reply.ok_or_else(|| Error::internal(format!("the chunks of reply {digest} are gone")))
    }

    async fn key_state(
        &self,
        key: &IdempotencyKey,
        item: &Item,
        claim: &str,
    ) -> Result<KeyState, Error> {
        if optional_text(item, "claim") == Some(claim) {
            // The claim is of this very call: its response was lost and the SDK retried.
            return Ok(KeyState::Acquired(Claim {
                id: ClaimId(claim.to_owned()),
                first_claimed_at: Timestamp::from_ms(first_claimed_at(item)?),
                is_retry: item.contains_key("first_claimed_at"),
            }));
        }
        if text(item, "request_digest")? != key.request.as_str() {
            return Ok(KeyState::Mismatch);
        }
        if text(item, "state")? != FINISHED {
            return Ok(KeyState::InProgress);
        }
        let reply = match optional_text(item, "reply") {
            Some(reply) => reply.to_owned(),
            None => self.get_large_reply(key, item).await?,
        };
        serde_json::from_str(&reply).map(KeyState::Completed).map_err(Error::internal)
    }
}

impl Store {
    /// Takes the key over from the lapsed claim in `item`. The time of the first claim stays.
    async fn take_over(
        &self,
        key: &IdempotencyKey,
        item: &Item,
        claim: String,
        now: Timestamp,
    ) -> Result<KeyState, Error> {
        let first_claimed_at = first_claimed_at(item)?;
        let update = self
            .client
            .update_item()
            .table_name(&self.tables.idempotency)
            .set_key(Some(item_key(key)))
            .update_expression(
                "SET claim = :claim, claimed_at = :now, first_claimed_at = :first, \
                 expires_at = :expires_at",
            )
            .condition_expression(
                "#state = :claimed AND claim = :lapsed_claim AND claimed_at = :at",
            )
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":claimed", string(CLAIMED))
            .expression_attribute_values(":lapsed_claim", string(text(item, "claim")?))
            .expression_attribute_values(":at", number(count::<i64>(item, "claimed_at")?))
            .expression_attribute_values(":claim", string(&claim))
            .expression_attribute_values(":now", number(now.as_ms()))
            .expression_attribute_values(":first", number(first_claimed_at))
            .expression_attribute_values(":expires_at", number(expires_at(now)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = update else {
            let first_claimed_at = Timestamp::from_ms(first_claimed_at);
            let id = ClaimId(claim);
            return Ok(KeyState::Acquired(Claim { id, first_claimed_at, is_retry: true }));
        };
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(exception)) => {
                match exception.item() {
                    Some(item) => self.key_state(key, item, &claim).await,
                    None => Ok(KeyState::InProgress),
                }
            }
            _ => Err(store_error(error)),
        }
    }
}

impl Idempotency for Store {
    async fn begin(&self, key: &IdempotencyKey, now: Timestamp) -> Result<KeyState, Error> {
        let claim = uuid::Uuid::now_v7().to_string();
        let item = item_key(key)
            .with("request_digest", string(key.request.as_str()))
            .with("state", string(CLAIMED))
            .with("claim", string(&claim))
            .with("claimed_at", number(now.as_ms()))
            .with("expires_at", number(expires_at(now)));
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.idempotency)
            .set_item(Some(item))
            .condition_expression(IS_FREE)
            .expression_attribute_values(":now_s", number(now.as_ms() / 1_000))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = put else {
            let claim = Claim { id: ClaimId(claim), first_claimed_at: now, is_retry: false };
            return Ok(KeyState::Acquired(claim));
        };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(exception)) => {
                match exception.item() {
                    Some(item) if has_lapsed(item, key, now)? => {
                        self.take_over(key, item, claim, now).await
                    }
                    Some(item) => self.key_state(key, item, &claim).await,
                    // The key was abandoned between the write and this response.
                    None => Ok(KeyState::InProgress),
                }
            }
            _ => Err(store_error(error)),
        }
    }

    async fn finish(
        &self,
        key: &IdempotencyKey,
        claim: &ClaimId,
        reply: &StoredReply,
        now: Timestamp,
    ) -> Result<(), Error> {
        let reply = serde_json::to_string(reply).map_err(Error::internal)?;
        let (name, value) = if reply.len() <= self.chunk_sizes.chunk_bytes_max {
            ("reply", reply)
        } else {
            let location = self.reply_location(key, &claim.0);
            self.put_reply_chunks(&location, &reply, expires_at(now)).await?;
            ("reply_digest", Digest::of(reply.as_bytes()).as_str().to_owned())
        };
        let finished = self
            .client
            .update_item()
            .table_name(&self.tables.idempotency)
            .set_key(Some(item_key(key)))
            .update_expression("SET #value = :value, #state = :finished, expires_at = :expires_at")
            .condition_expression(IS_CLAIM_HELD)
            .expression_attribute_names("#value", name)
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":value", string(value))
            .expression_attribute_values(":finished", string(FINISHED))
            .expression_attribute_values(":expires_at", number(expires_at(now)))
            .expression_attribute_values(":claimed", string(CLAIMED))
            .expression_attribute_values(":claim", string(&claim.0))
            .send()
            .await;
        match finished {
            Ok(_) => Ok(()),
            // The claim expired and passed to a retry; the stored reply is that of the retry.
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|e| e.is_conditional_check_failed_exception()) =>
            {
                Ok(())
            }
            Err(error) => Err(store_error(error)),
        }
    }

    async fn release(&self, key: &IdempotencyKey, claim: &ClaimId) -> Result<(), Error> {
        let released = self
            .client
            .update_item()
            .table_name(&self.tables.idempotency)
            .set_key(Some(item_key(key)))
            .update_expression(
                "SET first_claimed_at = if_not_exists(first_claimed_at, claimed_at), \
                 claimed_at = :released",
            )
            .condition_expression(IS_CLAIM_HELD)
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":released", number(RELEASED_AT_MS))
            .expression_attribute_values(":claimed", string(CLAIMED))
            .expression_attribute_values(":claim", string(&claim.0))
            .send()
            .await;
        match released {
            Ok(_) => Ok(()),
            // The claim expired and passed to a retry.
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|e| e.is_conditional_check_failed_exception()) =>
            {
                Ok(())
            }
            Err(error) => Err(store_error(error)),
        }
    }

    async fn abandon(&self, key: &IdempotencyKey, claim: &ClaimId) -> Result<(), Error> {
        let deleted = self
            .client
            .delete_item()
            .table_name(&self.tables.idempotency)
            .set_key(Some(item_key(key)))
            .condition_expression(IS_CLAIM_HELD)
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":claimed", string(CLAIMED))
            .expression_attribute_values(":claim", string(&claim.0))
            .send()
            .await;
        match deleted {
            Ok(_) => Ok(()),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|e| e.is_conditional_check_failed_exception()) =>
            {
                Ok(())
            }
            Err(error) => Err(store_error(error)),
        }
    }
}
