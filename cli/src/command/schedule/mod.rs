//! `writ schedule`: jobs that are made at their time.

mod create;
mod delete;
mod get;
mod list;
mod schedule_args;
mod switch;
mod update;

use clap::Subcommand;

use crate::args::Global;
use crate::exit::Exit;
use crate::failure::Failure;

#[derive(Debug, Subcommand)]
pub(crate) enum Schedule {
    /// Make a schedule
    Create(create::Create),
    /// Show a schedule, its next fires and what came of the last ones
    Get(get::Get),
    /// List schedules
    List(list::List),
    /// Change a schedule
    Update(update::Update),
    /// Remove a schedule; the jobs that it made stay
    Delete(delete::Delete),
    /// Let a schedule fire again, from now on
    Enable(switch::Enable),
    /// Let a schedule fire no more
    Disable(switch::Disable),
}

impl Schedule {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
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

/// What a write answers, for people.
fn told(stored: &serde_json::Value) -> String {
    let text = |name| stored.get(name).and_then(serde_json::Value::as_str);
    let name = text("name").unwrap_or_default();
    match text("next_fire_at") {
        Some(next) => format!("{name} fires next at {next}\n"),
        None => format!("{name} does not fire\n"),
    }
}
