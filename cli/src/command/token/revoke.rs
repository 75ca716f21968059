//! `writ token revoke ID`: revokes a token.

use clap::Args;
use ureq::http::Method;
use writ_model::Workspace;

use super::store_args::StoreArgs;
use crate::client::ApiRequest;
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;

/// Requests with a revoked token are refused.
#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// The id of the token, as in `writ token list`
    id: String,
    /// The workspace of the token [default: your own]
    #[arg(long)]
    workspace: Option<Workspace>,
    #[command(flatten)]
    store: StoreArgs,
}

impl Revoke {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        match self.store.token_store() {
            Some(store) => store.revoke(&self.workspace.unwrap_or_default(), &self.id)?,
            None => {
                let workspace = self.workspace.as_ref().map(Workspace::as_str);
                let request = ApiRequest::new(Method::DELETE, &["token", &self.id])
                    .query("workspace", workspace);
                global.client()?.send(&request)?;
            }
        }
        global.terminal().note(&format!("revoked {}", self.id));
        Ok(Exit::Success)
    }
}
