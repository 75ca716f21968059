//! `writ executions list`: lists records.

use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use writ_model::RawJson;

use crate::args::Global;
use crate::command::paging::{Paging, Query};
use crate::exit::Exit;
use crate::failure::Failure;
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
    /// Runs of this policy alone
    #[arg(long, value_name = "URI")]
    policy: Option<String>,
    /// Runs that ended so
    #[arg(long, value_enum)]
    status: Option<Status>,
    #[command(flatten)]
    paging: Paging,
}

impl List {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
        let filter = narrowed(self.paging.filter()?, self.policy.as_deref(), self.status);
        let terminal = global.terminal();
        let projection = (terminal.format() == Format::Table).then_some(FIELDS);
        let query = Query { segments: &["executions", "query"], filter, projection };
        self.paging.list(&global.client()?, terminal, &query, |items| {
            rows(&COLUMNS, &items.iter().map(with_time).collect::<Vec<_>>())
        })?;
        Ok(Exit::Success)
    }
}

/// The filter, and what the options ask for besides.
fn narrowed(filter: RawJson, policy: Option<&str>, status: Option<Status>) -> RawJson {
    let mut all = Vec::new();
    if let Some(uri) = policy {
        all.push(json!({"policy_rule_uri": uri}));
    }
    if let Some(status) = status {
        let status = match status {
            Status::Succeeded => "succeeded",
            Status::Failed => "failed",
        };
        all.push(json!({"status": status}));
    }
    if all.is_empty() {
        return filter;
    }
    let given = filter.value();
    if given != json!({}) {
        all.push(given);
    }
    match all.as_slice() {
        [one] => RawJson::of(one),
        several => RawJson::of(&json!({"$and": several})),
    }
}

/// The record with its duration as a person reads it.
fn with_time(record: &Value) -> Value {
    let mut record = record.clone();
    let took = record.get("duration_us").and_then(Value::as_u64).map(milliseconds);
    if let (Value::Object(members), Some(took)) = (&mut record, took) {
        members.insert("took".to_owned(), Value::from(took));
    }
    record
}

fn milliseconds(us: u64) -> String {
    format!("{}.{} ms", us / 1000, us % 1000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_and_filter_all_have_to_fit() {
        let filter = |text| RawJson::parse(text).unwrap();
        let cases = [
            (filter("{ }"), None, None, "{ }"),
            (filter("{}"), Some("a:1-b"), None, r#"{"policy_rule_uri":"a:1-b"}"#),
            (
                filter(r#"{"identity":"x"}"#),
                Some("a:1-b"),
                Some(Status::Failed),
                r#"{"$and":[{"policy_rule_uri":"a:1-b"},{"status":"failed"},{"identity":"x"}]}"#,
            ),
        ];
        for (given, policy, status, expected) in cases {
            assert_eq!(narrowed(given, policy, status).as_str(), expected);
        }
    }

    #[test]
    fn a_duration_is_shown_in_milliseconds() {
        for (us, text) in [(0, "0.0 ms"), (999, "0.9 ms"), (12_345, "12.3 ms")] {
            assert_eq!(milliseconds(us), text);
        }
    }
}
