//! Stores text of any length in items of at most 400 KB.
//!
//! The chunks of a text share a partition key and a prefix of their sort keys. They are written in
//! the same transaction as the item that names them if they fit into one. The two other ways are
//! those of a large record ([`crate::executions`]) and of a large reply, which has chunks that
//! expire.

use aws_sdk_dynamodb::types::{AttributeValue, Put, TransactWriteItem};
use writ_model::{BODY_BYTES_MAX, Digest, Error};

use crate::Store;
use crate::errors::store_error;
use crate::item::{Item, ItemExt, count, key, number, string, text};

/// The sizes at which long texts are split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkSizes {
    /// Bytes of a text in one item at most; longer texts are split into chunks.
    pub chunk_bytes_max: usize,
    /// Bytes of text in one transaction at most.
    pub transaction_bytes_max: usize,
}

/// DynamoDB's items hold 400 KB and its transactions 4 MB, keys and other attributes included;
/// these limits leave space for both.
pub(crate) const DEFAULT_SIZES: ChunkSizes =
    ChunkSizes { chunk_bytes_max: 300 << 10, transaction_bytes_max: 3 << 20 };

// INVARIANT: a policy's body is written in one transaction.
const _: () = assert!(BODY_BYTES_MAX <= DEFAULT_SIZES.transaction_bytes_max);

/// The location of a text's chunks.
#[derive(Clone, Debug)]
pub(crate) struct ChunkLocation<'s> {
    pub(crate) table: &'s str,
    pub(crate) partition: String,
    /// The sort key without the chunk's number at its end.
    pub(crate) prefix: String,
}

impl ChunkLocation<'_> {
    /// The primary key of the chunk at this position, counted from 0.
    pub(crate) fn key(&self, position: usize) -> Item {
        key(&self.partition, sort_key(&self.prefix, position))
    }
}

impl Store {
    /// Splits a text into the items of its chunks, in order.
    pub(crate) fn chunk_items(&self, location: &ChunkLocation<'_>, content: &str) -> Vec<Item> {
        let pieces = split(content, self.chunk_sizes.chunk_bytes_max);
        let chunk = |(position, piece): (usize, &&str)| {
            location.key(position).with("chunks", number(pieces.len())).with("text", string(*piece))
        };
        pieces.iter().enumerate().map(chunk).collect()
    }

    /// The transaction's actions that write the chunks of a text.
    pub(crate) fn chunk_puts(
        &self,
        location: &ChunkLocation<'_>,
        content: &str,
    ) -> Result<Vec<TransactWriteItem>, Error> {
        let put = |chunk| {
            let put = Put::builder().table_name(location.table).set_item(Some(chunk)).build();
            Ok(TransactWriteItem::builder().put(put.map_err(Error::internal)?).build())
        };
        self.chunk_items(location, content).into_iter().map(put).collect()
    }

    /// Reads a text and checks it against its digest; `None` where no chunk exists.
    pub(crate) async fn get_chunks(
        &self,
        location: &ChunkLocation<'_>,
        digest: &Digest,
    ) -> Result<Option<String>, Error> {
        let mut content = String::new();
        let (mut found, mut expected) = (0_usize, 0_usize);
        let mut start = None;
        loop {
            let page = self
                .client
                .query()
                .table_name(location.table)
                .consistent_read(true)
                .key_condition_expression("pk = :partition AND begins_with(sk, :prefix)")
                .expression_attribute_values(
                    ":partition",
                    AttributeValue::S(location.partition.clone()),
                )
                .expression_attribute_values(":prefix", AttributeValue::S(location.prefix.clone()))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(store_error)?;
            for item in page.items() {
                content.push_str(text(item, "text")?);
                expected = count(item, "chunks")?;
                found += 1;
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        if found == 0 {
            return Ok(None);
        }
        if found != expected {
            let log = format!("`{}` has {found} of {expected} chunks", location.partition);
            return Err(Error::internal(log));
        }
        verify_digest(content, digest).map(Some)
    }
}

/// Returns the text if it has this digest, else an internal error.
pub(crate) fn verify_digest(content: String, digest: &Digest) -> Result<String, Error> {
    if Digest::of(content.as_bytes()) == *digest {
        Ok(content)
    } else {
        Err(Error::internal(format!("stored text does not have its digest {digest}")))
    }
}

pub(crate) fn sort_key(prefix: &str, position: usize) -> String {
    format!("{prefix}{position:04}")
}

/// Splits a text into pieces of at most `max` bytes, at least one. It splits between characters,
/// since string attributes are UTF-8.
fn split(content: &str, max: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = content;
    while rest.len() > max {
        let (piece, left) = rest.split_at(rest.floor_char_boundary(max));
        pieces.push(piece);
        rest = left;
    }
    pieces.push(rest);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_split_between_characters_and_joins_to_itself() {
        for (content, pieces) in
            [("", 1), ("abc", 1), ("abcd", 2), ("aéé", 2), ("ééé", 3), ("😀😀", 2)]
        {
            let pieces_of_text = split(content, if content.contains('😀') { 4 } else { 3 });
            assert_eq!(pieces_of_text.len(), pieces, "{content}");
            assert_eq!(pieces_of_text.concat(), content);
        }
    }
}
