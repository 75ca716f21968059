//! Writes jobs.

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use writ_model::{Digest, Error, ErrorKind, JobState, Submission};
use writ_ports::{ChangeJob, CommitResult, CompleteJob, JobCompletion, PutJob};

use super::item::{IS_UNCHANGED, JobUpdate, OutputChange, new_item};
use super::{JOB, job_partition};
use crate::Store;
use crate::errors::store_error;
use crate::item::{Item, ItemExt, key, optional_text, string};
use crate::transact::{ATTEMPTS_MAX, TransactionError, back_off, conflict_error};

/// Bytes of a submission at most: as many as one transaction writes. The edge accepts no larger
/// body.
const SUBMISSION_BYTES_MAX: usize = 3 << 20;

/// A new id that identifies a write.
fn new_write_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

fn job_key(submission: &Submission) -> Item {
    key(job_partition(&submission.workspace, &submission.job_id), JOB)
}

impl PutJob for Store {
    async fn put_job(&self, submission: &Submission, state: &JobState) -> Result<(), Error> {
        let write_id = new_write_id();
        let text = serde_json::to_string(submission).map_err(Error::internal)?;
        let item = new_item(submission, state, &write_id)?;
        let result = if text.len() <= self.inline_bytes_max() {
            self.put_new(&self.tables.jobs, item.with("submission", string(text))).await
        } else {
            let digest = Digest::of(text.as_bytes());
            let item = item.with("submission_digest", string(digest.as_str()));
            let actions = self.large_submission_actions(submission, item, &text)?;
            self.transact(actions).await
        };
        match result {
            Ok(()) => return Ok(()),
            Err(TransactionError::Failed(error)) => return Err(error),
            Err(TransactionError::Condition(_)) => {}
        }
        let stored = self.job_item(&submission.workspace, &submission.job_id).await?;
        if stored.is_some_and(|item| optional_text(&item, "write") == Some(&write_id)) {
            return Ok(());
        }
        let message = format!("there is a job `{}` already", submission.job_id);
        Err(Error::new(ErrorKind::Conflict, message))
    }
}

impl ChangeJob for Store {
    async fn change_job(&self, submission: &Submission, state: &JobState) -> Result<bool, Error> {
        let write_id = new_write_id();
        for attempt in 0..ATTEMPTS_MAX {
            let JobUpdate { expression, names, values } =
                JobUpdate::to(submission, state, &write_id, &OutputChange::after(state))?;
            let changed = self
                .client
                .update_item()
                .table_name(&self.tables.jobs)
                .set_key(Some(job_key(submission)))
                .update_expression(expression)
                .condition_expression(IS_UNCHANGED)
                .set_expression_attribute_names(Some(names))
                .set_expression_attribute_values(Some(values))
                .return_values_on_condition_check_failure(
                    ReturnValuesOnConditionCheckFailure::AllOld,
                )
                .send()
                .await;
            let Err(error) = changed else { return Ok(true) };
            match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(exception)) => {
                    let stored_write_id =
                        exception.item().and_then(|item| optional_text(item, "write"));
                    return Ok(stored_write_id == Some(&write_id));
                }
                // A transaction is committing the end of an attempt at this moment.
                Some(UpdateItemError::TransactionConflictException(_)) => {
                    back_off(&self.client, attempt).await;
                }
                _ => return Err(store_error(error)),
            }
        }
        Err(conflict_error())
    }
}

impl CompleteJob for Store {
    async fn complete_job(&self, completion: JobCompletion<'_>) -> Result<CommitResult, Error> {
        let mut actions = vec![self.completion_update(&completion)?];
        if let Some(context) = completion.context {
            actions.extend(self.context_writes(&completion.submission.workspace, context)?);
        }
        Ok(match self.put_record(completion.record, actions).await? {
            None => CommitResult::Done { is_final: completion.state.job_status.is_final() },
            Some(0) => CommitResult::LeaseLost,
            Some(1) => CommitResult::ContextConflict,
            Some(_) => CommitResult::PolicyDeleted,
        })
    }
}

impl Store {
    /// The actions that write the job and the chunks of its submission.
    fn large_submission_actions(
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
        actions.extend(self.chunk_puts(&self.submission_location(&partition), text)?);
        Ok(actions)
    }

    /// The action that completes the job or queues its next attempt.
    fn completion_update(
        &self,
        completion: &JobCompletion<'_>,
    ) -> Result<TransactWriteItem, Error> {
        let output = match completion.output {
            None => OutputChange::after(completion.state),
            Some(output) if output.as_str().len() <= self.inline_bytes_max() => {
                OutputChange::Inline(output.as_str())
            }
            Some(output) if completion.record.output.as_ref() == Some(output) => {
                OutputChange::Record(&completion.record.execution_id)
            }
            Some(_) => {
                let id = &completion.submission.job_id;
                let log = format!("the output of job `{id}` is not that of its record");
                return Err(Error::internal(log));
            }
        };
        let JobUpdate { expression, names, values } =
            JobUpdate::to(completion.submission, completion.state, &new_write_id(), &output)?;
        let update = Update::builder()
            .table_name(&self.tables.jobs)
            .set_key(Some(job_key(completion.submission)))
            .update_expression(expression)
            .condition_expression(IS_UNCHANGED)
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values))
            .build()
            .map_err(Error::internal)?;
        Ok(TransactWriteItem::builder().update(update).build())
    }
}
