//! `writ policy`: the registered policies of a server.

mod create;
mod delete;
mod diff;
mod get;
mod history;
mod list;
mod manage;
mod update;

use clap::Subcommand;

use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Register a policy from a file
    Create(create::Create),
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

/// Renders the response to a write: the URI that the policy now has.
fn render_uri(stored: &serde_json::Value) -> String {
    let uri = stored.get("policy_rule_uri").and_then(serde_json::Value::as_str).unwrap_or_default();
    format!("{uri}\n")
}

/// Prints the warnings of the response to a write.
fn print_warnings(global: &GlobalArgs, warnings: &[writ_model::Diagnostic]) {
    for warning in warnings {
        let help = warning.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
        global.terminal().warn(&format!("[{}] {warning}{help}", warning.code));
    }
}
