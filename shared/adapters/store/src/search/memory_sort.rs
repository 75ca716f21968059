//! Makes a page in an order that no index has: every page reads and sorts all matches again, and
//! the token counts the objects of the pages before.

use writ_model::Error;

use super::page::{BATCH_MAX, read_entries};
use super::query::{Document, Documents, PageParts, Search};
use super::token::Cursor;
use super::walk::{Position, Step};
use super::{BYTES_READ_MAX, PAGE_BYTES_MAX};

impl<D: Documents> Search<'_, D> {
    pub(super) async fn sorted_page(&self, skipped: usize) -> Result<PageParts, Error> {
        let (mut found, reads) = self.all_matches().await?;
        let sort = self.query.sort.as_ref().filter(|sort| !sort.is_empty()).unwrap_or(&self.order);
        // Keys are unique, so the order is the same for every page.
        found.sort_by(|(left_key, left), (right_key, right)| {
            sort.compare(&left.value, &right.value).then_with(|| left_key.cmp(right_key))
        });
        let total = found.len();
        let (mut items, mut page_bytes) = (Vec::new(), 0_usize);
        for (_, document) in found.into_iter().skip(skipped).take(self.limit()) {
            page_bytes += document.text.len();
            if page_bytes > PAGE_BYTES_MAX && !items.is_empty() {
                break;
            }
            items.push(document.text);
        }
        let returned = skipped.saturating_add(items.len());
        let next = (returned < total).then_some(Cursor::Count(returned));
        Ok((items, next, reads))
    }

    /// All matches with their keys, and the number of entries read.
    async fn all_matches(&self) -> Result<(Vec<(String, Document)>, usize), Error> {
        let (mut found, mut bytes) = (Vec::new(), 0_usize);
        if let Some(keys) = &self.reading.listed {
            self.load_matches(keys, &mut found, &mut bytes).await?;
            return Ok((found, keys.len()));
        }
        let mut walk = self.walk(Position::default());
        loop {
            walk.set_demand(BATCH_MAX);
            let (entries, step) = read_entries(&mut walk, BATCH_MAX).await?;
            let keys: Vec<String> = entries.into_iter().filter_map(|entry| entry.key).collect();
            self.load_matches(&keys, &mut found, &mut bytes).await?;
            match step {
                Step::End => return Ok((found, walk.reads())),
                Step::Budget => return Err(self.too_much_to_sort()),
                Step::Key(_) => {}
            }
        }
    }

    /// Loads the objects of these keys and adds the matches to `found`.
    async fn load_matches(
        &self,
        keys: &[String],
        found: &mut Vec<(String, Document)>,
        bytes: &mut usize,
    ) -> Result<(), Error> {
        let mut rest = keys;
        while !rest.is_empty() {
            let documents = self.documents.load(rest).await?;
            let loaded = documents.len();
            for (key, document) in rest.iter().zip(documents) {
                let Some(document) = document else { continue };
                *bytes += document.text.len();
                if *bytes > BYTES_READ_MAX {
                    return Err(self.too_much_to_sort());
                }
                if self.query.filter.matches(&document.value) {
                    found.push((key.clone(), document));
                }
            }
            rest = rest.get(loaded.max(1)..).unwrap_or_default();
        }
        Ok(())
    }
}
