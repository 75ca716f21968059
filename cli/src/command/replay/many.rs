//! Replay of every execution since a point in time.

use serde::Serialize;
use serde_json::{Value, json};
use writ_model::{ErrorKind, Timestamp};

use crate::client::{ApiRequest, Client};
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;

/// Executions of one page of the listing.
const PAGE: &str = "1000";

/// The results of all replays.
#[derive(Debug, Default, Serialize)]
struct Report {
    /// The number of replays with the same bytes.
    same: usize,
    different: Vec<Different>,
    /// Executions that cannot be replayed, grouped by reason.
    not_replayable: Vec<NotReplayable>,
}

#[derive(Debug, Serialize)]
struct Different {
    execution_id: String,
    policy_rule_uri: String,
    differences: Vec<String>,
}

#[derive(Debug, Serialize)]
struct NotReplayable {
    reason: String,
    count: usize,
    execution_id: String,
}

/// Replays the executions, newest first, and prints the differences.
pub(super) fn replay(
    global: &GlobalArgs,
    since: Timestamp,
    policy: Option<&str>,
) -> Result<Exit, CliError> {
    let (client, terminal) = (global.client()?, global.terminal());
    let executions = list_executions(&client, since, policy)?;
    let mut report = Report::default();
    {
        let progress = terminal.progress("replaying", Some(executions.len() as u64));
        for (done, (id, uri)) in executions.iter().enumerate() {
            report.add(&client, id, uri).map_err(|failure| {
                failure.note(format!("{done} of {} executions were replayed", executions.len()))
            })?;
            progress.add(1);
        }
    }
    let text = json!(report).to_string();
    terminal.print(&text, |_| report.render(executions.len(), since))?;
    Ok(if report.different.is_empty() { Exit::Success } else { Exit::Failed })
}

/// Lists the executions, id and policy, without those that were replays themselves.
fn list_executions(
    client: &Client,
    since: Timestamp,
    policy: Option<&str>,
) -> Result<Vec<(String, String)>, CliError> {
    let mut filter = json!({"started_at": {"$gte": since}, "cause": {"$ne": "replay"}});
    if let (Some(policy), Value::Object(members)) = (policy, &mut filter) {
        members.insert("policy_rule_uri".to_owned(), json!(policy));
    }
    let (mut found, mut next) = (Vec::new(), None::<String>);
    loop {
        let request = ApiRequest::post(&["executions", "query"], filter.to_string())
            .query("limit", Some(PAGE))
            .query("projection", Some("execution_id,policy_rule_uri"))
            .query("next_token", next.as_deref());
        let response = client.send(&request)?;
        let page: Vec<Value> = serde_json::from_str(&response.data)
            .map_err(|_| CliError::new(Exit::Internal, "the server's page is not a list"))?;
        found.extend(page.iter().map(|item| {
            let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
            (text("execution_id").to_owned(), text("policy_rule_uri").to_owned())
        }));
        next = response.next_token;
        if next.is_none() {
            return Ok(found);
        }
    }
}

impl Report {
    fn add(&mut self, client: &Client, id: &str, uri: &str) -> Result<(), CliError> {
        let request = ApiRequest::post(&["executions", id, "replay"], "{}");
        match client.try_send(&request)? {
            Ok(response) => self.add_comparison(id, uri, &response.data),
            Err(problem) if problem.error.kind == ErrorKind::NotRepeatable => {
                self.add_not_replayable(id, &problem.error.message);
            }
            Err(problem) => return Err(client.failure(&request, &problem)),
        }
        Ok(())
    }

    fn add_comparison(&mut self, id: &str, uri: &str, data: &str) {
        let replayed: Value = serde_json::from_str(data).unwrap_or_default();
        if super::one::is_same(&replayed) {
            self.same += 1;
            return;
        }
        let differences = replayed.get("differences").and_then(Value::as_array);
        let differences = differences.into_iter().flatten().map(|difference| {
            difference.as_str().map_or_else(|| difference.to_string(), str::to_owned)
        });
        self.different.push(Different {
            execution_id: id.to_owned(),
            policy_rule_uri: uri.to_owned(),
            differences: differences.collect(),
        });
    }

    fn add_not_replayable(&mut self, id: &str, reason: &str) {
        match self.not_replayable.iter_mut().find(|known| known.reason == reason) {
            Some(known) => known.count += 1,
            None => self.not_replayable.push(NotReplayable {
                reason: reason.to_owned(),
                count: 1,
                execution_id: id.to_owned(),
            }),
        }
    }

    fn render(&self, total: usize, since: Timestamp) -> String {
        let (same, different) = (self.same, self.different.len());
        let not = total - same - different;
        let mut text = format!(
            "{total} executions since {since}: {same} same, {different} different, {not} not \
             replayable\n"
        );
        for one in &self.different {
            text.push_str(&format!("\ndifferent: {} {}\n", one.execution_id, one.policy_rule_uri));
            for difference in &one.differences {
                text.push_str(&format!("  {difference}\n"));
            }
        }
        for one in &self.not_replayable {
            text.push_str(&format!(
                "\nnot replayable: {} as {}\n  {}\n",
                one.count, one.execution_id, one.reason
            ));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_and_what_cannot_be_run_again_is_listed() {
        let mut report = Report::default();
        report.add_comparison("a", "p:1-x", r#"{"same": true, "differences": []}"#);
        let different = r#"{"same": false, "differences": ["output: was 1, is 2"]}"#;
        report.add_comparison("b", "p:1-x", different);
        report.add_not_replayable("c", "because");
        report.add_not_replayable("d", "because");
        let since = Timestamp::from_ms(0);
        assert_eq!(
            report.render(4, since),
            "4 executions since 1970-01-01T00:00:00.000Z: 1 same, 1 different, 2 not replayable\n\
             \ndifferent: b p:1-x\n  output: was 1, is 2\n\
             \nnot replayable: 2 as c\n  because\n"
        );
    }
}
