//! `writ executions list`: lists execution records.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::command::paging::{ListQuery, PagingArgs};
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;
use crate::output::Format;
use crate::output::table::{Column, rows};

const COLUMNS: [Column; 6] = [
    ("ID", "execution_id"),
    ("POLICY", "policy_rule_uri"),
    ("STATUS", "status"),
    ("STARTED", "started_at"),
    ("TOOK", "took"),
    ("BY", "identity"),
];

/// What the table needs of each record.
const FIELDS: &str = "execution_id,policy_rule_uri,status,started_at,duration_us,identity";

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Status {
    Succeeded,
    Failed,
}

/// Newest first, unless sorted otherwise.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only executions of this policy
    #[arg(long, value_name = "URI")]
    policy: Option<String>,
    /// Only executions with this status
    #[arg(long, value_enum)]
    status: Option<Status>,
    #[command(flatten)]
    paging: PagingArgs,
}

impl List {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        let filter = self.paging.filter_with(conditions(self.policy.as_deref(), self.status))?;
        let terminal = global.terminal();
        let projection = (terminal.format() == Format::Table).then_some(FIELDS);
        let query = ListQuery { segments: &["executions", "query"], filter, projection };
        self.paging.list(&global.client()?, terminal, &query, |items| {
            rows(&COLUMNS, &items.iter().map(with_duration).collect::<Vec<_>>())
        })?;
        Ok(Exit::Success)
    }
}

fn conditions(policy: Option<&str>, status: Option<Status>) -> Vec<Value> {
    let status = status.map(|status| match status {
        Status::Succeeded => "succeeded",
        Status::Failed => "failed",
    });
    let policy = policy.map(|uri| json!({"policy_rule_uri": uri}));
    policy.into_iter().chain(status.map(|status| json!({"status": status}))).collect()
}

/// The record with its duration formatted for the table.
fn with_duration(record: &Value) -> Value {
    let mut record = record.clone();
    let took = record.get("duration_us").and_then(Value::as_u64).map(format_us);
    if let (Value::Object(members), Some(took)) = (&mut record, took) {
        members.insert("took".to_owned(), Value::from(took));
    }
    record
}

fn format_us(us: u64) -> String {
    format!("{}.{} ms", us / 1000, us % 1000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_option_is_a_condition() {
        assert_eq!(conditions(None, None), Vec::<Value>::new());
        assert_eq!(
            conditions(Some("a:1-b"), Some(Status::Failed)),
            [json!({"policy_rule_uri": "a:1-b"}), json!({"status": "failed"})]
        );
    }

    #[test]
    fn a_duration_is_shown_in_milliseconds() {
        for (us, text) in [(0, "0.0 ms"), (999, "0.9 ms"), (12_345, "12.3 ms")] {
            assert_eq!(format_us(us), text);
        }
    }
}
