//! Text of any length over items of at most 400 KB.
//!
//! Chunks stand under a name that holds their text's digest: writing them twice changes nothing,
//! and nothing refers to them until the item that names the digest is written. What a failure in
//! between leaves behind is never read.

use aws_sdk_dynamodb::types::AttributeValue;
use writ_model::{Digest, Error};

use crate::Store;
use crate::fault::failed;
use crate::item::{With, count, key, number, string, text};

/// Bytes of one chunk at most: DynamoDB's items hold 400 KB, keys and other attributes included.
pub(crate) const CHUNK_BYTES_MAX: usize = 300 << 10;

/// Where a text's chunks are.
#[derive(Clone, Debug)]
pub(crate) struct Place<'s> {
    pub(crate) table: &'s str,
    pub(crate) partition: String,
    /// The sort key up to the chunk's number.
    pub(crate) prefix: String,
}

impl Store {
    /// Writes the text, one chunk after the other.
    pub(crate) async fn put_chunks(
        &self,
        place: &Place<'_>,
        content: &str,
        expires_at: Option<i64>,
    ) -> Result<(), Error> {
        let chunks = cut(content, CHUNK_BYTES_MAX);
        for (position, chunk) in chunks.iter().enumerate() {
            let mut item = key(&place.partition, sort_key(&place.prefix, position))
                .with("chunks", number(chunks.len()))
                .with("text", string(*chunk));
            if let Some(seconds) = expires_at {
                item = item.with("expires_at", number(seconds));
            }
            self.client
                .put_item()
                .table_name(place.table)
                .set_item(Some(item))
                .send()
                .await
                .map_err(failed)?;
        }
        Ok(())
    }

    /// The text that was written there, held against its digest; `None` where nothing was.
    pub(crate) async fn get_chunks(
        &self,
        place: &Place<'_>,
        digest: &Digest,
    ) -> Result<Option<String>, Error> {
        let mut content = String::new();
        let (mut found, mut expected) = (0_usize, 0_usize);
        let mut start = None;
        loop {
            let page = self
                .client
                .query()
                .table_name(place.table)
                .consistent_read(true)
                .key_condition_expression("pk = :partition AND begins_with(sk, :prefix)")
                .expression_attribute_values(
                    ":partition",
                    AttributeValue::S(place.partition.clone()),
                )
                .expression_attribute_values(":prefix", AttributeValue::S(place.prefix.clone()))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(failed)?;
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
            let log = format!("`{}` has {found} of {expected} chunks", place.partition);
            return Err(Error::internal(log));
        }
        whole(content, digest).map(Some)
    }
}

/// The text, if it has its digest.
pub(crate) fn whole(content: String, digest: &Digest) -> Result<String, Error> {
    if Digest::of(content.as_bytes()) == *digest {
        Ok(content)
    } else {
        Err(Error::internal(format!("stored text does not have its digest {digest}")))
    }
}

pub(crate) fn sort_key(prefix: &str, position: usize) -> String {
    format!("{prefix}{position:04}")
}

/// Pieces of at most `max` bytes, at least one; cut between characters, for attributes are UTF-8.
fn cut(content: &str, max: usize) -> Vec<&str> {
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
    fn text_is_cut_between_characters_and_joins_to_itself() {
        for (content, pieces) in
            [("", 1), ("abc", 1), ("abcd", 2), ("aéé", 2), ("ééé", 3), ("😀😀", 2)]
        {
            let cut = cut(content, if content.contains('😀') { 4 } else { 3 });
            assert_eq!(cut.len(), pieces, "{content}");
            assert_eq!(cut.concat(), content);
        }
    }
}
