//! Walks over an index: merges several partitions into one order, and reads several ranges one
//! after the other.

use std::collections::VecDeque;

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::try_join_all;
use writ_model::Error;
use writ_query::Direction;

use super::READS_MAX;
use super::key::KeyRange;
use crate::Store;
use crate::errors::failed;
use crate::item::{Item, text};

/// Entries of one read of a partition at most.
const READ_MAX: usize = 250;

/// The index of a table, and its keys.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IndexRef<'s> {
    pub(crate) table: &'s str,
    pub(crate) index: &'static str,
    pub(crate) partition_key: &'static str,
    pub(crate) sort_key: &'static str,
}

/// The position of a walk: after a key of a range, or at the range's start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) range: usize,
    pub(crate) key: Option<String>,
}

/// The result of one step of a walk.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The sort key of the next entry.
    Key(String),
    /// The end: all entries were read.
    End,
    /// The next entry would need more reads than one request may make.
    Budget,
}

/// The reader of one partition, and its entries that were read and not yet returned.
#[derive(Debug)]
struct Lane {
    partition: String,
    waiting: VecDeque<String>,
    /// The part of the range that is not read yet.
    rest: KeyRange,
    /// The last key that DynamoDB evaluated, if it has more.
    start: Option<Item>,
    ended: bool,
}

/// A walk over the entries of some ranges of some partitions. The partitions of one range are
/// merged, so keys come in the order of the whole; keys are unique over all partitions.
pub(super) struct Walk<'s> {
    store: &'s Store,
    index: IndexRef<'s>,
    direction: Direction,
    /// The ranges of keys, in reading order.
    ranges: Vec<KeyRange>,
    position: Position,
    lanes: Vec<Lane>,
    /// Entries that the next read should return, over all lanes.
    appetite: usize,
    reads: usize,
}

impl<'s> Walk<'s> {
    pub(super) fn new(
        store: &'s Store,
        index: IndexRef<'s>,
        partitions: Vec<String>,
        ranges: Vec<KeyRange>,
        direction: Direction,
        position: Position,
    ) -> Self {
        let lane = |partition| Lane {
            partition,
            waiting: VecDeque::new(),
            rest: KeyRange::default(),
            start: None,
            ended: false,
        };
        let lanes = partitions.into_iter().map(lane).collect();
        let mut walk =
            Self { store, index, direction, ranges, position, lanes, appetite: 1, reads: 0 };
        walk.enter_range();
        walk
    }

    /// The number of entries read so far.
    pub(super) fn reads(&self) -> usize {
        self.reads
    }

    /// The position after the last entry.
    pub(super) fn position(&self) -> &Position {
        &self.position
    }

    /// Sets how many entries the caller can use.
    pub(super) fn expect(&mut self, entries: usize) {
        self.appetite = entries;
    }

    /// Whether another entry was read already.
    pub(super) fn is_waiting(&self) -> bool {
        self.lanes.iter().any(|lane| !lane.waiting.is_empty())
    }

    /// Returns the next entry, and reads on if it has to.
    pub(super) async fn next(&mut self) -> Result<Step, Error> {
        while self.position.range < self.ranges.len() {
            while self.lanes.iter().any(Lane::is_hungry) {
                if self.reads >= READS_MAX {
                    return Ok(Step::Budget);
                }
                self.feed().await?;
            }
            if let Some(key) = self.take() {
                self.position.key = Some(key.clone());
                return Ok(Step::Key(key));
            }
            self.position = Position { range: self.position.range + 1, key: None };
            self.enter_range();
        }
        Ok(Step::End)
    }

    fn enter_range(&mut self) {
        let Some(range) = self.ranges.get(self.position.range) else { return };
        let rest = match &self.position.key {
            Some(key) => range.after(key, self.direction),
            None => range.clone(),
        };
        for lane in &mut self.lanes {
            lane.ended = rest.is_empty();
            lane.rest = rest.clone();
            lane.start = None;
        }
    }

    /// Removes the first entry in reading order from the lanes.
    fn take(&mut self) -> Option<String> {
        let first = |lane: &&mut Lane| lane.waiting.front().cloned();
        let waiting = self.lanes.iter_mut().filter(|lane| !lane.waiting.is_empty());
        let lane = match self.direction {
            Direction::Ascending => waiting.min_by_key(first),
            Direction::Descending => waiting.max_by_key(first),
        };
        lane?.waiting.pop_front()
    }

    /// Reads on in all lanes without entries, concurrently.
    async fn feed(&mut self) -> Result<(), Error> {
        let left = READS_MAX.saturating_sub(self.reads);
        let share = self.appetite.div_ceil(self.lanes.len().max(1));
        let limit = share.min(left).clamp(1, READ_MAX);
        let (store, index, direction) = (self.store, self.index, self.direction);
        let hungry = self.lanes.iter_mut().filter(|lane| lane.is_hungry());
        let reads =
            try_join_all(hungry.map(|lane| lane.read(store, index, direction, limit))).await?;
        self.reads += reads.into_iter().sum::<usize>();
        Ok(())
    }
}

impl Lane {
    fn is_hungry(&self) -> bool {
        self.waiting.is_empty() && !self.ended
    }

    /// Reads up to `limit` entries; returns the number of reads to count, at least one.
    async fn read(
        &mut self,
        store: &Store,
        index: IndexRef<'_>,
        direction: Direction,
        limit: usize,
    ) -> Result<usize, Error> {
        let query = store
            .client
            .query()
            .table_name(index.table)
            .index_name(index.index)
            .scan_index_forward(direction == Direction::Ascending)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .expression_attribute_names("#partition", index.partition_key)
            .expression_attribute_values(":partition", AttributeValue::S(self.partition.clone()));
        let string = |bound: &str| AttributeValue::S(bound.to_owned());
        let (from, to) = self.rest.bounds();
        let condition = match (from, to) {
            (None, None) => "#partition = :partition",
            (Some(_), None) => "#partition = :partition AND #sort >= :from",
            (None, Some(_)) => "#partition = :partition AND #sort < :to",
            // `BETWEEN` includes `to`; that is a key only where a descending walk continues from a
            // token.
            (Some(_), Some(_)) => "#partition = :partition AND #sort BETWEEN :from AND :to",
        };
        let named = from.or(to).map(|_| index.sort_key);
        let query = named
            .into_iter()
            .fold(query, |query, name| query.expression_attribute_names("#sort", name));
        let query = from
            .into_iter()
            .fold(query, |query, from| query.expression_attribute_values(":from", string(from)));
        let query = to
            .into_iter()
            .fold(query, |query, to| query.expression_attribute_values(":to", string(to)));
        let query =
            query.key_condition_expression(condition).set_exclusive_start_key(self.start.take());
        let page = query.send().await.map_err(failed)?;

        let before = self.waiting.len();
        for item in page.items() {
            let key = text(item, index.sort_key)?;
            if self.rest.contains(key) {
                self.waiting.push_back(key.to_owned());
            }
        }
        self.start = page.last_evaluated_key;
        self.ended = self.start.is_none();
        Ok((self.waiting.len() - before).max(1))
    }
}
