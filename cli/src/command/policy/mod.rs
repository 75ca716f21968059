//! `writ policy`: the registered policies of a server.

mod create;
mod delete;
mod diff;
mod get;
mod history;
mod import;
mod list;
mod manage;
mod response;
mod update;

use clap::Subcommand;

use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Register a policy from a file
    Create(create::Create),
    /// Register a policy from a folder or an archive of files
    Import(import::Import),
    /// Show a policy or its code
    Get(get::Get),
    /// List the policies of the workspace
    List(list::List),
    /// Update a policy, as a new revision
    Update(update::Update),
    /// Delete a policy and keep its records
    Delete(delete::Delete),
    /// Run a management command of a policy
    Manage(manage::Manage),
    /// List the revisions of a policy, newest first
    History(history::History),
    /// Compare two revisions of a policy
    Diff(diff::Diff),
}

impl Policy {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        match self {
            Self::Create(create) => create.run(global),
            Self::Import(import) => import.run(global),
            Self::Get(get) => get.run(global),
            Self::List(list) => list.run(global),
            Self::Update(update) => update.run(global),
            Self::Delete(delete) => delete.run(global),
            Self::Manage(manage) => manage.run(global),
            Self::History(history) => history.run(global),
            Self::Diff(diff) => diff.run(global),
        }
    }
}
