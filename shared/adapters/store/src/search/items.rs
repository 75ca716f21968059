//! Documents that are one item each, read in batches.

use std::future::Future;

use writ_model::Error;

use super::LOAD_BYTES_MAX;
use super::key::suffix_of;
use super::query::{Document, Documents};
use crate::Store;
use crate::batch::Key;
use crate::item::Item;

/// Items read at once: each is at most 300 KB, so together they fit one reply of DynamoDB's.
const LOAD_MAX: usize = 50;

/// Objects that are stored as one item of a table each.
pub(crate) trait Items: Sync {
    /// The store that holds the table.
    fn store(&self) -> &Store;

    /// The name of the table.
    fn table(&self) -> &str;

    /// The key of the item that an index entry with this suffix stands for.
    fn key(&self, suffix: &str) -> Key;

    /// The JSON text of an item's document.
    fn text(&self, item: &Item) -> impl Future<Output = Result<String, Error>> + Send;
}

impl<I: Items> Documents for I {
    async fn load(&self, keys: &[String]) -> Result<Vec<Option<Document>>, Error> {
        let key = |key: &String| suffix_of(key).map(|suffix| self.key(suffix));
        let keys: Vec<Option<Key>> = keys.iter().take(LOAD_MAX).map(key).collect();
        let existing = keys.iter().flatten().cloned().collect();
        let items = self.store().batch_get(self.table(), existing).await?;
        let (mut documents, mut bytes) = (Vec::with_capacity(keys.len()), 0_usize);
        for key in keys {
            if bytes > LOAD_BYTES_MAX {
                break;
            }
            let document = match key.as_ref().and_then(|key| items.get(key)) {
                None => None,
                Some(item) => Some(Document::parse(self.text(item).await?)?),
            };
            bytes += document.as_ref().map_or(0, |document| document.text.len());
            documents.push(document);
        }
        Ok(documents)
    }
}
