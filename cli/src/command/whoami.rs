//! `writ whoami`: shows the caller's identity on the server, and the rule that authorized it.

use clap::Args;

use crate::client::ApiRequest;
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;
use crate::output::table;

/// The command has no options of its own.
#[derive(Debug, Args)]
pub(crate) struct Whoami {}

impl Whoami {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        let response = global.client()?.send(&ApiRequest::get(&["whoami"]))?;
        global.terminal().print(&response.data, table::members)?;
        Ok(Exit::Success)
    }
}
