//! Reads the jobs that are due, of all workspaces.

use writ_model::{Error, JobSignal, SignalKind, Timestamp};
use writ_ports::{DueJobs, DuePage};

use crate::Store;
use crate::item::{Item, text};

/// The signal of the job that an index entry belongs to.
fn signal(item: &Item) -> Result<JobSignal, Error> {
    let partition = text(item, "pk")?;
    let parts = partition.split_once('#');
    let signal = parts.and_then(|(workspace, job_id)| {
        let (workspace, job_id) = (workspace.parse().ok()?, job_id.to_owned());
        Some(JobSignal { workspace, job_id, kind: SignalKind::Queue })
    });
    signal.ok_or_else(|| Error::internal(format!("`{partition}` is no job's key")))
}

impl DueJobs for Store {
    async fn due_jobs(&self, before: Timestamp, next: Option<&str>) -> Result<DuePage, Error> {
        let (jobs, next) = self.query_due(&self.tables.jobs, before, next, signal).await?;
        Ok(DuePage { jobs, next })
    }
}
