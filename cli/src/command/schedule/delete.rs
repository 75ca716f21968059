//! `writ schedule delete NAME`: removes a schedule.

use clap::Args;
use ureq::http::Method;

use crate::args::Global;
use crate::client::Call;
use crate::exit::Exit;
use crate::failure::Failure;

/// Asks nothing back.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    /// The schedule
    name: String,
    /// Only if the stored revision still has this entity tag
    #[arg(long, value_name = "ETAG")]
    if_match: Option<String>,
}

impl Delete {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
        let call = Call::new(Method::DELETE, &["schedules", &self.name])
            .header("if-match", self.if_match.as_deref());
        global.client()?.send(&call)?;
        global.terminal().note(&format!("deleted {}", self.name));
        Ok(Exit::Success)
    }
}
