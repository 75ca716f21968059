//! `writ job redrive`: retries every job that failed because its runner was lost.

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use writ_model::RawJson;

use super::display::{self, format_count};
use super::retry_policy::RetryPolicy;
use crate::client::{ApiRequest, ApiResponse, Client};
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;
use crate::input;
use crate::output::Progress;

/// Retries jobs with lost runners, or the jobs of a filter, and of these only jobs without a result.
/// Dead-lettered job signals are put back into the queue, too.
#[derive(Debug, Args)]
pub(crate) struct Redrive {
    /// Retry the jobs of this Mongo filter instead: JSON, a file, or `-` for standard input
    #[arg(long, value_name = "JSON")]
    filter: Option<String>,
    /// List the jobs that would be retried, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// The server's report of one page, or the total of all pages.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct RedriveReport {
    retried: u64,
    job_ids: Vec<String>,
    skipped: u64,
    #[serde(rename = "hints")]
    signals: u64,
    #[serde(skip_serializing)]
    next_token: Option<String>,
}

impl Redrive {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        let (client, terminal) = (global.client()?, global.terminal());
        let filter = input::optional_json(self.filter.as_deref())?;
        if self.dry_run {
            let jobs = {
                let progress = terminal.progress("searching", None);
                query_jobs(&client, &progress, filter)?
            };
            display::print_jobs(terminal, &jobs)?;
            terminal.note(&format!("{} would be retried", format_count(jobs.len() as u64)));
            return Ok(Exit::Success);
        }
        let body = filter.unwrap_or_else(RawJson::empty_object);
        let mut total = RedriveReport::default();
        {
            let progress = terminal.progress("retrying", None);
            total
                .redrive_all(&client, &progress, &body)
                .map_err(|failure| failure.note(total.summary()))?;
        }
        terminal.print(&json!(total).to_string(), |_| total.summary())?;
        Ok(Exit::Success)
    }
}

impl RedriveReport {
    /// Redrives page by page and adds the reports to this one.
    fn redrive_all(
        &mut self,
        client: &Client,
        progress: &Progress,
        filter: &RawJson,
    ) -> Result<(), CliError> {
        loop {
            let request = ApiRequest::post(&["jobs", "redrive"], filter.as_str())
                .query("next_token", self.next_token.as_deref());
            let response = send_with_retries(client, &request)?;
            let page: Self = serde_json::from_str(&response.data)
                .map_err(|_| CliError::new(Exit::Internal, "the server's report is malformed"))?;
            progress.add(page.retried);
            self.retried += page.retried;
            self.skipped += page.skipped;
            self.signals += page.signals;
            self.job_ids.extend(page.job_ids);
            let next = page.next_token.or(response.next_token);
            match next {
                None => return Ok(()),
                same if same == self.next_token => return Err(no_progress()),
                next => self.next_token = next,
            }
        }
    }

    fn summary(&self) -> String {
        format!(
            "{} retried, {} skipped, {} messages put back\n",
            format_count(self.retried),
            format_count(self.skipped),
            format_count(self.signals)
        )
    }
}

/// The jobs that the server would retry.
fn query_jobs(
    client: &Client,
    progress: &Progress,
    filter: Option<RawJson>,
) -> Result<Vec<String>, CliError> {
    let default = json!({"job_status": "failed", "error.kind": "executor_fault"});
    let without_result = json!({"job_status": {"$in": ["failed", "timed_out", "cancelled"]}});
    let filter = filter.map_or(default, |filter| filter.value());
    let filter = json!({"$and": [without_result, filter]}).to_string();
    let (mut jobs, mut next) = (Vec::new(), None::<String>);
    loop {
        let request = ApiRequest::post(&["jobs", "query"], filter.as_str())
            .query("projection", Some(display::FIELDS))
            .query("next_token", next.as_deref());
        let response = send_with_retries(client, &request)?;
        let page: Vec<Value> = serde_json::from_str(&response.data)
            .map_err(|_| CliError::new(Exit::Internal, "the server's page is not a list"))?;
        progress.add(page.len() as u64);
        jobs.extend(page.iter().map(Value::to_string));
        match response.next_token {
            None => return Ok(jobs),
            same if same == next => return Err(no_progress()),
            token => next = token,
        }
    }
}

/// Sends a request that is idempotent, with retries.
fn send_with_retries(client: &Client, request: &ApiRequest) -> Result<ApiResponse, CliError> {
    RetryPolicy::DEFAULT
        .send(client, request, None)?
        .map_err(|problem| client.failure(request, &problem))
}

fn no_progress() -> CliError {
    CliError::new(Exit::Internal, "the server returned the token of the same page again")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::job::document::tests::document;
    use crate::command::job::fake_server::{FakeServer, data, problem};
    use crate::error::tests::plain;

    fn page(ids: &[&str], next: Option<&str>) -> String {
        data(&json!({
            "retried": ids.len(), "job_ids": ids, "skipped": 1, "hints": 2, "next_token": next,
        }))
    }

    #[test]
    fn every_page_is_redriven() {
        let fake = FakeServer::start(|request| match request.line.as_str() {
            "POST /jobs/redrive" => (200, page(&["a", "b"], Some("n"))),
            _ => (200, page(&["c"], None)),
        });
        let progress = crate::output::Terminal::new(crate::output::Format::Table, true).spinner();
        let mut total = RedriveReport::default();
        total.redrive_all(&fake.client(), &progress, &RawJson::empty_object()).unwrap();
        assert_eq!(total.summary(), "3 retried, 2 skipped, 4 messages put back\n");
        assert_eq!(total.job_ids, ["a", "b", "c"]);
        assert_eq!(fake.run(&["redrive", "--filter", r#"{"name": 1.0}"#]).unwrap(), Exit::Success);
        assert_eq!(fake.lines()[2..], ["POST /jobs/redrive", "POST /jobs/redrive?next_token=n"]);
        assert_eq!(fake.requests()[3].body, r#"{"name": 1.0}"#);
    }

    #[test]
    fn what_was_done_before_a_failure_is_reported() {
        let fake = FakeServer::start(|request| match request.line.as_str() {
            "POST /jobs/redrive" => (200, page(&["a"], Some("n"))),
            _ => (403, problem("forbidden", "no", None)),
        });
        let failure = fake.run(&["redrive"]).unwrap_err();
        assert_eq!(failure.exit(), Exit::Forbidden);
        assert!(plain(&failure.render()).contains("= 1 retried, 1 skipped"), "{failure:?}");
    }

    #[test]
    fn a_server_that_turns_in_circles_is_left() {
        let fake = FakeServer::start(|_| (200, page(&[], Some("n"))));
        assert_eq!(fake.run(&["redrive"]).unwrap_err().exit(), Exit::Internal);
        assert_eq!(fake.lines().len(), 2);
    }

    #[test]
    fn a_dry_run_asks_and_changes_nothing() {
        let fake = FakeServer::start(|_| (200, data(&json!([document("j", "failed", json!({}))]))));
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
            let last = fake.requests().pop().unwrap();
            assert!(last.line.starts_with("POST /jobs/query?projection="), "{}", last.line);
            assert_eq!(last.body, expected);
        }
    }
}
