//! `writ plan new.json`: runs a changed policy over recorded executions and prints the outcomes
//! that would change.

use std::path::PathBuf;

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use writ_model::ErrorKind;

use crate::client::{ApiRequest, Client};
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;
use crate::policy_file::PolicyFile;
use crate::since::Since;

/// Executions of one request to the server.
const PAGE: u64 = 100;

/// Examples that are printed of one group.
const EXAMPLES_MAX: usize = 3;

/// Nothing is registered or recorded. Exits 0 if no outcome changes, 1 if one does.
#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// The changed policy's document, JSON or YAML; `-` for standard input
    file: PathBuf,
    /// The file that holds the document's `code`
    #[arg(long, value_name = "FILE")]
    code_file: Option<PathBuf>,
    /// The registered policy of the executions [default: the URI of the document]
    #[arg(long, value_name = "URI")]
    of: Option<String>,
    /// Only executions since this time: a duration as `1h`, or a time as `2026-01-31T09:30:00Z`
    #[arg(long, value_name = "TIME")]
    since: Option<Since>,
    /// The number of executions at most, newest first
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    limit: u64,
}

/// The changes of outcomes, as the server returns them page by page.
#[derive(Debug, Default, Deserialize, Serialize)]
struct PlanReport {
    considered: u64,
    same: u64,
    changed: u64,
    skipped: Vec<Skipped>,
    groups: Vec<Group>,
}

#[derive(Debug, Deserialize, Serialize)]
struct Skipped {
    reason: String,
    count: u64,
    execution_id: String,
}

#[derive(Debug, Deserialize, Serialize)]
struct Group {
    changes: Vec<Value>,
    count: u64,
    examples: Vec<Value>,
}

impl Plan {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        let file = PolicyFile::load_with(&self.file, self.code_file.as_deref())?;
        let policy = file.policy().map_err(|error| file.failure(&error))?;
        let new = policy.compiled().policy().policy_rule_uri.to_string();
        let of = self.of.clone().unwrap_or_else(|| new.clone());
        let (client, terminal) = (global.client()?, global.terminal());
        let report = self.fetch(&client, global, &file, &of)?;
        terminal.print(&json!(report).to_string(), |_| report.render(&new, &of))?;
        Ok(if report.changed == 0 { Exit::Success } else { Exit::Failed })
    }

    fn fetch(
        &self,
        client: &Client,
        global: &GlobalArgs,
        file: &PolicyFile,
        of: &str,
    ) -> Result<PlanReport, CliError> {
        let progress = global.terminal().progress("planning", None);
        let since = self.since.map(Since::time);
        let (mut report, mut next) = (PlanReport::default(), None::<String>);
        while report.considered < self.limit {
            let limit = PAGE.min(self.limit - report.considered);
            let body = format!(
                "{{\"policy\":{},\"since\":{},\"limit\":{limit},\"next_token\":{}}}",
                file.document,
                json!(since),
                json!(next)
            );
            let request = ApiRequest::post(&["policy", of, "plan"], body);
            let response = client.try_send(&request)?.map_err(|problem| {
                if problem.error.diagnostics.is_empty() {
                    let failure = client.failure(&request, &problem);
                    match (problem.error.kind, &self.of) {
                        (ErrorKind::NotFound, None) => {
                            failure.help("set the registered policy with `--of`")
                        }
                        _ => failure,
                    }
                } else {
                    file.failure(&problem.error)
                }
            })?;
            let page: PlanReport = serde_json::from_str(&response.data)
                .map_err(|_| CliError::new(Exit::Internal, "the server's plan is malformed"))?;
            progress.add(page.considered);
            report.add(page);
            next = response.next_token;
            if next.is_none() {
                break;
            }
        }
        report.groups.sort_by_key(|group| std::cmp::Reverse(group.count));
        Ok(report)
    }
}

impl PlanReport {
    /// Merges a later page: groups with the same changes are counted together.
    fn add(&mut self, page: Self) {
        self.considered += page.considered;
        self.same += page.same;
        self.changed += page.changed;
        for skipped in page.skipped {
            match self.skipped.iter_mut().find(|known| known.reason == skipped.reason) {
                Some(known) => known.count += skipped.count,
                None => self.skipped.push(skipped),
            }
        }
        for group in page.groups {
            match self.groups.iter_mut().find(|known| known.changes == group.changes) {
                Some(known) => {
                    known.count += group.count;
                    known.examples.extend(group.examples);
                    known.examples.truncate(EXAMPLES_MAX);
                }
                None => self.groups.push(group),
            }
        }
    }

    fn render(&self, new: &str, of: &str) -> String {
        let skipped: u64 = self.skipped.iter().map(|skipped| skipped.count).sum();
        let mut text = format!(
            "{new} over {} executions of {of}: {} same, {} changed, {skipped} not replayable\n",
            self.considered, self.same, self.changed
        );
        for group in &self.groups {
            text.push_str(&format!("\n{} of them:\n", group.count));
            for change in &group.changes {
                text.push_str(&format!("  {}\n", render_change(change)));
            }
            for example in &group.examples {
                let part = |name: &str| example.get(name).map(truncate).unwrap_or_default();
                let id = example.get("execution_id").and_then(Value::as_str).unwrap_or_default();
                text.push_str(&format!(
                    "    {id} {}\n      was {}\n      is  {}\n",
                    part("input_data"),
                    part("was"),
                    part("is")
                ));
            }
        }
        for one in &self.skipped {
            text.push_str(&format!(
                "\nnot replayable: {} as {}\n  {}\n",
                one.count, one.execution_id, one.reason
            ));
        }
        text
    }
}

/// Renders the change at one location of the output.
fn render_change(change: &Value) -> String {
    let path = change.get("path").and_then(Value::as_str).unwrap_or_default();
    let location = if path.is_empty() { "the output" } else { path };
    match (change.get("change").and_then(Value::as_str), change.get("was"), change.get("is")) {
        (Some("added"), ..) => format!("{location} is new"),
        (Some("removed"), ..) => format!("{location} is gone"),
        (_, Some(was), Some(is)) => format!("{location}: {was} -> {is}"),
        _ => format!("{location} has another value"),
    }
}

/// JSON text on one line, cut after 160 characters.
fn truncate(value: &Value) -> String {
    const CHARS_MAX: usize = 160;
    let text = value.to_string();
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(count: u64, id: &str) -> PlanReport {
        serde_json::from_value(json!({
            "considered": count + 2, "same": 1, "changed": count,
            "skipped": [{"reason": "masked", "count": 1, "execution_id": id}],
            "groups": [{
                "changes": [
                    {"path": "/allowed", "change": "changed", "was": true, "is": false},
                    {"path": "/reason", "change": "added"},
                ],
                "count": count,
                "examples": [{"execution_id": id, "input_data": {"ip": "x"}, "was": {"allowed": true}, "is": 1}],
            }],
        }))
        .unwrap()
    }

    #[test]
    fn pages_are_counted_together_and_told_once() {
        let mut report = page(2, "a");
        report.add(page(3, "b"));
        assert_eq!(
            report.render("p:2-x", "p:1-x"),
            "p:2-x over 9 executions of p:1-x: 2 same, 5 changed, 2 not replayable\n\
             \n5 of them:\n  /allowed: true -> false\n  /reason is new\n    \
             a {\"ip\":\"x\"}\n      was {\"allowed\":true}\n      is  1\n    \
             b {\"ip\":\"x\"}\n      was {\"allowed\":true}\n      is  1\n\
             \nnot replayable: 2 as a\n  masked\n"
        );
    }
}
