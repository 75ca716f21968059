//! Tokens.

use writ_model::{Error, ErrorKind, Workspace};
use writ_ports::{GetToken, ListTokens, PutToken, RevokeToken, Token};

use super::MemoryPlatform;

impl MemoryPlatform {
    /// The stored tokens of every workspace, by id.
    #[must_use]
    pub fn tokens(&self) -> Vec<Token> {
        self.tables().tokens.values().cloned().collect()
    }
}

impl GetToken for MemoryPlatform {
    async fn get_token(&self, token_id: &str) -> Result<Option<Token>, Error> {
        Ok(self.enter("get_token", token_id).await?.tokens.get(token_id).cloned())
    }
}

impl PutToken for MemoryPlatform {
    async fn put_token(&self, token: &Token) -> Result<(), Error> {
        let mut tables = self.enter("put_token", &token.token_id).await?;
        if tables.tokens.contains_key(&token.token_id) {
            let message = format!("token `{}` exists already", token.token_id);
            return Err(Error::new(ErrorKind::Conflict, message));
        }
        tables.tokens.insert(token.token_id.clone(), token.clone());
        Ok(())
    }
}

impl ListTokens for MemoryPlatform {
    async fn list_tokens(&self, workspace: &Workspace) -> Result<Vec<Token>, Error> {
        let tables = self.enter("list_tokens", workspace.as_str()).await?;
        let own = tables.tokens.values().filter(|token| token.workspace == *workspace);
        let mut tokens: Vec<Token> = own.cloned().collect();
        tokens.sort_by_key(|token| (token.created_at, token.token_id.clone()));
        Ok(tokens)
    }
}

impl RevokeToken for MemoryPlatform {
    async fn revoke_token(&self, workspace: &Workspace, token_id: &str) -> Result<bool, Error> {
        let mut tables = self.enter("revoke_token", token_id).await?;
        let is_own = tables.tokens.get(token_id).is_some_and(|own| own.workspace == *workspace);
        if is_own {
            tables.tokens.remove(token_id);
        }
        Ok(is_own)
    }
}
