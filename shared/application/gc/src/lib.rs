//! Garbage collection: removes records that never arrived and keys that expired.
//!
//! A schedule calls [`tick`] on AWS and a ticker does when embedded. A tick may end anywhere, and
//! two may run at the same time; the next one finds what is left.

#[cfg(test)]
mod tests;

use std::future::Future;
use std::time::Duration;

use writ_model::Error;
use writ_ports::{Clock, CollectUploads, GcReport, RemoveExpired, ports};

/// Only what is older, or expired earlier, is removed: an hour is longer than a request lives, than
/// its signature is accepted, and than clocks differ.
const GRACE: Duration = Duration::from_secs(60 * 60);

/// Steps of one part at most: the rest waits for the next tick.
const STEPS_MAX: u32 = 100;

/// No part begins a step later than this after its first.
const PART_US_MAX: u64 = 10_000_000;

/// What one tick did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Records that never arrived: their chunks are gone; `more` says that some are left.
    pub uploads: GcReport,
    /// Used idempotency keys and their replies; `more` says that some are left.
    pub expired: GcReport,
}

ports! {
    /// What garbage collection needs.
    pub trait Ports = Clock + CollectUploads + RemoveExpired;
}

/// Removes everything that is due, for at most ten seconds and one step a part, and logs one line.
///
/// # Errors
/// The first part's that failed, after the others did their work.
pub async fn tick(ports: &impl Ports) -> Result<Report, Error> {
    let before = ports.now() - GRACE;
    let uploads = part(ports, || ports.collect_uploads(before)).await;
    let expired = part(ports, || ports.remove_expired(before)).await;
    let report = Report { uploads: uploads.report, expired: expired.report };
    let failures = [("uploads", uploads.error), ("expired", expired.error)];
    log(&report, &failures);
    match failures.into_iter().find_map(|(_, error)| error) {
        Some(error) => Err(error),
        None => Ok(report),
    }
}

/// What a part removed before it ended, and its error if it failed.
struct Part {
    report: GcReport,
    error: Option<Error>,
}

/// Takes steps while more is left and the bounds allow.
async fn part<F>(clock: &impl Clock, mut step: impl FnMut() -> F) -> Part
where
    F: Future<Output = Result<GcReport, Error>>,
{
    let start = clock.ticks_us();
    let mut report = GcReport::default();
    for _ in 0..STEPS_MAX {
        match step().await {
            Ok(GcReport { removed, more }) => {
                report = GcReport { removed: report.removed.saturating_add(removed), more };
            }
            Err(error) => return Part { report, error: Some(error) },
        }
        if !report.more || clock.ticks_us().saturating_sub(start) >= PART_US_MAX {
            break;
        }
    }
    Part { report, error: None }
}

fn log(report: &Report, failures: &[(&str, Option<Error>)]) {
    let failed = failures.iter().filter_map(|(part, error)| {
        let error = error.as_ref()?;
        Some(format!("{part}: {}", error.log.as_deref().unwrap_or(&error.message)))
    });
    let failed: Vec<String> = failed.collect();
    let Report { uploads, expired } = report;
    let is_idle = *report == Report::default();
    let more = uploads.more || expired.more;
    let (uploads, expired) = (uploads.removed, expired.removed);
    if !failed.is_empty() {
        let failed = failed.join("; ");
        tracing::error!(uploads, expired, more, failed, "upkeep did not do all of its work");
    } else if is_idle {
        tracing::debug!("upkeep found nothing to do");
    } else {
        tracing::info!(uploads, expired, more, "upkeep removed what nobody can reach");
    }
}
