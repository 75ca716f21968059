//! `writ policy delete URI`: removes a policy. Records of its runs stay, and can be run again.

use clap::Args;
use ureq::http::Method;

use crate::args::Global;
use crate::client::Call;
use crate::exit::Exit;
use crate::failure::Failure;

/// Asks nothing back.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// The policy, as `ip_allowlist:1.0-beta`
    uri: String,
    /// Only if the stored revision still has this entity tag
    #[arg(long, value_name = "ETAG")]
    if_match: Option<String>,
}

impl Delete {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
        let call = Call::new(Method::DELETE, &["policy", &self.uri])
            .header("if-match", self.if_match.as_deref());
        global.client()?.send(&call)?;
        global.terminal().note(&format!("deleted {}", self.uri));
        Ok(Exit::Success)
    }
}
