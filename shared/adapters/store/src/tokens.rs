//! Tokens. They are found by id alone, because a token determines the workspace that its caller
//! acts in.

use writ_model::{Digest, Error, ErrorKind, Timestamp, Workspace};
use writ_ports::{GetToken, ListTokens, PutToken, RevokeToken, Token};

use crate::Store;
use crate::errors::store_error;
use crate::item::{Item, ItemExt, count, number, parse_text, string, text};

/// Bytes of a token's id at most. The platform makes no longer ones, and DynamoDB refuses keys over
/// 2,048 bytes.
const ID_BYTES_MAX: usize = 256;

fn item_key(token_id: &str) -> Item {
    Item::from([("token_id".to_owned(), string(token_id))])
}

fn is_valid_id(token_id: &str) -> bool {
    !token_id.is_empty() && token_id.len() <= ID_BYTES_MAX
}

fn to_item(token: &Token) -> Item {
    let item = item_key(&token.token_id)
        .with("workspace", string(token.workspace.as_str()))
        .with("made", string(format!("{}#{}", token.created_at, token.token_id)))
        .with("secret_hash", string(token.secret_hash.as_str()))
        .with("subject", string(&token.subject))
        .with("role", string(token.role.name()))
        .with("created_at", number(token.created_at.as_ms()));
    match token.expires_at {
        Some(time) => item.with("expires_at", number(time.as_ms())),
        None => item,
    }
}

fn from_item(item: &Item) -> Result<Token, Error> {
    Ok(Token {
        token_id: text(item, "token_id")?.to_owned(),
        secret_hash: Digest::from_stored(text(item, "secret_hash")?.to_owned()),
        subject: text(item, "subject")?.to_owned(),
        workspace: parse_text(item, "workspace")?,
        role: parse_text(item, "role")?,
        created_at: Timestamp::from_ms(count(item, "created_at")?),
        expires_at: match item.get("expires_at") {
            Some(_) => Some(Timestamp::from_ms(count(item, "expires_at")?)),
            None => None,
        },
    })
}

impl Store {
    /// Returns whether any workspace has a token.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::Unavailable`] while the database is out of reach; an internal error
    /// for any other failure.
    pub async fn has_tokens(&self) -> Result<bool, Error> {
        let response = self
            .client
            .scan()
            .table_name(&self.tables.tokens)
            .limit(1)
            .send()
            .await
            .map_err(store_error)?;
        Ok(response.count() > 0)
    }
}

impl GetToken for Store {
    async fn get_token(&self, token_id: &str) -> Result<Option<Token>, Error> {
        if !is_valid_id(token_id) {
            return Ok(None);
        }
        let response = self
            .client
            .get_item()
            .table_name(&self.tables.tokens)
            .set_key(Some(item_key(token_id)))
            // Consistent, so that a revoked token is refused at once.
            .consistent_read(true)
            .send()
            .await
            .map_err(store_error)?;
        response.item().map(from_item).transpose()
    }
}

impl PutToken for Store {
    async fn put_token(&self, token: &Token) -> Result<(), Error> {
        let put =
            self.client.put_item().table_name(&self.tables.tokens).set_item(Some(to_item(token)));
        let result = put.condition_expression("attribute_not_exists(token_id)").send().await;
        let Err(error) = result else { return Ok(()) };
        if !error
            .as_service_error()
            .is_some_and(|error| error.is_conditional_check_failed_exception())
        {
            return Err(store_error(error));
        }
        // The SDK may have retried after a lost response; the secret's hash tells this token from
        // another one.
        match self.get_token(&token.token_id).await? {
            Some(stored) if stored == *token => Ok(()),
            _ => Err(Error::new(
                ErrorKind::Conflict,
                format!("token `{}` exists already", token.token_id),
            )),
        }
    }
}

impl ListTokens for Store {
    async fn list_tokens(&self, workspace: &Workspace) -> Result<Vec<Token>, Error> {
        let mut tokens = Vec::new();
        let mut start = None;
        loop {
            let page = self
                .client
                .query()
                .table_name(&self.tables.tokens)
                .index_name("by_workspace")
                .key_condition_expression("workspace = :workspace")
                .expression_attribute_values(":workspace", string(workspace.as_str()))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(store_error)?;
            for item in page.items() {
                tokens.push(from_item(item)?);
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                return Ok(tokens);
            }
        }
    }
}

impl RevokeToken for Store {
    async fn revoke_token(&self, workspace: &Workspace, token_id: &str) -> Result<bool, Error> {
        if !is_valid_id(token_id) {
            return Ok(false);
        }
        let removed = self
            .client
            .delete_item()
            .table_name(&self.tables.tokens)
            .set_key(Some(item_key(token_id)))
            .condition_expression("workspace = :workspace")
            .expression_attribute_values(":workspace", string(workspace.as_str()))
            .send()
            .await;
        match removed {
            Ok(_) => Ok(true),
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|e| e.is_conditional_check_failed_exception()) =>
            {
                Ok(false)
            }
            Err(error) => Err(store_error(error)),
        }
    }
}
