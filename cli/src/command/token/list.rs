//! `writ token list`: lists tokens without their secrets, of which only hashes are stored.

use clap::Args;
use writ_model::Workspace;

use super::store_args::StoreArgs;
use crate::client::ApiRequest;
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;
use crate::output::table::{Column, rows};

const COLUMNS: [Column; 6] = [
    ("ID", "token_id"),
    ("SUBJECT", "subject"),
    ("ROLE", "role"),
    ("WORKSPACE", "workspace"),
    ("CREATED", "created_at"),
    ("EXPIRES", "expires_at"),
];

/// The list begins with the oldest token.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// The workspace of the tokens [default: your own]
    #[arg(long)]
    workspace: Option<Workspace>,
    #[command(flatten)]
    store: StoreArgs,
}

impl List {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        let tokens = match self.store.token_store() {
            Some(store) => store.list(&self.workspace.unwrap_or_default())?.to_string(),
            None => {
                let workspace = self.workspace.as_ref().map(Workspace::as_str);
                global
                    .client()?
                    .send(&ApiRequest::get(&["token"]).query("workspace", workspace))?
                    .data
            }
        };
        global.terminal().print(&tokens, |value| {
            rows(&COLUMNS, value.as_array().map(Vec::as_slice).unwrap_or_default())
        })?;
        Ok(Exit::Success)
    }
}
