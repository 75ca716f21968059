//! Jobs that the clock makes due, of all workspaces.

use writ_model::{Error, HintAbout, JobHint, Timestamp};
use writ_ports::{DueJobs, DuePage};

use crate::Store;
use crate::item::{Item, text};

/// What an index entry stands for.
fn hint(item: &Item) -> Result<JobHint, Error> {
    let partition = text(item, "pk")?;
    let parts = partition.split_once('#');
    let hint = parts.and_then(|(workspace, job_id)| {
        let (workspace, job_id) = (workspace.parse().ok()?, job_id.to_owned());
        Some(JobHint { workspace, job_id, about: HintAbout::Line })
    });
    hint.ok_or_else(|| Error::internal(format!("`{partition}` is no job's key")))
}

impl DueJobs for Store {
    async fn due_jobs(&self, before: Timestamp, next: Option<&str>) -> Result<DuePage, Error> {
        let (jobs, next) = self.due_of(&self.tables.jobs, before, next, hint).await?;
        Ok(DuePage { jobs, next })
    }
}
