//! Contexts, committed with the record of the run that changed them.

use writ_model::{Error, Execution, RawJson, Workspace};
use writ_ports::{CommitResult, ContextStore, ContextWrite, StoredContext};

use super::{MemoryPlatform, Tables, key};

impl MemoryPlatform {
    /// The stored context of a policy; the default one where there is none.
    #[must_use]
    pub fn context(&self, workspace: &Workspace, policy_id: &str) -> StoredContext {
        self.tables().contexts.get(&key(workspace, policy_id)).cloned().unwrap_or_default()
    }

    /// Writes a context as another run would, one version after the stored one.
    pub fn change_context(&self, workspace: &Workspace, policy_id: &str, value: &str) {
        let mut tables = self.tables();
        let stored = tables.contexts.entry(key(workspace, policy_id)).or_default();
        let value = RawJson::parse(value).unwrap();
        *stored = StoredContext { version: stored.version + 1, value };
    }
}

impl Tables {
    /// What refuses a write of this context, if anything does.
    pub(super) fn refuse_context(
        &self,
        workspace: &Workspace,
        write: ContextWrite<'_>,
    ) -> Option<CommitResult> {
        let stored = self.contexts.get(&key(workspace, write.policy_id));
        if stored.map_or(0, |stored| stored.version) != write.version {
            return Some(CommitResult::ContextConflict);
        }
        let head = self.policies.get(&(workspace.clone(), write.uri.clone()));
        let is_there = head.is_some_and(|head| head.policy_id == write.policy_id);
        (!is_there).then_some(CommitResult::PolicyDeleted)
    }

    pub(super) fn write_context(&mut self, workspace: &Workspace, write: ContextWrite<'_>) {
        let context = StoredContext { version: write.version + 1, value: write.value.clone() };
        self.contexts.insert(key(workspace, write.policy_id), context);
    }
}

impl ContextStore for MemoryPlatform {
    async fn get_context(
        &self,
        workspace: &Workspace,
        policy_id: &str,
    ) -> Result<StoredContext, Error> {
        let tables = self.enter("get_context", policy_id).await?;
        Ok(tables.contexts.get(&key(workspace, policy_id)).cloned().unwrap_or_default())
    }

    async fn commit_context(
        &self,
        execution: &Execution,
        write: ContextWrite<'_>,
    ) -> Result<CommitResult, Error> {
        let mut tables = self.enter("commit_context", write.policy_id).await?;
        tables.check_new_record(execution)?;
        if let Some(refusal) = tables.refuse_context(&execution.workspace, write) {
            return Ok(refusal);
        }
        tables.write_context(&execution.workspace, write);
        tables.write_record(execution);
        Ok(CommitResult::Done { is_final: true })
    }
}
