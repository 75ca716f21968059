//! Makes a page in the order of an index: reads entries, loads their objects, filters them, and
//! stops at a bound.

use writ_model::Error;
use writ_query::Filter;

use super::query::{Document, Documents, PageParts, Search};
use super::token::Cursor;
use super::walk::{Position, Step, Walk};
use super::{BYTES_READ_MAX, PAGE_BYTES_MAX};

/// Entries of one batch at most.
pub(super) const BATCH_MAX: usize = 100;

/// Entries of the first batch at least, where not all of them will match.
const BATCH_MIN: usize = 25;

/// The page so far.
struct PageBuilder<'q> {
    filter: &'q Filter,
    limit: usize,
    items: Vec<String>,
    page_bytes: usize,
    bytes_read: usize,
    /// The last entry that was processed.
    last: Position,
}

impl PageBuilder<'_> {
    /// Adds an entry's object if it matches; `false` where the page ends before it or with it.
    fn add(&mut self, entry: &Position, document: Option<Document>) -> bool {
        if let Some(Document { text, value }) = document {
            let fits = self.items.is_empty() || self.page_bytes + text.len() <= PAGE_BYTES_MAX;
            self.bytes_read += text.len();
            if self.filter.matches(&value) {
                if self.is_full() || !fits {
                    return false;
                }
                self.page_bytes += text.len();
                self.items.push(text);
            }
        }
        self.last = entry.clone();
        self.bytes_read < BYTES_READ_MAX
    }

    fn is_full(&self) -> bool {
        self.items.len() >= self.limit
    }

    fn remaining(&self) -> usize {
        self.limit.saturating_sub(self.items.len())
    }
}

impl<D: Documents> Search<'_, D> {
    pub(super) async fn walk_page(&self, start: Position) -> Result<PageParts, Error> {
        let mut walk = self.walk(start.clone());
        let mut page = PageBuilder {
            filter: &self.query.filter,
            limit: self.limit(),
            items: Vec::new(),
            page_bytes: 0,
            bytes_read: 0,
            last: start,
        };
        let complete = self.fill(&mut walk, &mut page).await?;
        let PageBuilder { items, last, .. } = page;
        let next = (!complete).then_some(Cursor::Key { range: last.range, key: last.key });
        Ok((items, next, walk.reads()))
    }

    /// Fills the page; returns whether the walk reached its end.
    async fn fill(&self, walk: &mut Walk<'_>, page: &mut PageBuilder<'_>) -> Result<bool, Error> {
        let mut batch = page.limit.clamp(BATCH_MIN, BATCH_MAX);
        loop {
            let count = if self.reading.exact { page.remaining().min(BATCH_MAX) } else { batch };
            walk.set_demand(if self.reading.exact { page.remaining() + 1 } else { count });
            let (entries, step) = read_entries(walk, count).await?;
            if !self.load_page_matches(&entries, page).await? {
                return Ok(false);
            }
            match step {
                Step::End => return Ok(true),
                Step::Budget => {
                    page.last = walk.position().clone();
                    return Ok(false);
                }
                // Another page is offered only if there is another entry.
                Step::Key(_) if page.is_full() && walk.has_buffered() => return Ok(false),
                Step::Key(_) if page.is_full() => return Ok(walk.next().await? == Step::End),
                Step::Key(_) => batch = (batch * 2).min(BATCH_MAX),
            }
        }
    }

    /// Loads and filters the objects of these entries; `false` where the page ended before the
    /// entries did.
    async fn load_page_matches(
        &self,
        entries: &[Position],
        page: &mut PageBuilder<'_>,
    ) -> Result<bool, Error> {
        let mut rest = entries;
        while !rest.is_empty() {
            let keys: Vec<String> = rest.iter().filter_map(|entry| entry.key.clone()).collect();
            let documents = self.documents.load(&keys).await?;
            let loaded = documents.len();
            for (entry, document) in rest.iter().zip(documents) {
                if !page.add(entry, document) {
                    return Ok(false);
                }
            }
            rest = rest.get(loaded.max(1)..).unwrap_or_default();
        }
        Ok(true)
    }
}

/// Reads up to `count` entries, and the last step: a key where there may be more entries.
pub(super) async fn read_entries(
    walk: &mut Walk<'_>,
    count: usize,
) -> Result<(Vec<Position>, Step), Error> {
    let mut entries = Vec::with_capacity(count);
    loop {
        match walk.next().await? {
            Step::Key(key) => {
                entries.push(walk.position().clone());
                if entries.len() >= count {
                    return Ok((entries, Step::Key(key)));
                }
            }
            step => return Ok((entries, step)),
        }
    }
}
