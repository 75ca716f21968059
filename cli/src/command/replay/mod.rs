//! `writ replay ID`, `writ replay --since 1h`: replays recorded executions on the server and compares
//! the outputs byte for byte.

mod many;
mod one;

use clap::Args;

use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;
use crate::since::Since;

/// Exits 0 if every replay gave the same result, 1 if one differs.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["id", "since"]))]
pub(crate) struct Replay {
    /// The id of the execution, as in `writ executions list`
    id: Option<String>,
    /// Every execution since this time: a duration as `1h`, or a time as `2026-01-31T09:30:00Z`
    #[arg(long, value_name = "TIME")]
    since: Option<Since>,
    /// Only executions of this policy
    #[arg(long, value_name = "URI", requires = "since")]
    policy: Option<String>,
}

impl Replay {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        match (self.id, self.since) {
            (Some(id), _) => one::replay(global, &id),
            (None, Some(since)) => many::replay(global, since.time(), self.policy.as_deref()),
            (None, None) => Err(CliError::usage("an execution or `--since` is required")),
        }
    }
}
