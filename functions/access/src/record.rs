//! What a reply shows of a token.

use serde::Serialize;
use writ_authz::TokenText;
use writ_edge::Reply;
use writ_model::{Error, Role, Timestamp, Workspace};
use writ_ports::Token;

/// A token without its hash; with its text where it was just made.
#[derive(Serialize)]
pub(crate) struct Record<'a> {
    token_id: &'a str,
    subject: &'a str,
    workspace: &'a Workspace,
    role: Role,
    created_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
}

impl<'a> Record<'a> {
    /// A token as it is kept.
    pub(crate) fn of(token: &'a Token) -> Self {
        // Each field by name: a field that is added to the stored token is not shown unless it is added here.
        let Token { token_id, secret_hash: _, subject, workspace, role, created_at, expires_at } =
            token;
        Self {
            token_id,
            subject,
            workspace,
            role: *role,
            created_at: *created_at,
            expires_at: *expires_at,
            token: None,
        }
    }

    /// A token that was just made.
    pub(crate) fn with_text(token: &'a Token, text: &'a TokenText) -> Self {
        Self { token: Some(text.reveal()), ..Self::of(token) }
    }
}

/// A reply with this as its `data`.
pub(crate) fn reply(data: &impl Serialize) -> Result<Reply, Error> {
    Ok(Reply::data(&serde_json::to_string(data).map_err(Error::internal)?))
}
