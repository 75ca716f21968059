//! `writ policy delete URI`: deletes a policy. The records of its executions stay and can be replayed.

use clap::Args;
use ureq::http::Method;

use crate::client::ApiRequest;
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;

/// The command does not ask for confirmation.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// The policy, as `ip_allowlist:1.0-beta`
    uri: String,
    /// Delete only if the stored revision still has this entity tag
    #[arg(long, value_name = "ETAG")]
    if_match: Option<String>,
}

impl Delete {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        let request = ApiRequest::new(Method::DELETE, &["policy", &self.uri])
            .header("if-match", self.if_match.as_deref());
        global.client()?.send(&request)?;
        global.terminal().note(&format!("deleted {}", self.uri));
        Ok(Exit::Success)
    }
}
