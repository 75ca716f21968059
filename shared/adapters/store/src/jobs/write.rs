//! Writes jobs.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use writ_model::{Digest, Error, ErrorKind, JobState, Submission};
use writ_ports::{ChangeJob, CommitResult, CompleteJob, JobCompletion, PutJob};

use super::item::{Change, IS_SAME, Output, new_item};
use super::{JOB, job_partition};
use crate::Store;
use crate::errors::failed;
use crate::item::{Item, With, key, optional_text, string};
use crate::transact::{ATTEMPTS, TransactionError, conflicting, pause};

/// Bytes of a submission at most: as many as one transaction writes. The edge accepts no larger
/// body.
const SUBMISSION_BYTES_MAX: usize = 3 << 20;

/// A new id that identifies a write.
fn new_write() -> String {
    uuid::Uuid::now_v7().to_string()
}

fn job_key(submission: &Submission) -> Item {
    key(job_partition(&submission.workspace, &submission.job_id), JOB)
}

impl PutJob for Store {
    async fn put_job(&self, submission: &Submission, state: &JobState) -> Result<(), Error> {
        let write = new_write();
        let text = serde_json::to_string(submission).map_err(Error::internal)?;
        let item = new_item(submission, state, &write)?;
        let written = if text.len() <= self.inline_bytes_max() {
            self.put_new(&self.tables.jobs, item.with("submission", string(text))).await
        } else {
            let digest = Digest::of(text.as_bytes());
            let item = item.with("submission_digest", string(digest.as_str()));
            let actions = self.large_submission(submission, item, &text)?;
            self.transact(actions).await
        };
        match written {
            Ok(()) => return Ok(()),
            Err(TransactionError::Failed(error)) => return Err(error),
            Err(TransactionError::Condition(_)) => {}
        }
        let stored = self.job_item(&submission.workspace, &submission.job_id).await?;
        if stored.is_some_and(|item| optional_text(&item, "write") == Some(&write)) {
            return Ok(());
        }
        let message = format!("there is a job `{}` already", submission.job_id);
        Err(Error::new(ErrorKind::Conflict, message))
    }
}

impl ChangeJob for Store {
    async fn change_job(&self, submission: &Submission, state: &JobState) -> Result<bool, Error> {
        let write = new_write();
        for attempt in 0..ATTEMPTS {
            let Change { expression, names, values } =
                Change::to(submission, state, &write, &Output::after(state))?;
            let changed = self
                .client
                .update_item()
                .table_name(&self.tables.jobs)
                .set_key(Some(job_key(submission)))
                .update_expression(expression)
                .condition_expression(IS_SAME)
                .set_expression_attribute_names(Some(names))
                .set_expression_attribute_values(Some(values))
                .return_values_on_condition_check_failure(
                    ReturnValuesOnConditionCheckFailure::AllOld,
                )
                .send()
                .await;
            let Err(error) = changed else { return Ok(true) };
            match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(refused)) => {
                    let written = refused.item().and_then(|item| optional_text(item, "write"));
                    return Ok(written == Some(&write));
                }
                // A transaction is committing the end of an attempt at this moment.
                Some(UpdateItemError::TransactionConflictException(_)) => {
                    pause(&self.client, attempt).await;
                }
                _ => return Err(failed(error)),
            }
        }
        Err(conflicting())
    }
}

impl CompleteJob for Store {
    async fn complete_job(&self, end: JobCompletion<'_>) -> Result<CommitResult, Error> {
        let mut beside = vec![self.end_of(&end)?];
        if let Some(context) = end.context {
            beside.extend(self.context_writes(&end.submission.workspace, context)?);
        }
        Ok(match self.put_record(end.record, beside).await? {
            None => CommitResult::Done,
            Some(0) => CommitResult::LeaseLost,
            Some(1) => CommitResult::ContextConflict,
            Some(_) => CommitResult::PolicyDeleted,
        })
    }
}

impl Store {
    /// The actions that write the job and the chunks of its submission.
    fn large_submission(
        &self,
        submission: &Submission,
        item: Item,
        text: &str,
    ) -> Result<Vec<TransactWriteItem>, Error> {
        if text.len() > SUBMISSION_BYTES_MAX {
            let message = format!(
                "a job is submitted with at most {SUBMISSION_BYTES_MAX} bytes, inputs and \
                 parameters included; this one has {}",
                text.len()
            );
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        let put = Put::builder()
            .table_name(&self.tables.jobs)
            .set_item(Some(item))
            .condition_expression("attribute_not_exists(pk)")
            .build()
            .map_err(Error::internal)?;
        let mut actions = vec![TransactWriteItem::builder().put(put).build()];
        let partition = job_partition(&submission.workspace, &submission.job_id);
        actions.extend(self.chunk_puts(&self.submission_place(&partition), text)?);
        Ok(actions)
    }

    /// The action that completes the job or queues its next attempt.
    fn end_of(&self, end: &JobCompletion<'_>) -> Result<TransactWriteItem, Error> {
        let output = match end.output {
            None => Output::after(end.state),
            Some(output) if output.as_str().len() <= self.inline_bytes_max() => {
                Output::Inline(output.as_str())
            }
            Some(output) if end.record.output.as_ref() == Some(output) => {
                Output::Record(&end.record.execution_id)
            }
            Some(_) => {
                let id = &end.submission.job_id;
                let log = format!("the output of job `{id}` is not that of its record");
                return Err(Error::internal(log));
            }
        };
        let Change { expression, names, values } =
            Change::to(end.submission, end.state, &new_write(), &output)?;
        let update = Update::builder()
            .table_name(&self.tables.jobs)
            .set_key(Some(job_key(end.submission)))
            .update_expression(expression)
            .condition_expression(IS_SAME)
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values))
            .build()
            .map_err(Error::internal)?;
        Ok(TransactWriteItem::builder().update(update).build())
    }
}
