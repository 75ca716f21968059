//! `writ token list`: lists tokens; secrets are not there to be listed.

use clap::Args;
use writ_model::Workspace;

use super::direct::Direct;
use crate::args::Global;
use crate::client::Call;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::table::{Column, rows};

const COLUMNS: [Column; 6] = [
    ("ID", "token_id"),
    ("SUBJECT", "subject"),
    ("ROLE", "role"),
    ("WORKSPACE", "workspace"),
    ("CREATED", "created_at"),
    ("EXPIRES", "expires_at"),
];

/// Oldest first.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Whose; your own workspace without it
    #[arg(long)]
    workspace: Option<Workspace>,
    #[command(flatten)]
    direct: Direct,
}

impl List {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
        let tokens = match self.direct.location() {
            Some(location) => location.list(&self.workspace.unwrap_or_default())?.to_string(),
            None => {
                let workspace = self.workspace.as_ref().map(Workspace::as_str);
                global.client()?.send(&Call::get(&["token"]).query("workspace", workspace))?.data
            }
        };
        global.terminal().show(&tokens, |value| {
            rows(&COLUMNS, value.as_array().map(Vec::as_slice).unwrap_or_default())
        })?;
        Ok(Exit::Success)
    }
}
