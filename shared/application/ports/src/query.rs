//! One page of a query.

use serde::{Deserialize, Serialize};
use writ_query::{Filter, Sort};

/// A query for one page.
#[derive(Clone, Debug)]
pub struct Query {
    /// The objects to find.
    pub filter: Filter,
    /// The order of the objects; `None` for the order of the index that serves the filter.
    pub sort: Option<Sort>,
    /// Objects of the page at most; 1 to 1,000.
    pub limit: usize,
    /// The [`Page::next_token`] of the page before; `None` for the first page.
    pub next_token: Option<String>,
}

/// One page of objects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// The objects, as JSON text.
    pub items: Vec<String>,
    /// The token of the next page; `None` at the end. Opaque, versioned, valid for the same filter and
    /// sort only. A page may be short of its limit, even empty, when the read budget ended it.
    pub next_token: Option<String>,
    /// Objects that were read to answer.
    pub reads: usize,
}
