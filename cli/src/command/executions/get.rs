//! `writ executions get ID`: shows one record.

use clap::Args;

use crate::args::Global;
use crate::client::Call;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::table;

/// The record says enough to run the same again; see `writ replay`.
#[derive(Debug, Args)]
pub(crate) struct Get {
    /// The execution
    id: String,
}

impl Get {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
        let answer = global.client()?.send(&Call::get(&["executions", &self.id]))?;
        global.terminal().show(&answer.data, table::members)?;
        Ok(Exit::Success)
    }
}
