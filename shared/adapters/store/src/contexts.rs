//! Contexts, which policies keep between runs: one item per policy under its id, which does not
//! change with a rename. It is read with every run, and written with the record of the run that
//! changed it.
//!
//! The transaction requires that the context still has the version that the run read (after another
//! run's change, the run is repeated) and that the policy still exists, so that no context is
//! written for a policy that was deleted meanwhile.

use aws_sdk_dynamodb::types::{ConditionCheck, Put, TransactWriteItem};
use writ_model::{Error, Execution, RawJson, Workspace};
use writ_ports::{CommitResult, ContextStore, ContextWrite, StoredContext};

use crate::Store;
use crate::errors::store_error;
use crate::item::{Item, ItemExt, count, number, string, text};
use crate::policies::head_key;

/// The policy has no context yet.
const IS_NEW: &str = "attribute_not_exists(pk)";

/// The context still has the version that the run read. `version` is one of DynamoDB's reserved
/// words.
const IS_UNCHANGED: &str = "#version = :version";

/// The URI still belongs to this policy.
const POLICY_EXISTS: &str = "policy_id = :policy_id";

/// The primary key of a policy's context.
pub(crate) fn context_key(workspace: &Workspace, policy_id: &str) -> Item {
    Item::new().with("pk", string(format!("{workspace}#policy#{policy_id}")))
}

impl ContextStore for Store {
    async fn get_context(
        &self,
        workspace: &Workspace,
        policy_id: &str,
    ) -> Result<StoredContext, Error> {
        let response = self
            .client
            .get_item()
            .table_name(&self.tables.contexts)
            .set_key(Some(context_key(workspace, policy_id)))
            .consistent_read(true)
            .send()
            .await
            .map_err(store_error)?;
        let Some(item) = response.item else { return Ok(StoredContext::default()) };
        let value = RawJson::parse(text(&item, "value")?).map_err(Error::internal)?;
        Ok(StoredContext { version: count(&item, "version")?, value })
    }

    async fn commit_context(
        &self,
        execution: &Execution,
        context: ContextWrite<'_>,
    ) -> Result<CommitResult, Error> {
        let workspace = &execution.workspace;
        let actions = self.context_writes(workspace, context)?;
        Ok(match self.put_record(execution, actions).await? {
            None => CommitResult::Done { is_final: true },
            Some(0) => CommitResult::ContextConflict,
            Some(_) => CommitResult::PolicyDeleted,
        })
    }
}

impl Store {
    /// The transaction's actions that write a context. The first one requires the version that the
    /// run read, the second one requires that the policy still exists.
    pub(crate) fn context_writes(
        &self,
        workspace: &Workspace,
        context: ContextWrite<'_>,
    ) -> Result<Vec<TransactWriteItem>, Error> {
        Ok(vec![self.put_context(workspace, context)?, self.check_policy(workspace, context)?])
    }

    fn put_context(
        &self,
        workspace: &Workspace,
        context: ContextWrite<'_>,
    ) -> Result<TransactWriteItem, Error> {
        let item = context_key(workspace, context.policy_id)
            .with("version", number(context.version + 1))
            .with("value", string(context.value.as_str()));
        let put = Put::builder().table_name(&self.tables.contexts).set_item(Some(item));
        let put = match context.version {
            0 => put.condition_expression(IS_NEW),
            version => put
                .condition_expression(IS_UNCHANGED)
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":version", number(version)),
        };
        Ok(TransactWriteItem::builder().put(put.build().map_err(Error::internal)?).build())
    }

    fn check_policy(
        &self,
        workspace: &Workspace,
        context: ContextWrite<'_>,
    ) -> Result<TransactWriteItem, Error> {
        let check = ConditionCheck::builder()
            .table_name(&self.tables.policies)
            .set_key(Some(head_key(workspace, context.uri)))
            .condition_expression(POLICY_EXISTS)
            .expression_attribute_values(":policy_id", string(context.policy_id))
            .build()
            .map_err(Error::internal)?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }
}
