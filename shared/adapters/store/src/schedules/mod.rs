//! Schedules: one item each. Every fire and every revision writes the whole item, and requires the
//! version that was read.
//!
//! The route bounds the size of a schedule's target, so the item stays small enough for that. Every
//! write has an id, by which a retry after a lost response recognises its own write. A schedule
//! that will fire again is in the index `by_due`.

mod query;

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use writ_model::{Error, ErrorKind, Schedule, Timestamp, Workspace};
use writ_ports::{
    ChangeSchedule, DeleteSchedule, DueSchedules, DueSchedulesPage, GetSchedule, PutSchedule,
};

use crate::Store;
use crate::due::{due_key, due_partition};
use crate::errors::store_error;
use crate::item::{Item, ItemExt, key, number, optional_text, string, text};
use crate::search::index_key;
use crate::shards::shard_of;
use crate::transact::TransactionError;

/// Bytes of a schedule's name at most. The platform accepts no longer ones; DynamoDB refuses empty
/// keys and sort keys over 1,024 bytes.
const NAME_BYTES_MAX: usize = 64;

/// The end of a partition key, after the workspace.
const SCHEDULES: &str = "#schedules";

/// The schedule is still the one that was read. The id is part of it, because a schedule that was
/// deleted and created again under the same name may have reached the same version.
const IS_UNCHANGED: &str = "#id = :id AND #version = :before";

fn partition(workspace: &Workspace) -> String {
    format!("{workspace}{SCHEDULES}")
}

/// A new id that identifies a write.
fn new_write_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

fn item(schedule: &Schedule, write_id: &str) -> Result<Item, Error> {
    let Schedule { workspace, name, schedule_id, state, .. } = schedule;
    let item = key(partition(workspace), name)
        .with("workspace", string(workspace.as_str()))
        .with("by_name", string(index_key(name, name)))
        .with("schedule_id", string(schedule_id))
        .with("schedule", string(serde_json::to_string(schedule).map_err(Error::internal)?))
        .with("version", number(state.version))
        .with("write", string(write_id));
    Ok(match state.due_at {
        None => item,
        Some(due_at) => {
            let full = format!("{workspace}#{name}");
            item.with("due_shard", string(due_partition(shard_of(&full))))
                .with("due", string(due_key(due_at, &full)))
        }
    })
}

fn schedule(item: &Item) -> Result<Schedule, Error> {
    serde_json::from_str(text(item, "schedule")?).map_err(Error::internal)
}

fn stored_write_id(item: Option<&Item>) -> Option<&str> {
    optional_text(item?, "write")
}

impl PutSchedule for Store {
    async fn put_schedule(&self, schedule: &Schedule) -> Result<(), Error> {
        let write_id = new_write_id();
        match self.put_new(&self.tables.schedules, item(schedule, &write_id)?).await {
            Ok(()) => return Ok(()),
            Err(TransactionError::Failed(error)) => return Err(error),
            Err(TransactionError::Condition(_)) => {}
        }
        let Schedule { workspace, name, .. } = schedule;
        let stored = self.schedule_item(workspace, name).await?;
        if stored_write_id(stored.as_ref()) == Some(&write_id) {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Conflict, format!("there is a schedule `{name}` already")))
    }
}

impl GetSchedule for Store {
    async fn get_schedule(
        &self,
        workspace: &Workspace,
        name: &str,
    ) -> Result<Option<Schedule>, Error> {
        // Callers send names of any length.
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            return Ok(None);
        }
        self.schedule_item(workspace, name).await?.as_ref().map(schedule).transpose()
    }
}

impl ChangeSchedule for Store {
    async fn change_schedule(&self, schedule: &Schedule) -> Result<bool, Error> {
        let write_id = new_write_id();
        let before = schedule.state.version.saturating_sub(1);
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.schedules)
            .set_item(Some(item(schedule, &write_id)?))
            .condition_expression(IS_UNCHANGED)
            .expression_attribute_names("#id", "schedule_id")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":id", string(&schedule.schedule_id))
            .expression_attribute_values(":before", number(before))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = put.send().await else { return Ok(true) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(exception)) => {
                Ok(stored_write_id(exception.item()) == Some(&write_id))
            }
            _ => Err(store_error(error)),
        }
    }
}

impl DeleteSchedule for Store {
    async fn delete_schedule(&self, schedule: &Schedule) -> Result<bool, Error> {
        let delete = self
            .client
            .delete_item()
            .table_name(&self.tables.schedules)
            .set_key(Some(key(partition(&schedule.workspace), &schedule.name)))
            .condition_expression(IS_UNCHANGED)
            .expression_attribute_names("#id", "schedule_id")
            .expression_attribute_names("#version", "version")
            .expression_attribute_values(":id", string(&schedule.schedule_id))
            .expression_attribute_values(":before", number(schedule.state.version))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = delete.send().await else { return Ok(true) };
        match error.as_service_error() {
            Some(DeleteItemError::ConditionalCheckFailedException(exception)) => {
                // Deleted, by this very call after a lost response or by another one; or created
                // again.
                let stored = exception.item().and_then(|item| optional_text(item, "schedule_id"));
                Ok(stored != Some(&schedule.schedule_id))
            }
            _ => Err(store_error(error)),
        }
    }
}

/// The workspace and the name of the schedule that an index entry belongs to.
fn parse_entry(item: &Item) -> Result<(Workspace, String), Error> {
    let (partition, name) = (text(item, "pk")?, text(item, "sk")?);
    let workspace = partition.strip_suffix(SCHEDULES).and_then(|text| text.parse().ok());
    let workspace =
        workspace.ok_or_else(|| Error::internal(format!("`{partition}` is no schedule's key")))?;
    Ok((workspace, name.to_owned()))
}

impl DueSchedules for Store {
    async fn due_schedules(
        &self,
        before: Timestamp,
        next: Option<&str>,
    ) -> Result<DueSchedulesPage, Error> {
        let (schedules, next) =
            self.query_due(&self.tables.schedules, before, next, parse_entry).await?;
        Ok(DueSchedulesPage { schedules, next })
    }
}

impl Store {
    async fn schedule_item(
        &self,
        workspace: &Workspace,
        name: &str,
    ) -> Result<Option<Item>, Error> {
        let response = self
            .client
            .get_item()
            .table_name(&self.tables.schedules)
            .set_key(Some(key(partition(workspace), name)))
            .consistent_read(true)
            .send()
            .await
            .map_err(store_error)?;
        Ok(response.item)
    }
}
