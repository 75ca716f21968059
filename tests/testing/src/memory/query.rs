//! Pages of a query over documents in memory.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use writ_model::{Digest, Error, Workspace};
use writ_ports::{Page, Query};
use writ_query::Sort;

/// A document and where it stands in the order of its list.
pub(super) struct Entry {
    key: String,
    text: String,
}

impl Entry {
    /// Entries are in the order of `value`, then of `id`.
    pub(super) fn new(value: &str, id: &str, text: String) -> Self {
        Self { key: format!("{value}\0{id}"), text }
    }
}

/// A list of a workspace.
pub(super) struct Listing<'w> {
    pub(super) name: &'static str,
    pub(super) workspace: &'w Workspace,
    /// Whether the last key comes first where the query has no sort.
    pub(super) is_descending: bool,
}

/// Where a page goes on: behind a key in the list's own order, behind so many documents in another.
struct Position {
    count: usize,
    key: String,
}

impl Listing<'_> {
    /// One page of the documents that the query finds.
    pub(super) fn page(&self, query: &Query, mut entries: Vec<Entry>) -> Result<Page, Error> {
        let fingerprint = self.fingerprint(query);
        let token = query.next_token.as_deref();
        let position = token.map(|token| read_token(token, &fingerprint)).transpose()?;
        entries.sort_by(|one, other| one.key.cmp(&other.key));
        if self.is_descending {
            entries.reverse();
        }
        let reads = entries.len();
        let mut found = Vec::new();
        for entry in entries {
            let document: Value = serde_json::from_str(&entry.text).map_err(Error::internal)?;
            if query.filter.matches(&document) {
                found.push((entry, document));
            }
        }
        let sort = query.sort.as_ref().filter(|sort: &&Sort| !sort.is_empty());
        if let Some(sort) = sort {
            found.sort_by(|(_, one), (_, other)| sort.compare(one, other));
        }
        let start = position.map_or(0, |position| match sort {
            Some(_) => position.count,
            None => found.iter().take_while(|(entry, _)| !self.is_behind(entry, &position)).count(),
        });
        let rest = found.get(start..).unwrap_or_default();
        let page = rest.get(..query.limit).unwrap_or(rest);
        let last = page.last().filter(|_| page.len() < rest.len());
        let next_token =
            last.map(|(entry, _)| write_token(&fingerprint, start + page.len(), &entry.key));
        let items = page.iter().map(|(entry, _)| entry.text.clone()).collect();
        Ok(Page { items, next_token, reads })
    }

    fn is_behind(&self, entry: &Entry, position: &Position) -> bool {
        if self.is_descending { entry.key < position.key } else { entry.key > position.key }
    }

    /// A token is good for the same list, filter and sort alone.
    fn fingerprint(&self, query: &Query) -> String {
        let Query { filter, sort, .. } = query;
        let text = format!("{}\0{}\0{filter:?}\0{sort:?}", self.name, self.workspace);
        Digest::of(text.as_bytes()).short().to_owned()
    }
}

fn write_token(fingerprint: &str, count: usize, key: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{fingerprint}\0{count}\0{key}"))
}

fn read_token(token: &str, fingerprint: &str) -> Result<Position, Error> {
    let refuse = || Error::invalid("this `next_token` belongs to another query").at("next_token");
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| refuse())?;
    let text = String::from_utf8(bytes).map_err(|_| refuse())?;
    let mut parts = text.splitn(3, '\0');
    let (own, count, key) = (parts.next(), parts.next(), parts.next());
    let count = count.and_then(|count| count.parse().ok());
    match (own == Some(fingerprint), count, key) {
        (true, Some(count), Some(key)) => Ok(Position { count, key: key.to_owned() }),
        _ => Err(refuse()),
    }
}
