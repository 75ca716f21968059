//! A query: what it reads, and which of the two ways it is answered in.

use std::future::Future;

use serde_json::Value;
use writ_model::Error;
use writ_ports::{Page, Query};
use writ_query::{Direction, Sort};

use super::key::KeyRange;
use super::token::{After, Token, fingerprint, malformed};
use super::walk::{IndexRef, Position, Walk};
use super::{BYTES_READ_MAX, READS_MAX};
use crate::Store;

/// Objects of a page at most; the edge refuses more with a message.
const LIMIT_MAX: usize = 1_000;

/// A stored object.
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

/// Finds the objects that index entries stand for.
pub(crate) trait Documents: Sync {
    /// The objects of the first few keys, at least of one, in the order of the keys; `None` where
    /// an object is gone or certainly does not match.
    fn load(
        &self,
        keys: &[String],
    ) -> impl Future<Output = Result<Vec<Option<Document>>, Error>> + Send;
}

/// How an index is read for a query.
#[derive(Debug)]
pub(crate) struct Reading<'s> {
    pub(crate) index: IndexRef<'s>,
    pub(crate) partitions: Vec<String>,
    /// In reading order.
    pub(crate) ranges: Vec<KeyRange>,
    pub(crate) direction: Direction,
    /// Whether this gives the order of the query's sort.
    pub(crate) sorted: bool,
    /// Whether nearly everything that is read matches.
    pub(crate) exact: bool,
    /// The keys of all that can match, where they are known without the index.
    pub(crate) listed: Option<Vec<String>>,
}

/// A query on its way.
pub(crate) struct Search<'s, D> {
    pub(crate) store: &'s Store,
    pub(crate) documents: D,
    pub(crate) query: &'s Query,
    pub(crate) reading: Reading<'s>,
    /// What the token belongs to: the kind of object and the workspace.
    pub(crate) owner: [&'s str; 2],
    /// The fields that sort without reading everything.
    pub(crate) cheap_sorts: &'static str,
    /// The order where the query leaves it open and no index gives one.
    pub(crate) order: Sort,
}

/// Objects, where to go on if there may be more, and how many entries were read.
pub(super) type Found = (Vec<String>, Option<After>, usize);

impl<D: Documents> Search<'_, D> {
    /// One page.
    pub(crate) async fn page(&self) -> Result<Page, Error> {
        let fingerprint = self.fingerprint();
        let after = match &self.query.next_token {
            Some(token) => Some(Token::decode(token, &fingerprint)?),
            None => None,
        };
        let (items, next, reads) = match (self.reading.sorted, after) {
            (true, None) => self.walk_page(Position::default()).await?,
            (true, Some(After::Key { range, key })) => {
                self.walk_page(self.checked(range, key)?).await?
            }
            (false, None) => self.sorted_page(0).await?,
            (false, Some(After::Count(count))) => self.sorted_page(count).await?,
            (true, Some(After::Count(_))) | (false, Some(After::Key { .. })) => {
                return Err(malformed());
            }
        };
        let next_token = next.map(|after| Token::new(&fingerprint, after).encode()).transpose()?;
        Ok(Page { items, next_token, reads })
    }

    fn fingerprint(&self) -> String {
        let [kind, workspace] = self.owner;
        // Debug prints a filter's whole tree, in the order in which it was written.
        let (filter, sort) = (format!("{:?}", self.query.filter), format!("{:?}", self.query.sort));
        fingerprint(&[kind, workspace, &filter, &sort])
    }

    /// The position, if it lies in what this query reads.
    fn checked(&self, range: usize, key: Option<String>) -> Result<Position, Error> {
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
