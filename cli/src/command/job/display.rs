//! Output of jobs, as a table or as documents.

use serde_json::Value;
use writ_model::Timestamp;

use crate::duration;
use crate::error::CliError;
use crate::output::table::{Column, rows};
use crate::output::{Format, Terminal};

const COLUMNS: [Column; 7] = [
    ("ID", "job_id"),
    ("NAME", "name"),
    ("POLICY", "policy_rule_uri"),
    ("STATUS", "job_status"),
    ("ATTEMPTS", "attempts_made"),
    ("SUBMITTED", "submitted_at"),
    ("TOOK", "took"),
];

/// The fields of each job that the table needs; inputs and outputs can be large.
pub(super) const FIELDS: &str =
    "job_id,name,policy_rule_uri,job_status,attempts_made,submitted_at,started_at,finished_at";

/// Renders jobs as a table.
pub(super) fn table(jobs: &[Value]) -> String {
    rows(&COLUMNS, &jobs.iter().map(with_duration).collect::<Vec<_>>())
}

/// Prints jobs: a table, one JSON document on each line, or one YAML document each.
pub(super) fn print_jobs(terminal: Terminal, jobs: &[String]) -> Result<(), CliError> {
    if terminal.format() == Format::Table {
        return terminal.print(&format!("[{}]", jobs.join(",")), |jobs| {
            table(jobs.as_array().map(Vec::as_slice).unwrap_or_default())
        });
    }
    for job in jobs {
        if terminal.format() == Format::Yaml {
            terminal.print_text("---")?;
        }
        terminal.print(job, |_| String::new())?;
    }
    Ok(())
}

/// The job with the duration of its run, formatted for the table.
fn with_duration(job: &Value) -> Value {
    let mut job = job.clone();
    let ms = |name| {
        let time: Timestamp = job.get(name)?.as_str()?.parse().ok()?;
        Some(time.as_ms())
    };
    let took = ms("finished_at").zip(ms("started_at"));
    let took = took.and_then(|(end, start)| u64::try_from(end.saturating_sub(start)).ok());
    if let (Value::Object(members), Some(took)) = (&mut job, took) {
        members.insert("took".to_owned(), Value::from(duration::format_ms(took)));
    }
    job
}

/// Formats a count with separators between thousands: `9,998`.
pub(super) fn format_count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::job::document::tests::document;
    use serde_json::json;

    #[test]
    fn a_job_is_a_row() {
        let times = json!({
            "started_at": "2026-01-31T09:30:00.000Z", "finished_at": "2026-01-31T09:30:01.250Z",
            "attempts_made": 1,
        });
        assert_eq!(
            table(&[document("a", "completed", times), document("bb", "queued", json!({}))]),
            "ID  NAME  POLICY  STATUS     ATTEMPTS  SUBMITTED                 TOOK\n\
             a   n     p:1-x   completed  1         2026-01-31T09:30:00.000Z  1.2 s\n\
             bb  n     p:1-x   queued     0         2026-01-31T09:30:00.000Z\n"
        );
    }

    #[test]
    fn counts_are_easy_to_read() {
        for (number, text) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345, "12,345"), (1_234_567, "1,234,567")]
        {
            assert_eq!(format_count(number), text);
        }
    }
}
