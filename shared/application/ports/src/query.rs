//! One page of a query.

use serde::{Deserialize, Serialize};
use writ_query::{Filter, Sort};

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Query {
    /// Which objects.
    pub filter: Filter,
    /// In which order; without it in the order of the index that serves the filter.
    pub sort: Option<Sort>,
    /// Objects of the page at most; 1 to 1,000.
    pub limit: usize,
    /// Where the page before ended, as [`Page::next_token`] said.
    pub next_token: Option<String>,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// The objects, as JSON text.
    pub items: Vec<String>,
    /// There may be more: ask again with this. Opaque, versioned, good for the same filter and
    /// sort alone. A page may be short of its limit, even empty, when the read budget ended it.
    pub next_token: Option<String>,
    /// Objects that were read to answer.
    pub reads: usize,
}
