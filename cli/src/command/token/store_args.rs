//! Access to tokens in a store, without a server: for the first token of a platform that requires
//! tokens, and for recovery when the last one was lost. A process that can write the file or the
//! tables controls the platform anyway.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use writ_authz::mint;
use writ_model::{Error, Identity, Workspace};
use writ_os::Os;
use writ_ports::{Clock as _, ListTokens as _, PutToken as _, RevokeToken as _, Token};
use writ_store::Store;

use crate::error::CliError;
use crate::{data_directory, deployment};

/// The options that select a store instead of a server.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct StoreArgs {
    /// Access this data directory directly, while no server runs on it
    #[arg(long, value_name = "DIR", conflicts_with = "tables")]
    data: Option<PathBuf>,
    /// Access a deployment's tables with this name prefix directly; region and credentials come from
    /// AWS's environment variables
    #[arg(long, value_name = "PREFIX")]
    tables: Option<String>,
}

/// The tokens of a store that is accessed without a server.
pub(crate) enum TokenStore<'a> {
    /// The data directory of an embedded platform.
    Data(&'a PathBuf),
    /// The prefix of a deployment's tables.
    Tables(&'a str),
}

impl StoreArgs {
    /// The store, or `None` for requests to the server.
    pub(crate) fn token_store(&self) -> Option<TokenStore<'_>> {
        let data = self.data.as_ref().map(TokenStore::Data);
        data.or_else(|| self.tables.as_deref().map(TokenStore::Tables))
    }
}

impl TokenStore<'_> {
    /// Creates a token and returns it with its secret.
    pub(super) fn create(
        &self,
        identity: Identity,
        expires_in_seconds: Option<u64>,
    ) -> Result<Value, CliError> {
        let (token, text) = mint(&Os, Os.now(), identity, expires_in_seconds)
            .map_err(|error| CliError::from_error(&error))?;
        self.with_store(async |store| store.put_token(&token).await)?;
        let mut record = document(&token);
        if let Value::Object(members) = &mut record {
            members.insert("token".to_owned(), Value::from(text.reveal()));
        }
        Ok(record)
    }

    /// Lists every token of a workspace, without secrets.
    pub(super) fn list(&self, workspace: &Workspace) -> Result<Value, CliError> {
        let tokens = self.with_store(async |store| store.list_tokens(workspace).await)?;
        Ok(tokens.iter().map(document).collect())
    }

    /// Revokes a token, or fails if there is none with this id.
    pub(super) fn revoke(&self, workspace: &Workspace, id: &str) -> Result<(), CliError> {
        let revoked = self.with_store(async |store| store.revoke_token(workspace, id).await)?;
        if revoked {
            return Ok(());
        }
        Err(CliError::from_error(&Error::not_found(format!(
            "there is no token `{id}` in workspace `{workspace}`"
        ))))
    }

    fn with_store<T>(
        &self,
        work: impl AsyncFnOnce(&Store) -> Result<T, Error>,
    ) -> Result<T, CliError> {
        match self {
            Self::Data(data) => data_directory::with_store(data, work),
            Self::Tables(prefix) => deployment::with_store(prefix, work),
        }
    }
}

/// The document that a server returns: every field except the hash.
fn document(token: &Token) -> Value {
    let Token { token_id, secret_hash: _, subject, workspace, role, created_at, expires_at } =
        token;
    let mut record = json!({
        "token_id": token_id,
        "subject": subject,
        "workspace": workspace,
        "role": role,
        "created_at": created_at,
    });
    if let (Value::Object(members), Some(expires_at)) = (&mut record, expires_at) {
        members.insert("expires_at".to_owned(), Value::from(expires_at.to_string()));
    }
    record
}
