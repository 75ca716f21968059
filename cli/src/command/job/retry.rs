//! `writ job retry ID...`: retries jobs that gave no result.

use clap::Args;

use super::wait::{print_results, wait_for_all};
use crate::client::ApiRequest;
use crate::duration::DurationArg;
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;

/// A job that failed, timed out or was cancelled is queued again; its record of attempts stays.
#[derive(Debug, Args)]
pub(crate) struct Retry {
    /// The ids of the jobs
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// Wait until the jobs have ended, as `writ job wait` does
    #[arg(long)]
    wait: bool,
    /// Stop waiting after this duration, as `10m` [default: no limit]
    #[arg(long, value_name = "LENGTH", requires = "wait")]
    wait_timeout: Option<DurationArg>,
}

impl Retry {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        let client = global.client()?;
        let (mut ids, mut jobs, mut failures) = (Vec::new(), Vec::new(), Vec::new());
        for id in self.ids {
            match client.send(&ApiRequest::post(&["jobs", &id, "retry"], "{}")) {
                Ok(response) => {
                    jobs.push(response.data);
                    ids.push(id);
                }
                Err(failure) => failures.push(failure),
            }
        }
        if !self.wait {
            return print_results(global.terminal(), &jobs, &failures);
        }
        let refused = print_results(global.terminal(), &[], &failures)?;
        let waited = wait_for_all(global, &client, &ids, self.wait_timeout)?;
        Ok(if refused == Exit::Success { waited } else { refused })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::job::document::tests::document;
    use crate::command::job::fake_server::{FakeServer, data, problem};
    use serde_json::json;

    fn fake() -> FakeServer {
        FakeServer::start(|request| match request.line.as_str() {
            "POST /jobs/done/retry" => (409, problem("conflict", "job `done` is completed", None)),
            line if line.starts_with("POST") => (200, data(&document("j", "queued", json!({})))),
            line if line.contains("/bad?") => (200, data(&document("bad", "failed", json!({})))),
            _ => (200, data(&document("j", "completed", json!({})))),
        })
    }

    #[test]
    fn each_job_is_retried_and_waited_for_if_requested() {
        let cases: [(&[&str], Exit, &[&str]); 5] = [
            (&["a"], Exit::Success, &["POST /jobs/a/retry"]),
            (&["a", "--wait"], Exit::Success, &["POST /jobs/a/retry", "GET /jobs/a?wait=20s"]),
            (&["bad", "--wait"], Exit::Failed, &["POST /jobs/bad/retry", "GET /jobs/bad?wait=20s"]),
            (&["done", "a"], Exit::Conflict, &["POST /jobs/done/retry", "POST /jobs/a/retry"]),
            (&["done", "--wait"], Exit::Conflict, &["POST /jobs/done/retry"]),
        ];
        for (arguments, exit, lines) in cases {
            let fake = fake();
            let words = ["retry"].iter().chain(arguments).copied().collect::<Vec<_>>();
            assert_eq!(fake.run(&words).unwrap(), exit, "{arguments:?}");
            assert_eq!(fake.lines(), lines);
        }
    }
}
