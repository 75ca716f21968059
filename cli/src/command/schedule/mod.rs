//! `writ schedule`: jobs that are submitted on a schedule.

mod create;
mod delete;
mod enabled;
mod get;
mod list;
mod response;
mod schedule_args;
mod update;

use clap::Subcommand;

use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum Schedule {
    /// Create a schedule of a policy or a job
    Create(create::Create),
    /// Show a schedule, its next fires and the outcomes of the last ones
    Get(get::Get),
    /// List the schedules of the workspace
    List(list::List),
    /// Update a schedule, as a new revision
    Update(update::Update),
    /// Delete a schedule and keep its jobs
    Delete(delete::Delete),
    /// Enable a schedule, from now on
    Enable(enabled::Enable),
    /// Disable a schedule, so that it does not fire
    Disable(enabled::Disable),
}

impl Schedule {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        match self {
            Self::Create(create) => create.run(global),
            Self::Get(get) => get.run(global),
            Self::List(list) => list.run(global),
            Self::Update(update) => update.run(global),
            Self::Delete(delete) => delete.run(global),
            Self::Enable(enable) => enable.run(global),
            Self::Disable(disable) => disable.run(global),
        }
    }
}
