//! The queue of a workspace's jobs, in the order in which they run.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::Select;
use writ_model::{Error, Workspace};
use writ_ports::{CountQueued, PeekQueue};

use crate::Store;
use crate::errors::store_error;
use crate::item::{string, text};

impl CountQueued for Store {
    async fn count_before(
        &self,
        workspace: &Workspace,
        queue_key: &str,
        most: usize,
    ) -> Result<usize, Error> {
        // No queue key is longer; DynamoDB refuses sort keys over 1,024 bytes.
        if queue_key.is_empty() || queue_key.len() > 1_024 {
            return Ok(0);
        }
        let (mut count, mut start) = (0_usize, None);
        while count < most {
            let page = self
                .query_queue(workspace, most - count)
                .key_condition_expression("#line = :line AND #rank < :rank")
                .expression_attribute_names("#rank", "rank")
                .expression_attribute_values(":rank", string(queue_key))
                .select(Select::Count)
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(store_error)?;
            count += usize::try_from(page.count()).unwrap_or_default();
            start = page.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        Ok(count)
    }
}

impl PeekQueue for Store {
    async fn peek_queue(&self, workspace: &Workspace, limit: usize) -> Result<Vec<String>, Error> {
        let prefix = format!("{workspace}#");
        let (mut jobs, mut start) = (Vec::new(), None);
        while jobs.len() < limit {
            let page = self
                .query_queue(workspace, limit - jobs.len())
                .key_condition_expression("#line = :line")
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(store_error)?;
            for item in page.items() {
                let partition = text(item, "pk")?;
                jobs.extend(partition.strip_prefix(&prefix).map(str::to_owned));
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                break;
            }
        }
        Ok(jobs)
    }
}

impl Store {
    /// A query that reads the workspace's queue from its front.
    fn query_queue(&self, workspace: &Workspace, limit: usize) -> QueryFluentBuilder {
        self.client
            .query()
            .table_name(&self.tables.jobs)
            .index_name("by_line")
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .expression_attribute_names("#line", "line")
            .expression_attribute_values(":line", string(workspace.as_str()))
    }
}
