//! Tokens of the platform, which stand for identities.

use std::future::Future;

use serde::{Deserialize, Serialize};
use writ_model::{Digest, Error, Role, Timestamp, Workspace};

/// An opaque token, at rest: its secret is kept as a hash alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// The id of the token: the part before the secret in what the caller sends.
    pub token_id: String,
    /// SHA-256 of the secret.
    pub secret_hash: Digest,
    /// The subject of its holder.
    pub subject: String,
    /// The workspace that the holder may act in.
    pub workspace: Workspace,
    /// What the holder may do.
    pub role: Role,
    /// When it was made.
    pub created_at: Timestamp,
    /// The token is refused from then on; `None` where it never expires.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// Looks tokens up. Not bound to a workspace: the token says which one.
pub trait GetToken: Send + Sync {
    /// The token of this id, or `None`.
    ///
    /// # Errors
    /// The store's.
    fn get_token(
        &self,
        token_id: &str,
    ) -> impl Future<Output = Result<Option<Token>, Error>> + Send;
}

crate::port!(GetToken);

/// Writes new tokens to the store.
pub trait PutToken: Send + Sync {
    /// Writes a new token.
    ///
    /// # Errors
    /// The store's.
    fn put_token(&self, token: &Token) -> impl Future<Output = Result<(), Error>> + Send;
}

crate::port!(PutToken);

/// Lists a workspace's tokens.
pub trait ListTokens: Send + Sync {
    /// Every token of the workspace, oldest first.
    ///
    /// # Errors
    /// The store's.
    fn list_tokens(
        &self,
        workspace: &Workspace,
    ) -> impl Future<Output = Result<Vec<Token>, Error>> + Send;
}

crate::port!(ListTokens);

/// Removes a workspace's tokens.
pub trait RevokeToken: Send + Sync {
    /// Removes the token; `false` where the workspace has none of that id.
    ///
    /// # Errors
    /// The store's.
    fn revoke_token(
        &self,
        workspace: &Workspace,
        token_id: &str,
    ) -> impl Future<Output = Result<bool, Error>> + Send;
}

crate::port!(RevokeToken);
