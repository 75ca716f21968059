//! The decision log.

use writ_model::{Error, ErrorKind, Execution, Workspace};
use writ_ports::{GetExecution, Page, Query, QueryExecutions, RecordExecution};

use super::query::{Entry, Listing};
use super::{MemoryPlatform, Tables, key};

impl MemoryPlatform {
    /// The records of every workspace, in the order of their writes.
    #[must_use]
    pub fn records(&self) -> Vec<Execution> {
        let tables = self.tables();
        tables.recorded.iter().map(|key| tables.executions[key].clone()).collect()
    }

    /// Stores a record, over one of the same id.
    pub fn put_record(&self, execution: &Execution) {
        self.tables().write_record(execution);
    }
}

impl Tables {
    /// Each record is written once.
    pub(super) fn check_new_record(&self, execution: &Execution) -> Result<(), Error> {
        let id = &execution.execution_id;
        if self.executions.contains_key(&key(&execution.workspace, id)) {
            let message = format!("execution `{id}` is recorded already");
            return Err(Error::new(ErrorKind::Conflict, message));
        }
        Ok(())
    }

    pub(super) fn write_record(&mut self, execution: &Execution) {
        let key = key(&execution.workspace, &execution.execution_id);
        if self.executions.insert(key.clone(), execution.clone()).is_none() {
            self.recorded.push(key);
        }
    }
}

impl RecordExecution for MemoryPlatform {
    async fn record_execution(&self, execution: &Execution) -> Result<(), Error> {
        let mut tables = self.enter("record_execution", &execution.execution_id).await?;
        tables.check_new_record(execution)?;
        tables.write_record(execution);
        Ok(())
    }
}

impl GetExecution for MemoryPlatform {
    async fn get_execution(
        &self,
        workspace: &Workspace,
        execution_id: &str,
    ) -> Result<Option<Execution>, Error> {
        let tables = self.enter("get_execution", execution_id).await?;
        Ok(tables.executions.get(&key(workspace, execution_id)).cloned())
    }
}

impl QueryExecutions for MemoryPlatform {
    async fn query_executions(&self, workspace: &Workspace, query: &Query) -> Result<Page, Error> {
        let tables = self.enter("query_executions", workspace.as_str()).await?;
        let own = tables.executions.values().filter(|record| record.workspace == *workspace);
        let entry = |record: &Execution| {
            let text = serde_json::to_string(record).map_err(Error::internal)?;
            Ok(Entry::new(&record.started_at.to_string(), &record.execution_id, text))
        };
        let entries = own.map(entry).collect::<Result<_, Error>>()?;
        Listing { name: "executions", workspace, is_descending: true }.page(query, entries)
    }
}
