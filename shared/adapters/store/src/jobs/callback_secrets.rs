//! The secrets by which a workspace's callbacks are signed: one item, which DynamoDB encrypts at
//! rest as all others.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use serde::{Deserialize, Serialize};
use writ_model::{Error, Timestamp, Workspace};
use writ_ports::{CallbackSecret, CallbackSecretStore, CallbackSecrets};

use crate::Store;
use crate::errors::store_error;
use crate::item::{Item, ItemExt, count, key, number, optional_text, string, text};

/// The stored form of a secret.
#[derive(Serialize, Deserialize)]
struct StoredSecret {
    secret: String,
    made_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ends_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
}

impl StoredSecret {
    fn of(secret: &CallbackSecret) -> Self {
        let CallbackSecret { secret, made_at, ends_at, request_id } = secret.clone();
        Self { secret, made_at, ends_at, request_id }
    }

    fn into_secret(self) -> CallbackSecret {
        let Self { secret, made_at, ends_at, request_id } = self;
        CallbackSecret { secret, made_at, ends_at, request_id }
    }
}

fn secrets_key(workspace: &Workspace) -> Item {
    key(format!("{workspace}#callbacks"), "secrets")
}

impl CallbackSecretStore for Store {
    async fn get_callback_secrets(&self, workspace: &Workspace) -> Result<CallbackSecrets, Error> {
        let response = self
            .client
            .get_item()
            .table_name(&self.tables.jobs)
            .set_key(Some(secrets_key(workspace)))
            .consistent_read(true)
            .send()
            .await
            .map_err(store_error)?;
        let Some(item) = response.item else { return Ok(CallbackSecrets::default()) };
        let stored: Vec<StoredSecret> =
            serde_json::from_str(text(&item, "secrets")?).map_err(Error::internal)?;
        let secrets = stored.into_iter().map(StoredSecret::into_secret).collect();
        Ok(CallbackSecrets { version: count(&item, "version")?, secrets })
    }

    async fn put_callback_secrets(
        &self,
        workspace: &Workspace,
        secrets: &CallbackSecrets,
    ) -> Result<bool, Error> {
        // Identifies this write among those of the same version, in case its response is lost.
        let write_id = uuid::Uuid::now_v7().to_string();
        let stored: Vec<StoredSecret> = secrets.secrets.iter().map(StoredSecret::of).collect();
        let item = secrets_key(workspace)
            .with("version", number(secrets.version))
            .with("secrets", string(serde_json::to_string(&stored).map_err(Error::internal)?))
            .with("write", string(&write_id));
        let put = self.client.put_item().table_name(&self.tables.jobs).set_item(Some(item));
        let put = match secrets.version {
            0 | 1 => put.condition_expression("attribute_not_exists(pk)"),
            version => put
                .condition_expression("#version = :before")
                .expression_attribute_names("#version", "version")
                .expression_attribute_values(":before", number(version - 1)),
        };
        let put = put
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let Err(error) = put.send().await else { return Ok(true) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(exception)) => {
                let stored_write_id =
                    exception.item().and_then(|item| optional_text(item, "write"));
                Ok(stored_write_id == Some(&write_id))
            }
            _ => Err(store_error(error)),
        }
    }
}
