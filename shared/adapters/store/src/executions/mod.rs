//! The decision log: each record is written once and never changed.
//!
//! A workspace may write thousands of records per second, more than one partition of an index
//! takes. So the indexes spread the records of a workspace (and of a policy in it) over several
//! partitions by their ids. A listing reads from all of them in small steps and merges them by
//! start time and id: newest first is exact, at the price of up to that many reads beyond the page.

mod claims;
mod large_record;
mod query;

use aws_sdk_dynamodb::types::TransactWriteItem;
use writ_model::{Digest, Error, ErrorKind, Execution, Workspace};
use writ_ports::{GetExecution, RecordExecution};

use crate::Store;
use crate::chunks::ChunkLocation;
use crate::errors::store_error;
use crate::item::{Item, ItemExt, key, optional_text, string, text};
use crate::search::index_key;
use crate::shards::shard_of;
use crate::transact::TransactionError;

/// The sort key of a record's item.
const RECORD: &str = "record";

/// No record of this id exists.
const IS_NEW: &str = "attribute_not_exists(pk)";

fn record_partition(workspace: &Workspace, execution_id: &str) -> String {
    format!("{workspace}#{execution_id}")
}

fn time_partition(workspace: &Workspace, shard: u64) -> String {
    format!("{workspace}#{shard}")
}

fn policy_partition(workspace: &Workspace, shard: u64, uri: &str) -> String {
    format!("{workspace}#{shard}#{uri}")
}

impl Store {
    /// The location of the chunks of one upload. No two writes share an upload, so the removal of
    /// an abandoned upload's chunks removes no chunk of another.
    fn record_location(&self, partition: &str, upload: &str) -> ChunkLocation<'_> {
        let prefix = format!("{RECORD}#{upload}#");
        ChunkLocation { table: &self.tables.executions, partition: partition.to_owned(), prefix }
    }

    /// The record's text, from its item or from its chunks.
    pub(crate) async fn record_text(&self, item: &Item) -> Result<String, Error> {
        if let Some(record) = optional_text(item, "record") {
            return Ok(record.to_owned());
        }
        let digest = Digest::from_stored(text(item, "digest")?.to_owned());
        // Earlier releases named the chunks by the digest of the record.
        let upload = optional_text(item, "upload").unwrap_or(digest.as_str());
        let location = self.record_location(text(item, "pk")?, upload);
        let record = self.get_chunks(&location, &digest).await?;
        record.ok_or_else(|| Error::internal(format!("the chunks of record {digest} are gone")))
    }
}

impl Store {
    /// Writes a record of one item: alone, or in one transaction with the other actions.
    async fn put_small(
        &self,
        item: Item,
        other_actions: Vec<TransactWriteItem>,
    ) -> Result<(), TransactionError> {
        if !other_actions.is_empty() {
            let record = self.new_record(item).map_err(TransactionError::Failed)?;
            return self.transact(std::iter::once(record).chain(other_actions).collect()).await;
        }
        self.put_new(&self.tables.executions, item).await
    }
}

impl RecordExecution for Store {
    async fn record_execution(&self, execution: &Execution) -> Result<(), Error> {
        // INVARIANT: without other actions only the condition of the record can fail.
        self.put_record(execution, Vec::new()).await.map(drop)
    }
}

impl Store {
    /// Writes a record in one transaction with the other actions. Where the condition of one of
    /// those fails, nothing is written and its position is returned.
    pub(crate) async fn put_record(
        &self,
        execution: &Execution,
        other_actions: Vec<TransactWriteItem>,
    ) -> Result<Option<usize>, Error> {
        let other_actions_len = other_actions.len();
        let record = serde_json::to_string(execution).map_err(Error::internal)?;
        let (workspace, id) = (&execution.workspace, execution.execution_id.as_str());
        let partition = record_partition(workspace, id);
        let shard = shard_of(id);
        let uri = execution.policy_rule_uri.to_string();
        // Identifies this write, in case its response is lost and the SDK retries.
        let write_id = uuid::Uuid::now_v7().to_string();
        let item = key(&partition, RECORD)
            .with("shard", string(time_partition(workspace, shard)))
            .with("policy_shard", string(policy_partition(workspace, shard, &uri)))
            .with("started", string(index_key(&execution.started_at.to_string(), id)))
            .with("write", string(&write_id));
        let result = if record.len() <= self.chunk_sizes.chunk_bytes_max {
            self.put_small(item.with("record", string(record)), other_actions).await
        } else {
            let digest = Digest::of(record.as_bytes());
            let item = item.with("digest", string(digest.as_str()));
            let item = item.with("upload", string(&write_id));
            self.put_large(item, other_actions, &partition, &write_id, &record).await
        };
        match result {
            Ok(()) => return Ok(None),
            Err(TransactionError::Failed(error)) => return Err(error),
            Err(TransactionError::Condition(position @ 1..)) if position <= other_actions_len => {
                return Ok(Some(position - 1));
            }
            Err(TransactionError::Condition(_)) => {}
        }
        let stored = self.record_item(workspace, id).await?;
        if stored.is_some_and(|item| optional_text(&item, "write") == Some(&write_id)) {
            return Ok(None);
        }
        Err(Error::new(ErrorKind::Conflict, format!("execution `{id}` is recorded already")))
    }
}

impl Store {
    pub(crate) async fn record_item(
        &self,
        workspace: &Workspace,
        execution_id: &str,
    ) -> Result<Option<Item>, Error> {
        let response = self
            .client
            .get_item()
            .table_name(&self.tables.executions)
            .set_key(Some(key(record_partition(workspace, execution_id), RECORD)))
            .consistent_read(true)
            .send()
            .await
            .map_err(store_error)?;
        Ok(response.item)
    }
}

impl GetExecution for Store {
    async fn get_execution(
        &self,
        workspace: &Workspace,
        execution_id: &str,
    ) -> Result<Option<Execution>, Error> {
        // Callers send ids of any length; DynamoDB refuses empty keys and keys over 2,048 bytes.
        if execution_id.is_empty() || execution_id.len() > 256 {
            return Ok(None);
        }
        let Some(item) = self.record_item(workspace, execution_id).await? else { return Ok(None) };
        let record = self.record_text(&item).await?;
        serde_json::from_str(&record).map(Some).map_err(Error::internal)
    }
}
