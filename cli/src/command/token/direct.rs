//! Tokens straight in a store: the first one of a platform that demands them, and a way back in
//! where the last was lost. Whoever may write the file or the tables owns the platform anyway.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};
use writ_authz::mint;
use writ_model::{Error, Identity, Workspace};
use writ_os::Os;
use writ_ports::{Clock as _, ListTokens as _, PutToken as _, RevokeToken as _, Token};
use writ_store::Store;

use crate::failure::Failure;
use crate::{data_directory, deployment};

/// Which store, where it is not a server's.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Direct {
    /// Work on this data directory itself, while no server holds it
    #[arg(long, value_name = "DIR", conflicts_with = "tables")]
    data: Option<PathBuf>,
    /// Work on a deployment's tables themselves, whose names start so; AWS's own variables, as
    /// AWS_REGION, say where they are and who may write them
    #[arg(long, value_name = "PREFIX")]
    tables: Option<String>,
}

/// A store that is worked on without a server.
pub(crate) enum Place<'a> {
    /// An embedded platform's.
    Data(&'a PathBuf),
    /// A deployment's.
    Tables(&'a str),
}

impl Direct {
    /// The store; `None` where the server is to be asked.
    pub(crate) fn location(&self) -> Option<Place<'_>> {
        let data = self.data.as_ref().map(Place::Data);
        data.or_else(|| self.tables.as_deref().map(Place::Tables))
    }
}

impl Place<'_> {
    /// Makes a token.
    pub(super) fn create(
        &self,
        holder: Identity,
        expires_in_seconds: Option<u64>,
    ) -> Result<Value, Failure> {
        let (token, text) =
            mint(&Os, Os.now(), holder, expires_in_seconds).map_err(|error| Failure::of(&error))?;
        self.with_store(async |store| store.put_token(&token).await)?;
        let mut record = shown(&token);
        if let Value::Object(members) = &mut record {
            members.insert("token".to_owned(), Value::from(text.reveal()));
        }
        Ok(record)
    }

    /// Every token of a workspace.
    pub(super) fn list(&self, workspace: &Workspace) -> Result<Value, Failure> {
        let tokens = self.with_store(async |store| store.list_tokens(workspace).await)?;
        Ok(tokens.iter().map(shown).collect())
    }

    /// Ends a token.
    pub(super) fn revoke(&self, workspace: &Workspace, id: &str) -> Result<(), Failure> {
        let revoked = self.with_store(async |store| store.revoke_token(workspace, id).await)?;
        if revoked {
            return Ok(());
        }
        Err(Failure::of(&Error::not_found(format!(
            "there is no token `{id}` in workspace `{workspace}`"
        ))))
    }

    fn with_store<T>(
        &self,
        work: impl AsyncFnOnce(&Store) -> Result<T, Error>,
    ) -> Result<T, Failure> {
        match self {
            Self::Data(data) => data_directory::with_store(data, work),
            Self::Tables(prefix) => deployment::with_store(prefix, work),
        }
    }
}

/// What a server would answer: each field by name, the hash not among them.
fn shown(token: &Token) -> Value {
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
