//! `writ schedule get NAME`: shows a schedule.

use clap::Args;
use serde_json::Value;
use writ_model::Timestamp;
use writ_schedules::{Timing, TimingSpec};

use crate::client::ApiRequest;
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;
use crate::output::table;

/// The number of future fires that are printed.
const NEXT_FIRES: usize = 5;

/// Shows the schedule with its next fires and the outcomes of the last ones.
#[derive(Debug, Args)]
pub(crate) struct Get {
    /// The name of the schedule
    name: String,
}

impl Get {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        let response = global.client()?.send(&ApiRequest::get(&["schedules", &self.name]))?;
        global.terminal().print(&response.data, render)?;
        Ok(Exit::Success)
    }
}

fn render(schedule: &Value) -> String {
    let mut schedule = schedule.clone();
    let next = next_fires(&schedule).unwrap_or_default();
    if let Value::Object(members) = &mut schedule {
        let last = members.remove("last_fires").unwrap_or_default();
        let last: Vec<_> = last.as_array().into_iter().flatten().map(render_fire).collect();
        for (name, lines) in [("next fires", next), ("last fires", last)] {
            if !lines.is_empty() {
                members.insert(name.to_owned(), Value::from(lines.join("\n") + "\n"));
            }
        }
    }
    table::members(&schedule)
}

/// Renders the outcome of a fire on one line.
fn render_fire(fire: &Value) -> String {
    let text = |name| fire.get(name).and_then(Value::as_str).unwrap_or_default();
    let mut line = format!("{}  {}", text("scheduled_for"), text("outcome"));
    let count = fire.get("missed_count").and_then(Value::as_u64).filter(|count| *count > 1);
    let why = fire.pointer("/error/message").and_then(Value::as_str);
    for more in [
        fire.get("job_id").and_then(Value::as_str).map(|id| format!("job {id}")),
        why.map(str::to_owned),
        count.map(|count| format!("{count} since {}", text("missed_from"))),
    ]
    .into_iter()
    .flatten()
    {
        line.push_str("  ");
        line.push_str(&more);
    }
    line
}

/// Computes the next fires; `None` for an expression that this release cannot parse.
fn next_fires(schedule: &Value) -> Option<Vec<String>> {
    let text = |name| schedule.get(name).and_then(Value::as_str);
    let time = |name| text(name).and_then(|text| text.parse::<Timestamp>().ok());
    let spec = TimingSpec {
        expression: text("schedule_expression")?.to_owned(),
        timezone: text("timezone").map(str::to_owned),
        start_at: time("start_at"),
        end_at: time("end_at"),
        flexible_window_minutes: None,
    };
    let timing = Timing::new(&spec, time("created_at")?).ok()?;
    let first = time("next_fire_at")?;
    let fires = std::iter::successors(Some(first), |fire| timing.next_after(*fire));
    Some(fires.take(NEXT_FIRES).map(|fire| fire.to_string()).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn next_fires_and_last_fires_are_printed_below() {
        let schedule = json!({
            "name": "n", "schedule_expression": "cron(0 2 * * ? *)", "timezone": "Europe/Berlin",
            "start_at": null, "created_at": "2026-10-01T00:00:00Z",
            "end_at": "2026-10-26T12:00:00Z", "next_fire_at": "2026-10-24T00:00:00.000Z",
            "last_fires": [
                {"scheduled_for": "a", "outcome": "submitted", "job_id": "j"},
                {"scheduled_for": "b", "outcome": "failed", "error": {"message": "gone"}},
                {"scheduled_for": "c", "outcome": "missed", "missed_count": 3, "missed_from": "d"},
            ],
        });
        // The clock goes back on the 25th.
        assert!(
            render(&schedule).ends_with(
                "next fires:\n2026-10-24T00:00:00.000Z\n2026-10-25T00:00:00.000Z\n\
                 2026-10-26T01:00:00.000Z\n\n\
                 last fires:\na  submitted  job j\nb  failed  gone\nc  missed  3 since d\n"
            ),
            "{}",
            render(&schedule)
        );
    }

    #[test]
    fn one_that_fires_no_more_has_none() {
        let schedule = json!({
            "name": "n", "schedule_expression": "rate(1 day)", "created_at": "2026-10-01T00:00:00Z",
            "next_fire_at": null, "last_fires": [],
        });
        assert!(!render(&schedule).contains("fires:"), "{}", render(&schedule));
    }
}
