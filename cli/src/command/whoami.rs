//! `writ whoami`: says who the server takes the caller for, and which rule let them in.

use clap::Args;

use crate::args::Global;
use crate::client::Call;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::table;

/// No options of its own.
#[derive(Debug, Args)]
pub(crate) struct Whoami {}

impl Whoami {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
        let answer = global.client()?.send(&Call::get(&["whoami"]))?;
        global.terminal().show(&answer.data, table::members)?;
        Ok(Exit::Success)
    }
}
