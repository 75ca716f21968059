//! The secrets that callbacks are signed with, and their receiver.

use writ_model::{Error, Workspace};
use writ_ports::{
    CallbackRequest, CallbackSecretStore, CallbackSecrets, DeliveryResult, SendCallback,
};

use super::MemoryPlatform;

impl CallbackSecretStore for MemoryPlatform {
    async fn get_callback_secrets(&self, workspace: &Workspace) -> Result<CallbackSecrets, Error> {
        let tables = self.enter("get_callback_secrets", workspace.as_str()).await?;
        Ok(tables.secrets.get(workspace).cloned().unwrap_or_default())
    }

    async fn put_callback_secrets(
        &self,
        workspace: &Workspace,
        secrets: &CallbackSecrets,
    ) -> Result<bool, Error> {
        let mut tables = self.enter("put_callback_secrets", workspace.as_str()).await?;
        let before = tables.secrets.get(workspace).map(|stored| stored.version);
        let is_next = match secrets.version {
            0 | 1 => before.is_none(),
            version => before == Some(version - 1),
        };
        if is_next {
            tables.secrets.insert(workspace.clone(), secrets.clone());
        }
        Ok(is_next)
    }
}

impl SendCallback for MemoryPlatform {
    fn check_callback(&self, url: &str) -> Result<(), Error> {
        self.receiver.check_callback(url)
    }

    /// A hook of `send_callback` runs before the receiver is called; this call cannot fail.
    async fn send_callback(&self, call: CallbackRequest<'_>) -> DeliveryResult {
        self.run_hook("send_callback", call.url);
        self.receiver.send_callback(call).await
    }
}
