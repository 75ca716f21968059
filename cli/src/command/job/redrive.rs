//! `writ job redrive`: tries every job again that the platform lost.

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use writ_model::RawJson;

use super::display::{self, count};
use super::retry_policy::RetryPolicy;
use crate::args::Global;
use crate::client::{Answer, Call, Client};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::input;
use crate::output::Progress;

/// Those that failed because their runners were lost, unless a filter says which; only jobs without
/// a result are tried again. Messages that nobody could deliver are put back besides.
#[derive(Debug, Args)]
pub(crate) struct Redrive {
    /// Which jobs instead, by a Mongo filter: JSON, a file, or `-`
    #[arg(long, value_name = "JSON")]
    filter: Option<String>,
    /// List the jobs that would be tried again, and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// What was done, by pages.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct Redriven {
    retried: u64,
    job_ids: Vec<String>,
    skipped: u64,
    #[serde(rename = "hints")]
    signals: u64,
    #[serde(skip_serializing)]
    next_token: Option<String>,
}

impl Redrive {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
        let (client, terminal) = (global.client()?, global.terminal());
        let filter = input::optional_json(self.filter.as_deref())?;
        if self.dry_run {
            let jobs = {
                let progress = terminal.progress("looking", None);
                found(&client, &progress, filter)?
            };
            display::show(terminal, &jobs)?;
            terminal.note(&format!("{} would be tried again", count(jobs.len() as u64)));
            return Ok(Exit::Success);
        }
        let body = filter.unwrap_or_else(RawJson::empty_object);
        let mut total = Redriven::default();
        {
            let progress = terminal.progress("trying again", None);
            total.drive(&client, &progress, &body).map_err(|failure| failure.note(total.told()))?;
        }
        terminal.show(&json!(total).to_string(), |_| total.told())?;
        Ok(Exit::Success)
    }
}

impl Redriven {
    /// Page after page, to the end.
    fn drive(
        &mut self,
        client: &Client,
        progress: &Progress,
        filter: &RawJson,
    ) -> Result<(), Failure> {
        loop {
            let call = Call::post(&["jobs", "redrive"], filter.as_str())
                .query("next_token", self.next_token.as_deref());
            let answer = patiently(client, &call)?;
            let page: Self = serde_json::from_str(&answer.data)
                .map_err(|_| Failure::new(Exit::Internal, "the server's report is none"))?;
            progress.add(page.retried);
            self.retried += page.retried;
            self.skipped += page.skipped;
            self.signals += page.signals;
            self.job_ids.extend(page.job_ids);
            let next = page.next_token.or(answer.next_token);
            match next {
                None => return Ok(()),
                same if same == self.next_token => return Err(no_progress()),
                next => self.next_token = next,
            }
        }
    }

    fn told(&self) -> String {
        format!(
            "{} tried again, {} skipped, {} messages put back\n",
            count(self.retried),
            count(self.skipped),
            count(self.signals)
        )
    }
}

/// The jobs that the server would try again.
fn found(
    client: &Client,
    progress: &Progress,
    filter: Option<RawJson>,
) -> Result<Vec<String>, Failure> {
    let usual = json!({"job_status": "failed", "error.kind": "executor_fault"});
    let without_result = json!({"job_status": {"$in": ["failed", "timed_out", "cancelled"]}});
    let filter = filter.map_or(usual, |filter| filter.value());
    let filter = json!({"$and": [without_result, filter]}).to_string();
    let (mut jobs, mut next) = (Vec::new(), None::<String>);
    loop {
        let call = Call::post(&["jobs", "query"], filter.as_str())
            .query("projection", Some(display::FIELDS))
            .query("next_token", next.as_deref());
        let answer = patiently(client, &call)?;
        let page: Vec<Value> = serde_json::from_str(&answer.data)
            .map_err(|_| Failure::new(Exit::Internal, "the server's page is no list"))?;
        progress.add(page.len() as u64);
        jobs.extend(page.iter().map(Value::to_string));
        match answer.next_token {
            None => return Ok(jobs),
            same if same == next => return Err(no_progress()),
            token => next = token,
        }
    }
}

/// Asking twice for the same page does no harm.
fn patiently(client: &Client, call: &Call) -> Result<Answer, Failure> {
    RetryPolicy::USUAL.send(client, call, None)?.map_err(|problem| client.failure(call, &problem))
}

fn no_progress() -> Failure {
    Failure::new(Exit::Internal, "the server names the same page as its next")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::job::document::tests::document;
    use crate::command::job::fixture::{Fake, data, problem};
    use crate::failure::tests::plain;

    fn page(ids: &[&str], next: Option<&str>) -> String {
        data(&json!({
            "retried": ids.len(), "job_ids": ids, "skipped": 1, "hints": 2, "next_token": next,
        }))
    }

    #[test]
    fn pages_are_driven_to_the_end() {
        let fake = Fake::start(|request| match request.line.as_str() {
            "POST /jobs/redrive" => (200, page(&["a", "b"], Some("n"))),
            _ => (200, page(&["c"], None)),
        });
        let progress = crate::output::Terminal::new(crate::output::Format::Table, true).watching();
        let mut total = Redriven::default();
        total.drive(&fake.client(), &progress, &RawJson::empty_object()).unwrap();
        assert_eq!(total.told(), "3 tried again, 2 skipped, 4 messages put back\n");
        assert_eq!(total.job_ids, ["a", "b", "c"]);
        assert_eq!(fake.run(&["redrive", "--filter", r#"{"name": 1.0}"#]).unwrap(), Exit::Success);
        assert_eq!(fake.lines()[2..], ["POST /jobs/redrive", "POST /jobs/redrive?next_token=n"]);
        assert_eq!(fake.seen()[3].body, r#"{"name": 1.0}"#);
    }

    #[test]
    fn what_was_done_before_a_failure_is_told() {
        let fake = Fake::start(|request| match request.line.as_str() {
            "POST /jobs/redrive" => (200, page(&["a"], Some("n"))),
            _ => (403, problem("forbidden", "no", None)),
        });
        let failure = fake.run(&["redrive"]).unwrap_err();
        assert_eq!(failure.exit(), Exit::Forbidden);
        assert!(plain(&failure.render()).contains("= 1 tried again, 1 skipped"), "{failure:?}");
    }

    #[test]
    fn a_server_that_turns_in_circles_is_left() {
        let fake = Fake::start(|_| (200, page(&[], Some("n"))));
        assert_eq!(fake.run(&["redrive"]).unwrap_err().exit(), Exit::Internal);
        assert_eq!(fake.lines().len(), 2);
    }

    #[test]
    fn a_dry_run_asks_and_changes_nothing() {
        let fake = Fake::start(|_| (200, data(&json!([document("j", "failed", json!({}))]))));
        for (arguments, expected) in [
            (
                &["redrive", "--dry-run"][..],
                r#"{"$and":[{"job_status":{"$in":["failed","timed_out","cancelled"]}},{"job_status":"failed","error.kind":"executor_fault"}]}"#,
            ),
            (
                &["redrive", "--dry-run", "--filter", r#"{"name":"n"}"#],
                r#"{"$and":[{"job_status":{"$in":["failed","timed_out","cancelled"]}},{"name":"n"}]}"#,
            ),
        ] {
            assert_eq!(fake.run(arguments).unwrap(), Exit::Success);
            let last = fake.seen().pop().unwrap();
            assert!(last.line.starts_with("POST /jobs/query?projection="), "{}", last.line);
            assert_eq!(last.body, expected);
        }
    }
}
