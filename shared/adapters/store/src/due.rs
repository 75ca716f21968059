//! What the clock makes due, of all workspaces: the index `by_due` that a table may have.
//!
//! An entry has no workspace in its partition key, as the items of upkeep have none, and is spread
//! over the shards. A page goes through the shards one after the other, and each in the order of
//! time. What is dealt with meanwhile is due later or not at all, so nothing is met twice but what
//! falls due again.

use writ_model::{Error, Timestamp};

use crate::Store;
use crate::errors::failed;
use crate::item::{Item, string, text};
use crate::search::{After, Token, fingerprint, malformed};
use crate::shards::SHARDS;

/// Things of a page.
const PAGE_MAX: usize = 100;

/// Before every key of a shard.
const START: &str = " ";

/// No workspace's, as those of upkeep are.
pub(crate) fn due_partition(shard: u64) -> String {
    format!("#{shard}")
}

/// Sixteen digits last for three hundred thousand years, and sort as text.
pub(crate) fn due_key(due_at: Timestamp, partition: &str) -> String {
    format!("{:016}#{partition}", due_at.as_ms().max(0))
}

/// Where a page goes on: behind a key of a shard.
struct Place {
    shard: u64,
    after: Option<String>,
}

impl Place {
    fn read(token: Option<&str>) -> Result<Self, Error> {
        let Some(token) = token else { return Ok(Self { shard: 0, after: None }) };
        match Token::decode(token, &owner())? {
            After::Key { range, key } => {
                let shard = u64::try_from(range).ok().filter(|shard| *shard < SHARDS);
                Ok(Self { shard: shard.ok_or_else(malformed)?, after: key })
            }
            After::Count(_) => Err(malformed()),
        }
    }

    fn token(self) -> Result<String, Error> {
        let range = usize::try_from(self.shard).map_err(Error::internal)?;
        Token::new(&owner(), After::Key { range, key: self.after }).encode()
    }
}

fn owner() -> String {
    fingerprint(&["due"])
}

impl Store {
    /// What of the table is due at or before `before`, as its entries say; and where it goes on.
    pub(crate) async fn due_of<T>(
        &self,
        table: &str,
        before: Timestamp,
        next: Option<&str>,
        read: impl Fn(&Item) -> Result<T, Error>,
    ) -> Result<(Vec<T>, Option<String>), Error> {
        let mut place = Place::read(next)?;
        // Keys have the time first, so this is behind all that are due at it.
        let to = due_key(Timestamp::from_ms(before.as_ms().saturating_add(1)), "");
        let mut due = Vec::new();
        while place.shard < SHARDS && due.len() < PAGE_MAX {
            let left = PAGE_MAX - due.len();
            let (found, after) = self.due_in(table, &place, &to, left).await?;
            for item in &found {
                due.push(read(item)?);
            }
            place = match after {
                Some(after) => Place { shard: place.shard, after: Some(after) },
                None => Place { shard: place.shard + 1, after: None },
            };
        }
        let next = (place.shard < SHARDS).then(|| place.token()).transpose()?;
        Ok((due, next))
    }

    /// Up to `limit` entries of a shard, and where it goes on if there may be more.
    async fn due_in(
        &self,
        table: &str,
        place: &Place,
        to: &str,
        limit: usize,
    ) -> Result<(Vec<Item>, Option<String>), Error> {
        // No key is another one followed by NUL.
        let from = place.after.as_ref().map_or(START.to_owned(), |after| format!("{after}\0"));
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
            .expression_attribute_values(":shard", string(due_partition(place.shard)))
            .expression_attribute_values(":from", string(from))
            .expression_attribute_values(":to", string(to))
            .send()
            .await
            .map_err(failed)?;
        let last = page.last_evaluated_key().map(|key| text(key, "due").map(str::to_owned));
        Ok((page.items.unwrap_or_default(), last.transpose()?))
    }
}
