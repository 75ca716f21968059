//! Reads jobs, with the parts that are stored outside of their items.

use writ_model::{Digest, Error, Execution, Job, RawJson, Submission, Workspace};
use writ_ports::GetJob;

use super::{ID_BYTES_MAX, JOB, job_partition};
use crate::Store;
use crate::errors::store_error;
use crate::item::{Item, key, optional_text, text};

impl GetJob for Store {
    async fn get_job(&self, workspace: &Workspace, job_id: &str) -> Result<Option<Job>, Error> {
        // Callers send ids of any length.
        if job_id.is_empty() || job_id.len() > ID_BYTES_MAX {
            return Ok(None);
        }
        match self.job_item(workspace, job_id).await? {
            Some(item) => self.job(&item).await.map(Some),
            None => Ok(None),
        }
    }
}

impl Store {
    pub(super) async fn job_item(
        &self,
        workspace: &Workspace,
        job_id: &str,
    ) -> Result<Option<Item>, Error> {
        let response = self
            .client
            .get_item()
            .table_name(&self.tables.jobs)
            .set_key(Some(key(job_partition(workspace, job_id), JOB)))
            .consistent_read(true)
            .send()
            .await
            .map_err(store_error)?;
        Ok(response.item)
    }

    /// The complete job of an item.
    pub(super) async fn job(&self, item: &Item) -> Result<Job, Error> {
        let submission = self.submission(item).await?;
        let state = serde_json::from_str(text(item, "state")?).map_err(Error::internal)?;
        let output = self.output(&submission.workspace, item).await?;
        Ok(Job { submission, state, output })
    }

    async fn submission(&self, item: &Item) -> Result<Submission, Error> {
        if let Some(submission) = optional_text(item, "submission") {
            return serde_json::from_str(submission).map_err(Error::internal);
        }
        let digest = Digest::from_stored(text(item, "submission_digest")?.to_owned());
        let partition = text(item, "pk")?;
        let submission = self.get_chunks(&self.submission_location(partition), &digest).await?;
        let submission = submission
            .ok_or_else(|| Error::internal(format!("the chunks of job `{partition}` are gone")))?;
        serde_json::from_str(&submission).map_err(Error::internal)
    }

    async fn output(&self, workspace: &Workspace, item: &Item) -> Result<Option<RawJson>, Error> {
        if let Some(output) = optional_text(item, "output") {
            return RawJson::parse(output).map(Some).map_err(Error::internal);
        }
        let Some(id) = optional_text(item, "output_of") else { return Ok(None) };
        let gone = || Error::internal(format!("record `{id}` of a job's output is gone"));
        let record = self.record_item(workspace, id).await?.ok_or_else(gone)?;
        let record = self.record_text(&record).await?;
        let record: Execution = serde_json::from_str(&record).map_err(Error::internal)?;
        record.output.map(Some).ok_or_else(gone)
    }
}
