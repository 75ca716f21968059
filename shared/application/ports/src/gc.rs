//! Removing what nobody can reach any more.
//!
//! Each call is one bounded step: whoever calls decides how many to take. Steps may be taken by
//! several callers at once and end half-way; what is left is found by the next one.

use std::future::Future;

use writ_model::{Error, Timestamp};

/// What a step did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GcReport {
    /// Things removed, each with all of its parts.
    pub removed: u64,
    /// Another step now is worth its while.
    pub more: bool,
}

/// Collects uploads that were begun and never finished.
pub trait CollectUploads: Send + Sync {
    /// Ends some of those that began before `before` and removes their parts. A writer that is
    /// still at one of them is refused from then on; what was committed is never touched.
    ///
    /// # Errors
    /// The store's, once the step is through; the other uploads of the step are collected.
    fn collect_uploads(
        &self,
        before: Timestamp,
    ) -> impl Future<Output = Result<GcReport, Error>> + Send;
}

crate::port!(CollectUploads);

/// Removes what was only kept for a time.
pub trait RemoveExpired: Send + Sync {
    /// Looks through a part of what expires, goes on where the last step ended, and removes what
    /// expired at or before `before`.
    ///
    /// # Errors
    /// The store's; the next step begins at the same place.
    fn remove_expired(
        &self,
        before: Timestamp,
    ) -> impl Future<Output = Result<GcReport, Error>> + Send;
}

crate::port!(RemoveExpired);
