//! Claims of uploads: garbage collection finds through them the chunks of records that were never
//! completed.
//!
//! Garbage collection marks an old claim as ended before it removes a chunk. From then on no
//! transaction of its writer commits, so what garbage collection reads next is final: either the
//! record was written, or it never will be. Every step may be repeated, by a later collection or by
//! a concurrent one; the claim is removed last.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{ConditionCheck, Delete, Put, TransactWriteItem};
use futures_util::future::try_join_all;
use writ_model::{Error, Timestamp};
use writ_ports::{CollectUploads, GcReport};

use super::RECORD;
use crate::Store;
use crate::errors::store_error;
use crate::item::{Item, ItemExt, count, key, number, optional_text, string, text};

/// The partition key of all claims.
const CLAIMS: &str = "#uploads";

/// Claims that one step of garbage collection reads at most.
const CLAIMS_MAX: i32 = 10;

/// Chunks that are removed concurrently.
const CONCURRENT_REMOVALS: usize = 8;

/// The claim exists and was not ended, so its writer may continue.
const IS_ALIVE: &str = "attribute_exists(pk) AND attribute_not_exists(ended)";

/// The claim of a record that is being uploaded.
pub(super) struct UploadClaim<'w> {
    sort_key: String,
    /// The partition key of its chunks.
    partition: &'w str,
    upload: &'w str,
    chunks: usize,
}

/// The time part of a claim's sort key. Sixteen digits of milliseconds last for three hundred
/// thousand years, and sort as text.
fn time_key(time: Timestamp) -> String {
    format!("{:016}", time.as_ms())
}

impl<'w> UploadClaim<'w> {
    /// A claim that is not written yet.
    pub(super) fn new(now: Timestamp, partition: &'w str, upload: &'w str, chunks: usize) -> Self {
        Self { sort_key: format!("{}#{upload}", time_key(now)), partition, upload, chunks }
    }

    fn key(&self) -> Item {
        key(CLAIMS, &self.sort_key)
    }
}

impl Store {
    /// The action that writes the claim. A late duplicate of it does not revive a claim that was
    /// ended, because that item still exists.
    pub(super) fn put_claim(&self, claim: &UploadClaim<'_>) -> Result<TransactWriteItem, Error> {
        let item = claim
            .key()
            .with("upload", string(claim.upload))
            .with("partition", string(claim.partition))
            .with("chunks", number(claim.chunks));
        let put = Put::builder()
            .table_name(&self.tables.executions)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .build()
            .map_err(Error::internal)?;
        Ok(TransactWriteItem::builder().put(put).build())
    }

    /// The action that requires the claim to be alive.
    pub(super) fn check_claim(&self, claim: &UploadClaim<'_>) -> Result<TransactWriteItem, Error> {
        let check = ConditionCheck::builder()
            .table_name(&self.tables.executions)
            .set_key(Some(claim.key()))
            .condition_expression(IS_ALIVE)
            .build()
            .map_err(Error::internal)?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    /// The action that removes the claim, and requires it to be alive.
    pub(super) fn delete_claim(&self, claim: &UploadClaim<'_>) -> Result<TransactWriteItem, Error> {
        let delete = Delete::builder()
            .table_name(&self.tables.executions)
            .set_key(Some(claim.key()))
            .condition_expression(IS_ALIVE)
            .build()
            .map_err(Error::internal)?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }

    /// Ends the claim and removes its chunks unless its record was written; returns whether chunks
    /// were removed.
    async fn collect_upload(&self, claim: &Item) -> Result<bool, Error> {
        let claim_key = key(CLAIMS, text(claim, "sk")?);
        if !self.end_claim(claim_key.clone()).await? {
            return Ok(false);
        }
        let (partition, upload) = (text(claim, "partition")?, text(claim, "upload")?);
        let is_written = self.is_written(partition, upload).await?;
        if !is_written {
            let location = self.record_location(partition, upload);
            let positions: Vec<usize> = (0..count(claim, "chunks")?).collect();
            for positions in positions.chunks(CONCURRENT_REMOVALS) {
                let keys = positions.iter().map(|position| location.key(*position));
                try_join_all(keys.map(|key| self.remove(key))).await?;
            }
        }
        self.remove(claim_key).await?;
        Ok(!is_written)
    }

    /// Marks the claim as ended; `false` where it does not exist any more.
    async fn end_claim(&self, claim: Item) -> Result<bool, Error> {
        let ended = self
            .client
            .update_item()
            .table_name(&self.tables.executions)
            .set_key(Some(claim))
            .update_expression("SET ended = :true")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_values(
                ":true",
                aws_sdk_dynamodb::types::AttributeValue::Bool(true),
            )
            .send()
            .await;
        match ended {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(UpdateItemError::is_conditional_check_failed_exception) =>
            {
                Ok(false)
            }
            Err(error) => Err(store_error(error)),
        }
    }

    /// Returns whether the record of this upload exists. A claim may outlive its record if a
    /// duplicate of the request that wrote it arrives late; the record's chunks must stay then.
    async fn is_written(&self, partition: &str, upload: &str) -> Result<bool, Error> {
        let response = self
            .client
            .get_item()
            .table_name(&self.tables.executions)
            .set_key(Some(key(partition, RECORD)))
            .projection_expression("upload")
            .consistent_read(true)
            .send()
            .await
            .map_err(store_error)?;
        Ok(response.item().is_some_and(|item| optional_text(item, "upload") == Some(upload)))
    }

    async fn remove(&self, key: Item) -> Result<(), Error> {
        let delete = self.client.delete_item().table_name(&self.tables.executions);
        delete.set_key(Some(key)).send().await.map_err(store_error)?;
        Ok(())
    }
}

impl CollectUploads for Store {
    async fn collect_uploads(&self, before: Timestamp) -> Result<GcReport, Error> {
        let page = self
            .client
            .query()
            .table_name(&self.tables.executions)
            .consistent_read(true)
            .limit(CLAIMS_MAX)
            .key_condition_expression("pk = :claims AND sk < :before")
            .expression_attribute_values(":claims", string(CLAIMS))
            .expression_attribute_values(":before", string(time_key(before)))
            .send()
            .await
            .map_err(store_error)?;
        let mut report = GcReport { removed: 0, more: page.last_evaluated_key().is_some() };
        let mut result = Ok(());
        for claim in page.items() {
            match self.collect_upload(claim).await {
                Ok(removed) => report.removed += u64::from(removed),
                // One failure does not keep the other claims from being collected.
                Err(error) => result = Err(error),
            }
        }
        result.map(|()| report)
    }
}
