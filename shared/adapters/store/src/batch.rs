//! Reads many items by key.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::KeysAndAttributes;
use futures_util::future::try_join_all;
use writ_model::Error;

use crate::Store;
use crate::errors::{store_error, unavailable};
use crate::item::{Item, key, text};
use crate::transact::back_off;

/// The keys of one `BatchGetItem` at most: DynamoDB's limit.
const KEYS_MAX: usize = 100;

/// Attempts of one batch at most. A response holds at most 16 MB and leaves the other keys
/// unprocessed; each attempt makes progress, so a batch needs far fewer.
const ATTEMPTS_MAX: u32 = 10;

/// The partition key and the sort key of an item.
pub(crate) type Key = (String, String);

impl Store {
    /// Reads the items of these keys consistently. Keys without an item are not in the result.
    pub(crate) async fn batch_get(
        &self,
        table: &str,
        mut keys: Vec<Key>,
    ) -> Result<HashMap<Key, Item>, Error> {
        // DynamoDB refuses a request that names a key twice.
        keys.sort_unstable();
        keys.dedup();
        let batches =
            try_join_all(keys.chunks(KEYS_MAX).map(|keys| self.get_batch(table, keys))).await?;
        let mut items = HashMap::with_capacity(keys.len());
        for item in batches.into_iter().flatten() {
            items.insert((text(&item, "pk")?.to_owned(), text(&item, "sk")?.to_owned()), item);
        }
        Ok(items)
    }

    async fn get_batch(&self, table: &str, keys: &[Key]) -> Result<Vec<Item>, Error> {
        let keys = keys.iter().map(|(partition, sort)| key(partition, sort)).collect();
        let request =
            KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
        let mut requested = HashMap::from([(table.to_owned(), request.map_err(Error::internal)?)]);
        let mut items = Vec::new();
        for attempt in 0..ATTEMPTS_MAX {
            let reply = self
                .client
                .batch_get_item()
                .set_request_items(Some(requested))
                .send()
                .await
                .map_err(store_error)?;
            items.extend(reply.responses.into_iter().flatten().flat_map(|(_, items)| items));
            requested = reply.unprocessed_keys.unwrap_or_default();
            if requested.is_empty() {
                return Ok(items);
            }
            back_off(&self.client, attempt).await;
        }
        Err(unavailable(format!("{ATTEMPTS_MAX} batches of `{table}` left keys unread")))
    }
}
