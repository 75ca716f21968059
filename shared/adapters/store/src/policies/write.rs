//! Creates, replaces, renames and deletes policies: one transaction each, which requires the head
//! that the caller read.

use aws_sdk_dynamodb::types::{Delete, Put, TransactWriteItem};
use writ_model::{BODY_BYTES_MAX, Digest, Error, ErrorKind, PolicyUri, Workspace};
use writ_ports::{CreatePolicy, DeletePolicy, NewRevision, PolicyHead, ReplacePolicy};

use super::{head, head_key, revisions};
use crate::Store;
use crate::contexts::context_key;
use crate::item::{Item, number, string};
use crate::transact::TransactionError;

/// The head is still the one that the caller read.
const IS_CURRENT: &str = "policy_id = :policy_id AND revision = :revision";

const IS_FREE: &str = "attribute_not_exists(pk)";

impl CreatePolicy for Store {
    async fn create_policy(
        &self,
        workspace: &Workspace,
        new: NewRevision<'_>,
    ) -> Result<(), Error> {
        let mut actions = vec![
            put(self.new_head(workspace, &new).condition_expression(IS_FREE))?,
            self.new_revision(workspace, &new)?,
        ];
        actions.extend(self.new_body(workspace, &new)?);
        self.transact(actions).await.map_err(|error| match error {
            TransactionError::Condition(_) => uri_conflict(&new.head.uri),
            TransactionError::Failed(error) => error,
        })
    }
}

impl ReplacePolicy for Store {
    async fn replace_policy(
        &self,
        workspace: &Workspace,
        old: &PolicyHead,
        new: NewRevision<'_>,
    ) -> Result<(), Error> {
        let revision = self.new_revision(workspace, &new)?;
        let head = self.new_head(workspace, &new);
        let is_rename = old.uri != new.head.uri;
        let mut actions = if is_rename {
            let put = put(head.condition_expression(IS_FREE))?;
            vec![self.remove_head(workspace, old)?, put, revision]
        } else {
            let conditional = head
                .condition_expression(IS_CURRENT)
                .expression_attribute_values(":policy_id", string(&old.policy_id))
                .expression_attribute_values(":revision", number(old.revision));
            vec![put(conditional)?, revision]
        };
        actions.extend(self.new_body(workspace, &new)?);
        self.transact(actions).await.map_err(|error| match error {
            TransactionError::Condition(1) if is_rename => uri_conflict(&new.head.uri),
            TransactionError::Condition(_) => stale_head(&old.uri),
            TransactionError::Failed(error) => error,
        })
    }
}

impl DeletePolicy for Store {
    async fn delete_policy(&self, workspace: &Workspace, head: &PolicyHead) -> Result<(), Error> {
        // The transaction's request token keeps a retry after a lost response from failing as
        // stale.
        let delete_context = Delete::builder()
            .table_name(&self.tables.contexts)
            .set_key(Some(context_key(workspace, &head.policy_id)))
            .build()
            .map_err(Error::internal)?;
        let delete_context = TransactWriteItem::builder().delete(delete_context).build();
        let actions = vec![self.remove_head(workspace, head)?, delete_context];
        self.transact(actions).await.map_err(|error| match error {
            TransactionError::Condition(_) => stale_head(&head.uri),
            TransactionError::Failed(error) => error,
        })
    }
}

impl Store {
    /// The actions that write the body's chunks. They are part of the transaction, so that there is
    /// no body without its revision.
    fn new_body(
        &self,
        workspace: &Workspace,
        new: &NewRevision<'_>,
    ) -> Result<Vec<TransactWriteItem>, Error> {
        if new.body.len() > BODY_BYTES_MAX {
            let bytes = new.body.len();
            let message =
                format!("a policy holds at most {BODY_BYTES_MAX} bytes; this one has {bytes}");
            return Err(Error::new(ErrorKind::TooLarge, message));
        }
        if Digest::of(new.body.as_bytes()) != new.head.digest {
            return Err(Error::internal(format!(
                "the body of `{}` does not have its digest",
                new.head.uri
            )));
        }
        self.chunk_puts(&self.body_location(workspace, &new.head.digest), new.body)
    }

    fn new_head(
        &self,
        workspace: &Workspace,
        new: &NewRevision<'_>,
    ) -> aws_sdk_dynamodb::types::builders::PutBuilder {
        let item: Item = head::to_item(workspace, &new.head, new.policy, new.body.len());
        Put::builder().table_name(&self.tables.policies).set_item(Some(item))
    }

    fn new_revision(
        &self,
        workspace: &Workspace,
        new: &NewRevision<'_>,
    ) -> Result<TransactWriteItem, Error> {
        let item = revisions::to_item(workspace, new);
        put(Put::builder()
            .table_name(&self.tables.policies)
            .set_item(Some(item))
            .condition_expression(IS_FREE))
    }

    fn remove_head(
        &self,
        workspace: &Workspace,
        head: &PolicyHead,
    ) -> Result<TransactWriteItem, Error> {
        let delete = Delete::builder()
            .table_name(&self.tables.policies)
            .set_key(Some(head_key(workspace, &head.uri)))
            .condition_expression(IS_CURRENT)
            .expression_attribute_values(":policy_id", string(&head.policy_id))
            .expression_attribute_values(":revision", number(head.revision))
            .build()
            .map_err(Error::internal)?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }
}

fn put(put: aws_sdk_dynamodb::types::builders::PutBuilder) -> Result<TransactWriteItem, Error> {
    let put = put.build().map_err(Error::internal)?;
    Ok(TransactWriteItem::builder().put(put).build())
}

fn uri_conflict(uri: &PolicyUri) -> Error {
    let message = format!(
        "`{uri}` exists already; change that policy with PUT, or choose another version or release tag"
    );
    Error::new(ErrorKind::Conflict, message)
}

fn stale_head(uri: &PolicyUri) -> Error {
    let message =
        format!("`{uri}` has changed since it was read; read it again and repeat the change");
    Error::new(ErrorKind::Stale, message)
}
