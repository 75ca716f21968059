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
use crate::errors::store_error;
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
struct PartitionReader {
    partition: String,
    buffered: VecDeque<String>,
    /// The part of the range that is not read yet.
    range: KeyRange,
    /// The last key that DynamoDB evaluated, if it has more.
    start: Option<Item>,
    is_exhausted: bool,
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
    readers: Vec<PartitionReader>,
    /// Entries that the next read should return, over all readers.
    demand: usize,
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
        let reader = |partition| PartitionReader {
            partition,
            buffered: VecDeque::new(),
            range: KeyRange::default(),
            start: None,
            is_exhausted: false,
        };
        let readers = partitions.into_iter().map(reader).collect();
        let mut walk =
            Self { store, index, direction, ranges, position, readers, demand: 1, reads: 0 };
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
    pub(super) fn set_demand(&mut self, entries: usize) {
        self.demand = entries;
    }

    /// Whether another entry was read already.
    pub(super) fn has_buffered(&self) -> bool {
        self.readers.iter().any(|reader| !reader.buffered.is_empty())
    }

    /// Returns the next entry, and reads on if it has to.
    pub(super) async fn next(&mut self) -> Result<Step, Error> {
        while self.position.range < self.ranges.len() {
            while self.readers.iter().any(PartitionReader::needs_read) {
                if self.reads >= READS_MAX {
                    return Ok(Step::Budget);
                }
                self.fill().await?;
            }
            if let Some(key) = self.pop_next() {
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
        let range = match &self.position.key {
            Some(key) => range.after(key, self.direction),
            None => range.clone(),
        };
        for reader in &mut self.readers {
            reader.is_exhausted = range.is_empty();
            reader.range = range.clone();
            reader.start = None;
        }
    }

    /// Removes the first entry in reading order from the readers.
    fn pop_next(&mut self) -> Option<String> {
        let first = |reader: &&mut PartitionReader| reader.buffered.front().cloned();
        let buffered = self.readers.iter_mut().filter(|reader| !reader.buffered.is_empty());
        let reader = match self.direction {
            Direction::Ascending => buffered.min_by_key(first),
            Direction::Descending => buffered.max_by_key(first),
        };
        reader?.buffered.pop_front()
    }

    /// Reads on in all readers without entries, concurrently.
    async fn fill(&mut self) -> Result<(), Error> {
        let left = READS_MAX.saturating_sub(self.reads);
        let share = self.demand.div_ceil(self.readers.len().max(1));
        let limit = share.min(left).clamp(1, READ_MAX);
        let (store, index, direction) = (self.store, self.index, self.direction);
        let empty = self.readers.iter_mut().filter(|reader| reader.needs_read());
        let reads =
            try_join_all(empty.map(|reader| reader.read(store, index, direction, limit))).await?;
        self.reads += reads.into_iter().sum::<usize>();
        Ok(())
    }
}

impl PartitionReader {
    fn needs_read(&self) -> bool {
        self.buffered.is_empty() && !self.is_exhausted
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
        let (from, to) = self.range.bounds();
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
        let page = query.send().await.map_err(store_error)?;

        let before = self.buffered.len();
        for item in page.items() {
            let key = text(item, index.sort_key)?;
            if self.range.contains(key) {
                self.buffered.push_back(key.to_owned());
            }
        }
        self.start = page.last_evaluated_key;
        self.is_exhausted = self.start.is_none();
        Ok((self.buffered.len() - before).max(1))
    }
}
