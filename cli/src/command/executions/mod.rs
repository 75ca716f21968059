//! `writ executions`: the log of executions and their records.

mod get;
mod list;

use clap::Subcommand;

use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum Executions {
    /// List executions, newest first
    List(list::List),
    /// Show the record of an execution
    Get(get::Get),
}

impl Executions {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        match self {
            Self::List(list) => list.run(global),
            Self::Get(get) => get.run(global),
        }
    }
}
