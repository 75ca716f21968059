//! Garbage collection: scripted reports.

use writ_model::{Error, Timestamp};
use writ_ports::{CollectUploads, GcReport, RemoveExpired};

use super::MemoryPlatform;
use super::idempotency::remove_expired;

impl MemoryPlatform {
    /// Answers the next steps of [`trait@CollectUploads`] with these, one each; then with empty reports.
    pub fn script_uploads(&self, steps: impl IntoIterator<Item = Result<GcReport, Error>>) {
        self.tables().uploads.extend(steps);
    }

    /// Answers the next steps of [`trait@RemoveExpired`] with these, one each; then removes expired keys.
    pub fn script_expired(&self, steps: impl IntoIterator<Item = Result<GcReport, Error>>) {
        self.tables().expired.extend(steps);
    }

    /// The `before` of each step so far, the oldest first.
    #[must_use]
    pub fn gc_horizons(&self) -> Vec<Timestamp> {
        self.tables().gc_horizons.clone()
    }
}

impl CollectUploads for MemoryPlatform {
    async fn collect_uploads(&self, before: Timestamp) -> Result<GcReport, Error> {
        let mut tables = self.enter("collect_uploads", "").await?;
        tables.gc_horizons.push(before);
        tables.uploads.pop_front().unwrap_or_else(|| Ok(GcReport::default()))
    }
}

impl RemoveExpired for MemoryPlatform {
    async fn remove_expired(&self, before: Timestamp) -> Result<GcReport, Error> {
        let mut tables = self.enter("remove_expired", "").await?;
        tables.gc_horizons.push(before);
        tables.expired.pop_front().unwrap_or_else(|| {
            let removed = remove_expired(&mut tables.keys, before.as_ms() / 1_000);
            Ok(GcReport { removed, more: false })
        })
    }
}
