//! Reads an index in order, page by page, within a budget.

mod items;
mod key;
mod memory_sort;
mod page;
mod points;
mod query;
mod token;
mod walk;

pub(crate) use items::Items;
pub(crate) use key::{KeyRange, index_key, is_empty_value_key, suffix_of};
pub(crate) use points::points;
pub(crate) use query::{Document, Documents, Reading, Search};
pub(crate) use token::{Cursor, PageToken, fingerprint, malformed};
pub(crate) use walk::IndexRef;

/// Index entries that one request may read; a read without a result counts as one.
pub const READS_MAX: usize = 2_000;

/// Bytes of objects that one request may read. Parsed, they take several times as much memory.
pub const BYTES_READ_MAX: usize = 16 << 20;

/// Bytes of objects held at once while they are filtered, unless a single one is larger.
pub(crate) const LOAD_BYTES_MAX: usize = 4 << 20;

/// Bytes of a page at most, unless its first object alone is larger. A Lambda function's response
/// holds 6 MB, in which every quote of JSON text takes two bytes.
pub const PAGE_BYTES_MAX: usize = 2 << 20;
