//! `writ token revoke ID`: ends a token.

use clap::Args;
use ureq::http::Method;
use writ_model::Workspace;

use super::direct::Direct;
use crate::args::Global;
use crate::client::Call;
use crate::exit::Exit;
use crate::failure::Failure;

/// Whoever holds it is refused from then on.
#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// The token's id, as `writ token list` shows it
    id: String,
    /// Whose; your own workspace without it
    #[arg(long)]
    workspace: Option<Workspace>,
    #[command(flatten)]
    direct: Direct,
}

impl Revoke {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
        match self.direct.location() {
            Some(location) => location.revoke(&self.workspace.unwrap_or_default(), &self.id)?,
            None => {
                let workspace = self.workspace.as_ref().map(Workspace::as_str);
                let call =
                    Call::new(Method::DELETE, &["token", &self.id]).query("workspace", workspace);
                global.client()?.send(&call)?;
            }
        }
        global.terminal().note(&format!("revoked {}", self.id));
        Ok(Exit::Success)
    }
}
