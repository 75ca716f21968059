//! `writ policy`: the registry.

mod create;
mod delete;
mod diff;
mod get;
mod history;
mod list;
mod manage;
mod update;

use clap::Subcommand;

use crate::args::Global;
use crate::exit::Exit;
use crate::failure::Failure;

#[derive(Debug, Subcommand)]
pub(crate) enum Policy {
    /// Register a policy
    Create(create::Create),
    /// Show a policy
    Get(get::Get),
    /// List policies
    List(list::List),
    /// Change a policy, as a new revision
    Update(update::Update),
    /// Remove a policy
    Delete(delete::Delete),
    /// Send a policy one of its management commands
    Manage(manage::Manage),
    /// List a policy's revisions, newest first
    History(history::History),
    /// Compare two revisions of a policy
    Diff(diff::Diff),
}

impl Policy {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
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

/// What a write answers, for people: the URI that the policy now has.
fn uri_line(stored: &serde_json::Value) -> String {
    let uri = stored.get("policy_rule_uri").and_then(serde_json::Value::as_str).unwrap_or_default();
    format!("{uri}\n")
}

/// What a write answers beside the policy.
fn warn_of(global: &Global, warnings: &[writ_model::Diagnostic]) {
    for warning in warnings {
        let help = warning.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
        global.terminal().warn(&format!("[{}] {warning}{help}", warning.code));
    }
}
