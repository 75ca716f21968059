//! Garbage collection: the removal of data that is no longer reachable.
//!
//! Each call is one bounded step, and the caller decides how many to take. Several callers may take
//! steps at the same time, and a step may end half-way; the next one finds what is left.

use std::future::Future;

use writ_model::{Error, Timestamp};

/// What a step of garbage collection did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GcReport {
    /// The number of objects that were removed, each with all of its parts.
    pub removed: u64,
    /// Whether another step would find more.
    pub more: bool,
}

/// Removes uploads that were started and never finished.
pub trait CollectUploads: Send + Sync {
    /// Cancels some of those that started before `before` and removes their parts. A writer that
    /// still works on one of them is refused from then on; committed data is never removed.
    ///
    /// # Errors
    /// The store's, after the step; the other uploads of the step are removed.
    fn collect_uploads(
        &self,
        before: Timestamp,
    ) -> impl Future<Output = Result<GcReport, Error>> + Send;
}

crate::port!(CollectUploads);

/// Removes what was stored for a limited time.
pub trait RemoveExpired: Send + Sync {
    /// Reads a part of what expires, from where the last step ended, and removes what expired at or
    /// before `before`.
    ///
    /// # Errors
    /// The store's; the next step begins at the same place.
    fn remove_expired(
        &self,
        before: Timestamp,
    ) -> impl Future<Output = Result<GcReport, Error>> + Send;
}

crate::port!(RemoveExpired);
