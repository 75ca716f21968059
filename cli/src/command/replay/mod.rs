//! `writ replay ID`, `writ replay --since 1h`: runs records again on the server and says whether
//! the same bytes came out.

mod many;
mod one;

use clap::Args;

use crate::args::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::since::Since;

/// Exits 0 where every second run gave the same, 1 where one differs.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["id", "since"]))]
pub(crate) struct Replay {
    /// The execution, as `writ executions list` shows it
    id: Option<String>,
    /// Every execution since then: a length of time as `1h`, or a time as `2026-01-31T09:30:00Z`
    #[arg(long, value_name = "TIME")]
    since: Option<Since>,
    /// Executions of this policy alone
    #[arg(long, value_name = "URI", requires = "since")]
    policy: Option<String>,
}

impl Replay {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
        match (self.id, self.since) {
            (Some(id), _) => one::replay(global, &id),
            (None, Some(since)) => many::replay(global, since.time(), self.policy.as_deref()),
            (None, None) => Err(Failure::usage("say which execution, or `--since` when")),
        }
    }
}
