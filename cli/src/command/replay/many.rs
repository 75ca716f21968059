//! Every record since some time.

use serde::Serialize;
use serde_json::{Value, json};
use writ_model::{ErrorKind, Timestamp};

use crate::args::Global;
use crate::client::{Call, Client};
use crate::exit::Exit;
use crate::failure::Failure;

/// Records of one page of the log.
const PAGE: &str = "1000";

/// What came of all of them.
#[derive(Debug, Default, Serialize)]
struct Report {
    /// How many gave the same bytes.
    same: usize,
    /// Those that did not.
    different: Vec<Different>,
    /// Those that could not be run again, by reason.
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

/// Runs them again, newest first, and tells what differs.
pub(super) fn replay(
    global: &Global,
    since: Timestamp,
    policy: Option<&str>,
) -> Result<Exit, Failure> {
    let (client, terminal) = (global.client()?, global.terminal());
    let found = recorded(&client, since, policy)?;
    let mut report = Report::default();
    {
        let progress = terminal.progress("replaying", Some(found.len() as u64));
        for (done, (id, uri)) in found.iter().enumerate() {
            report.add(&client, id, uri).map_err(|failure| {
                failure.note(format!("{done} of {} executions were run again", found.len()))
            })?;
            progress.add(1);
        }
    }
    let text = json!(report).to_string();
    terminal.show(&text, |_| report.told(found.len(), since))?;
    Ok(if report.different.is_empty() { Exit::Success } else { Exit::Failed })
}

/// The executions that were no replays themselves: id and policy.
fn recorded(
    client: &Client,
    since: Timestamp,
    policy: Option<&str>,
) -> Result<Vec<(String, String)>, Failure> {
    let mut filter = json!({"started_at": {"$gte": since}, "cause": {"$ne": "replay"}});
    if let (Some(policy), Value::Object(members)) = (policy, &mut filter) {
        members.insert("policy_rule_uri".to_owned(), json!(policy));
    }
    let (mut found, mut next) = (Vec::new(), None::<String>);
    loop {
        let call = Call::post(&["executions", "query"], filter.to_string())
            .query("limit", Some(PAGE))
            .query("projection", Some("execution_id,policy_rule_uri"))
            .query("next_token", next.as_deref());
        let answer = client.send(&call)?;
        let page: Vec<Value> = serde_json::from_str(&answer.data)
            .map_err(|_| Failure::new(Exit::Internal, "the server's page is no list"))?;
        found.extend(page.iter().map(|item| {
            let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default();
            (text("execution_id").to_owned(), text("policy_rule_uri").to_owned())
        }));
        next = answer.next_token;
        if next.is_none() {
            return Ok(found);
        }
    }
}

impl Report {
    fn add(&mut self, client: &Client, id: &str, uri: &str) -> Result<(), Failure> {
        let call = Call::post(&["executions", id, "replay"], "{}");
        match client.try_send(&call)? {
            Ok(answer) => self.compared(id, uri, &answer.data),
            Err(problem) if problem.error.kind == ErrorKind::NotRepeatable => {
                self.not_replayable(id, &problem.error.message);
            }
            Err(problem) => return Err(client.failure(&call, &problem)),
        }
        Ok(())
    }

    fn compared(&mut self, id: &str, uri: &str, data: &str) {
        let replayed: Value = serde_json::from_str(data).unwrap_or_default();
        if super::one::is_same(&replayed) {
            self.same += 1;
            return;
        }
        let listed = replayed.get("differences").and_then(Value::as_array);
        let differences = listed.into_iter().flatten().map(|difference| {
            difference.as_str().map_or_else(|| difference.to_string(), str::to_owned)
        });
        self.different.push(Different {
            execution_id: id.to_owned(),
            policy_rule_uri: uri.to_owned(),
            differences: differences.collect(),
        });
    }

    fn not_replayable(&mut self, id: &str, reason: &str) {
        match self.not_replayable.iter_mut().find(|known| known.reason == reason) {
            Some(known) => known.count += 1,
            None => self.not_replayable.push(NotReplayable {
                reason: reason.to_owned(),
                count: 1,
                execution_id: id.to_owned(),
            }),
        }
    }

    fn told(&self, total: usize, since: Timestamp) -> String {
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
        report.compared("a", "p:1-x", r#"{"same": true, "differences": []}"#);
        report.compared("b", "p:1-x", r#"{"same": false, "differences": ["output: was 1, is 2"]}"#);
        report.not_replayable("c", "because");
        report.not_replayable("d", "because");
        let since = Timestamp::from_ms(0);
        assert_eq!(
            report.told(4, since),
            "4 executions since 1970-01-01T00:00:00.000Z: 1 same, 1 different, 2 not replayable\n\
             \ndifferent: b p:1-x\n  output: was 1, is 2\n\
             \nnot replayable: 2 as c\n  because\n"
        );
    }
}
