//! Writes records that need several items.
//!
//! A record that fits into one transaction is written by one, which leaves nothing behind when it
//! fails. A larger record takes several: the first writes a claim beside its chunks, each further
//! one requires the claim to be alive, and the last one removes the claim and writes the record. So
//! at every moment chunks have a claim or a record, and garbage collection finds abandoned chunks
//! by their claims.

use aws_sdk_dynamodb::types::{Put, TransactWriteItem};
use writ_model::Error;

use super::IS_NEW;
use super::claims::UploadClaim;
use crate::Store;
use crate::errors::unavailable;
use crate::item::Item;
use crate::transact::TransactionError;

/// Chunks of one transaction at most: DynamoDB's 100 actions, less the record, its claim, the job
/// of the run and the two actions of a context.
const CHUNKS_MAX: usize = 95;

/// Milliseconds within which a claim must be written, else its writer gives up. AWS accepts a
/// signature for 15 minutes, so no duplicate of the request that wrote the claim arrives later than
/// 30 minutes after the claim's time; garbage collection ends no claim before 60. So an ended claim
/// is never written again.
const CLAIM_WRITE_MS_MAX: i64 = 15 * 60 * 1_000;

impl Store {
    /// Writes the record's item and its text, and in the same transaction as the record the other
    /// actions. A failed condition means that a record of this id exists, or which of the other
    /// actions does not hold.
    pub(super) async fn put_large(
        &self,
        item: Item,
        other_actions: Vec<TransactWriteItem>,
        partition: &str,
        upload: &str,
        record: &str,
    ) -> Result<(), TransactionError> {
        let mut batches =
            self.batches(partition, upload, record).map_err(TransactionError::Failed)?;
        let chunks = batches.iter().map(Vec::len).sum();
        let started_at = self.now();
        let claim = UploadClaim::new(started_at, partition, upload, chunks);
        let last = batches.pop().unwrap_or_default();
        let has_claim = !batches.is_empty();
        for (position, batch) in batches.into_iter().enumerate() {
            let claim_action =
                if position == 0 { self.put_claim(&claim) } else { self.check_claim(&claim) };
            let actions =
                std::iter::once(claim_action.map_err(TransactionError::Failed)?).chain(batch);
            self.transact(actions.collect()).await.map_err(|error| match error {
                TransactionError::Condition(_) => upload_expired(upload),
                failed @ TransactionError::Failed(_) => failed,
            })?;
            if position == 0 && self.now().as_ms() - started_at.as_ms() > CLAIM_WRITE_MS_MAX {
                return Err(upload_expired(upload));
            }
        }
        let last_condition = other_actions.len();
        let mut actions = vec![self.new_record(item).map_err(TransactionError::Failed)?];
        actions.extend(other_actions);
        if has_claim {
            actions.push(self.delete_claim(&claim).map_err(TransactionError::Failed)?);
        }
        actions.extend(last);
        self.transact(actions).await.map_err(|error| match error {
            TransactionError::Condition(position) if position > last_condition => {
                upload_expired(upload)
            }
            error => error,
        })
    }

    /// The actions that write the chunks, in batches of as many as a transaction holds.
    fn batches(
        &self,
        partition: &str,
        upload: &str,
        record: &str,
    ) -> Result<Vec<Vec<TransactWriteItem>>, Error> {
        let puts = self.chunk_puts(&self.record_location(partition, upload), record)?;
        let sizes = self.chunk_sizes;
        let size = (sizes.transaction_bytes_max / sizes.chunk_bytes_max).clamp(1, CHUNKS_MAX);
        Ok(puts.chunks(size).map(<[TransactWriteItem]>::to_vec).collect())
    }

    pub(super) fn new_record(&self, item: Item) -> Result<TransactWriteItem, Error> {
        let put = Put::builder()
            .table_name(&self.tables.executions)
            .set_item(Some(item))
            .condition_expression(IS_NEW)
            .build()
            .map_err(Error::internal)?;
        Ok(TransactWriteItem::builder().put(put).build())
    }
}

/// The error of an upload with an ended claim: its writer took longer than any request runs.
fn upload_expired(upload: &str) -> TransactionError {
    TransactionError::Failed(unavailable(format!(
        "upload `{upload}` took so long that its claim expired"
    )))
}
