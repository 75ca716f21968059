//! `writ executions`: the decision log.

mod get;
mod list;

use clap::Subcommand;

use crate::args::Global;
use crate::exit::Exit;
use crate::failure::Failure;

#[derive(Debug, Subcommand)]
pub(crate) enum Executions {
    /// List runs, newest first
    List(list::List),
    /// Show the record of one run
    Get(get::Get),
}

impl Executions {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
        match self {
            Self::List(list) => list.run(global),
            Self::Get(get) => get.run(global),
        }
    }
}
