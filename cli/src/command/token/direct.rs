//! Tokens straight in a data directory: the first one of a server that demands them, and a way back
//! in where the last was lost. Whoever may write the file owns the platform anyway.

use std::path::Path;

use serde_json::{Value, json};
use writ_authz::mint;
use writ_model::{Error, Identity, Workspace};
use writ_ports::{Clock as _, ListTokens as _, PutToken as _, RevokeToken as _, Token};
use writ_system::System;

use crate::data_directory::with_store;
use crate::failure::Failure;

/// Makes a token.
pub(super) fn create(
    data: &Path,
    holder: Identity,
    expires_in_seconds: Option<u64>,
) -> Result<Value, Failure> {
    let (token, text) = mint(&System, System.now(), holder, expires_in_seconds)
        .map_err(|error| Failure::of(&error))?;
    with_store(data, async |store| store.put_token(&token).await)?;
    let mut record = shown(&token);
    if let Value::Object(members) = &mut record {
        members.insert("token".to_owned(), Value::from(text.reveal()));
    }
    Ok(record)
}

/// Every token of a workspace.
pub(super) fn list(data: &Path, workspace: &Workspace) -> Result<Value, Failure> {
    let tokens = with_store(data, async |store| store.list_tokens(workspace).await)?;
    Ok(tokens.iter().map(shown).collect())
}

/// Ends a token.
pub(super) fn revoke(data: &Path, workspace: &Workspace, id: &str) -> Result<(), Failure> {
    let revoked = with_store(data, async |store| store.revoke_token(workspace, id).await)?;
    if revoked {
        return Ok(());
    }
    Err(Failure::of(&Error::not_found(format!(
        "there is no token `{id}` in workspace `{workspace}`"
    ))))
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
