//! Runs a query in one of two ways: in the order of an index, or sorted in memory.

use std::future::Future;

use serde_json::Value;
use writ_model::Error;
use writ_ports::{Page, Query};
use writ_query::{Direction, Sort};

use super::key::KeyRange;
use super::token::{Cursor, PageToken, fingerprint, malformed};
use super::walk::{IndexRef, Position, Walk};
use super::{BYTES_READ_MAX, READS_MAX};
use crate::Store;

/// Objects of a page at most; the edge refuses a larger limit with a message.
const LIMIT_MAX: usize = 1_000;

#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) text: String,
    pub(crate) value: Value,
}

impl Document {
    pub(crate) fn parse(text: String) -> Result<Self, Error> {
        let value = serde_json::from_str(&text).map_err(Error::internal)?;
        Ok(Self { text, value })
    }
}

/// Loads the objects that index entries belong to.
pub(crate) trait Documents: Sync {
    /// Loads the objects of the first keys, of at least one, in the order of the keys; `None` where
    /// an object does not exist or certainly does not match.
    fn load(
        &self,
        keys: &[String],
    ) -> impl Future<Output = Result<Vec<Option<Document>>, Error>> + Send;
}

/// The parts of an index that a query reads.
#[derive(Debug)]
pub(crate) struct Reading<'s> {
    pub(crate) index: IndexRef<'s>,
    pub(crate) partitions: Vec<String>,
    /// The ranges of keys, in reading order.
    pub(crate) ranges: Vec<KeyRange>,
    pub(crate) direction: Direction,
    /// Whether the index has the order of the query's sort.
    pub(crate) sorted: bool,
    /// Whether nearly every entry matches.
    pub(crate) exact: bool,
    /// The keys of all objects that can match, where they are known without the index.
    pub(crate) listed: Option<Vec<String>>,
}

/// A query and all that it needs to run.
pub(crate) struct Search<'s, D> {
    pub(crate) store: &'s Store,
    pub(crate) documents: D,
    pub(crate) query: &'s Query,
    pub(crate) reading: Reading<'s>,
    /// The kind of object and the workspace, which a page token is bound to.
    pub(crate) owner: [&'s str; 2],
    /// The fields by which an index sorts, for messages.
    pub(crate) cheap_sorts: &'static str,
    /// The order for a query without a sort, where no index gives one.
    pub(crate) order: Sort,
}

/// The objects, the position of the next page if there may be one, and the number of entries read.
pub(super) type PageParts = (Vec<String>, Option<Cursor>, usize);

impl<D: Documents> Search<'_, D> {
    /// Reads one page of the query.
    pub(crate) async fn page(&self) -> Result<Page, Error> {
        let fingerprint = self.fingerprint();
        let after = match &self.query.next_token {
            Some(token) => Some(PageToken::decode(token, &fingerprint)?),
            None => None,
        };
        let (items, next, reads) = match (self.reading.sorted, after) {
            (true, None) => self.walk_page(Position::default()).await?,
            (true, Some(Cursor::Key { range, key })) => {
                self.walk_page(self.validate_position(range, key)?).await?
            }
            (false, None) => self.sorted_page(0).await?,
            (false, Some(Cursor::Count(count))) => self.sorted_page(count).await?,
            (true, Some(Cursor::Count(_))) | (false, Some(Cursor::Key { .. })) => {
                return Err(malformed());
            }
        };
        let next_token =
            next.map(|after| PageToken::new(&fingerprint, after).encode()).transpose()?;
        Ok(Page { items, next_token, reads })
    }

    fn fingerprint(&self) -> String {
        let [kind, workspace] = self.owner;
        // `Debug` prints the whole tree of a filter, in the order in which it was written.
        let (filter, sort) = (format!("{:?}", self.query.filter), format!("{:?}", self.query.sort));
        fingerprint(&[kind, workspace, &filter, &sort])
    }

    /// The position of a page token, if it is in the ranges of this query.
    fn validate_position(&self, range: usize, key: Option<String>) -> Result<Position, Error> {
        let inside = match (self.reading.ranges.get(range), &key) {
            (Some(bounds), Some(key)) => bounds.contains(key),
            (Some(_), None) => true,
            (None, _) => false,
        };
        if inside { Ok(Position { range, key }) } else { Err(malformed()) }
    }

    pub(super) fn walk(&self, position: Position) -> Walk<'_> {
        let Reading { index, partitions, ranges, direction, .. } = &self.reading;
        Walk::new(self.store, *index, partitions.clone(), ranges.clone(), *direction, position)
    }

    pub(super) fn limit(&self) -> usize {
        self.query.limit.clamp(1, LIMIT_MAX)
    }

    pub(super) fn too_much_to_sort(&self) -> Error {
        Error::invalid(format!(
            "this sort would read more than {READS_MAX} objects or {} MiB; sort by one of {} alone, \
             or narrow the filter",
            BYTES_READ_MAX >> 20,
            self.cheap_sorts,
        ))
        .at("sort")
    }
}
