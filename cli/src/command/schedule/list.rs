//! `writ schedule list`: lists schedules.

use clap::Args;
use serde_json::Value;

use crate::command::paging::{ListQuery, PagingArgs};
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;
use crate::output::Format;
use crate::output::table::{Column, rows};

const COLUMNS: [Column; 6] = [
    ("NAME", "name"),
    ("WHEN", "schedule_expression"),
    ("ZONE", "timezone"),
    ("ENABLED", "enabled"),
    ("NEXT", "next_fire_at"),
    ("LAST", "last"),
];

/// The fields of each schedule that the table needs.
const FIELDS: &str = "name,schedule_expression,timezone,enabled,next_fire_at,last_fires";

/// The list is sorted by name, unless `--sort` is set.
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    paging: PagingArgs,
}

impl List {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        let terminal = global.terminal();
        let query = ListQuery {
            segments: &["schedules", "query"],
            filter: self.paging.filter()?,
            projection: (terminal.format() == Format::Table).then_some(FIELDS),
        };
        self.paging.list(&global.client()?, terminal, &query, table)?;
        Ok(Exit::Success)
    }
}

fn table(schedules: &[Value]) -> String {
    rows(&COLUMNS, &schedules.iter().map(with_last_outcome).collect::<Vec<_>>())
}

/// The schedule with the outcome of its last fire.
fn with_last_outcome(schedule: &Value) -> Value {
    let mut schedule = schedule.clone();
    let last = schedule.pointer("/last_fires/0/outcome").cloned();
    if let (Value::Object(members), Some(last)) = (&mut schedule, last) {
        members.insert("last".to_owned(), last);
    }
    schedule
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schedule_is_a_row() {
        let schedule = |name: &str, fires: Value| {
            json!({
                "name": name, "schedule_expression": "rate(1 day)", "timezone": "UTC",
                "enabled": true, "next_fire_at": null, "last_fires": fires,
            })
        };
        assert_eq!(
            table(&[schedule("a", json!([])), schedule("bb", json!([{"outcome": "missed"}]))]),
            "NAME  WHEN         ZONE  ENABLED  NEXT  LAST\n\
             a     rate(1 day)  UTC   true\n\
             bb    rate(1 day)  UTC   true           missed\n"
        );
    }
}
