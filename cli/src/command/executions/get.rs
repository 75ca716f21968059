//! `writ executions get ID`: shows the record of an execution.

use clap::Args;

use crate::client::ApiRequest;
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;
use crate::output::table;

/// The record is complete enough for a replay; see `writ replay`.
#[derive(Debug, Args)]
pub(crate) struct Get {
    /// The id of the execution
    id: String,
}

impl Get {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        let response = global.client()?.send(&ApiRequest::get(&["executions", &self.id]))?;
        global.terminal().print(&response.data, table::members)?;
        Ok(Exit::Success)
    }
}
