//! Reads what is due, of all workspaces, from the index `by_due` of a table.
//!
//! The partition key of an entry has no workspace, as those of garbage collection, and entries are
//! spread over the shards. A page reads the shards one after the other, each in the order of time.
//! An entry that is processed meanwhile moves to a later time or leaves the index, so a listing
//! returns an entry twice only if it is due again.

use std::time::Duration;

use writ_model::{Error, Timestamp};

use crate::Store;
use crate::errors::store_error;
use crate::item::{Item, string, text};
use crate::search::{Cursor, PageToken, fingerprint, malformed};
use crate::shards::SHARDS;

/// Entries of one page at most.
const ENTRIES_MAX: usize = 100;

/// A lower bound of all sort keys of a shard: keys start with a digit.
const FIRST_KEY: &str = " ";

/// The partition key of a shard in the index. No workspace starts with `#`.
pub(crate) fn due_partition(shard: u64) -> String {
    format!("#{shard}")
}

/// The sort key of an entry. Sixteen digits of milliseconds last for three hundred thousand years,
/// and sort as text.
pub(crate) fn due_key(due_at: Timestamp, partition: &str) -> String {
    format!("{:016}#{partition}", due_at.as_ms().max(0))
}

/// Where the next page starts: after a key of a shard, or at the shard's start.
struct Position {
    shard: u64,
    after: Option<String>,
}

impl Position {
    fn decode(token: Option<&str>) -> Result<Self, Error> {
        let Some(token) = token else { return Ok(Self { shard: 0, after: None }) };
        match PageToken::decode(token, &token_owner())? {
            Cursor::Key { range, key } => {
                let shard = u64::try_from(range).ok().filter(|shard| *shard < SHARDS);
                Ok(Self { shard: shard.ok_or_else(malformed)?, after: key })
            }
            Cursor::Count(_) => Err(malformed()),
        }
    }

    fn encode(self) -> Result<String, Error> {
        let range = usize::try_from(self.shard).map_err(Error::internal)?;
        PageToken::new(&token_owner(), Cursor::Key { range, key: self.after }).encode()
    }
}

fn token_owner() -> String {
    fingerprint(&["due"])
}

impl Store {
    /// Reads a page of the entries that are due at or before `before`, and the token of the next
    /// page; `None` after the last one.
    pub(crate) async fn query_due<T>(
        &self,
        table: &str,
        before: Timestamp,
        next: Option<&str>,
        parse: impl Fn(&Item) -> Result<T, Error>,
    ) -> Result<(Vec<T>, Option<String>), Error> {
        let mut position = Position::decode(next)?;
        // Keys start with the time, so this bound is after all keys of that time.
        let to = due_key(before + Duration::from_millis(1), "");
        let mut due = Vec::new();
        while position.shard < SHARDS && due.len() < ENTRIES_MAX {
            let left = ENTRIES_MAX - due.len();
            let (found, after) = self.query_due_shard(table, &position, &to, left).await?;
            for item in &found {
                due.push(parse(item)?);
            }
            position = match after {
                Some(after) => Position { shard: position.shard, after: Some(after) },
                None => Position { shard: position.shard + 1, after: None },
            };
        }
        let next = (position.shard < SHARDS).then(|| position.encode()).transpose()?;
        Ok((due, next))
    }

    /// Reads up to `limit` entries of a shard, and the last key read if there may be more.
    async fn query_due_shard(
        &self,
        table: &str,
        position: &Position,
        to: &str,
        limit: usize,
    ) -> Result<(Vec<Item>, Option<String>), Error> {
        // The smallest key after it: no key equals another one with a NUL appended.
        let from =
            position.after.as_ref().map_or(FIRST_KEY.to_owned(), |after| format!("{after}\0"));
        if from.as_str() >= to || from.len() > 1_024 {
            return Ok((Vec::new(), None));
        }
        let page = self
            .client
            .query()
            .table_name(table)
            .index_name("by_due")
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .key_condition_expression("#shard = :shard AND #due BETWEEN :from AND :to")
            .expression_attribute_names("#shard", "due_shard")
            .expression_attribute_names("#due", "due")
            .expression_attribute_values(":shard", string(due_partition(position.shard)))
            .expression_attribute_values(":from", string(from))
            .expression_attribute_values(":to", string(to))
            .send()
            .await
            .map_err(store_error)?;
        let last = page.last_evaluated_key().map(|key| text(key, "due").map(str::to_owned));
        Ok((page.items.unwrap_or_default(), last.transpose()?))
    }
}
