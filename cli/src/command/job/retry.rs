//! `writ job retry ID...`: tries jobs again.

use clap::Args;

use super::wait::{settle, until_over};
use crate::args::Global;
use crate::client::Call;
use crate::duration::Length;
use crate::exit::Exit;
use crate::failure::Failure;

/// Those that failed, timed out or were cancelled: the same job, queued again, its attempts kept.
#[derive(Debug, Args)]
pub(crate) struct Retry {
    /// The jobs
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// Wait until they are over, as `writ job wait` does
    #[arg(long)]
    wait: bool,
    /// How long to wait, as `10m`; without it as long as it takes
    #[arg(long, value_name = "LENGTH", requires = "wait")]
    wait_timeout: Option<Length>,
}

impl Retry {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
        let client = global.client()?;
        let (mut ids, mut jobs, mut failures) = (Vec::new(), Vec::new(), Vec::new());
        for id in self.ids {
            match client.send(&Call::post(&["jobs", &id, "retry"], "{}")) {
                Ok(answer) => {
                    jobs.push(answer.data);
                    ids.push(id);
                }
                Err(failure) => failures.push(failure),
            }
        }
        if !self.wait {
            return settle(global.terminal(), &jobs, &failures);
        }
        let refused = settle(global.terminal(), &[], &failures)?;
        let waited = until_over(global, &client, &ids, self.wait_timeout)?;
        Ok(if refused == Exit::Success { waited } else { refused })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::job::document::tests::document;
    use crate::command::job::fixture::{Fake, data, problem};
    use serde_json::json;

    fn fake() -> Fake {
        Fake::start(|request| match request.line.as_str() {
            "POST /jobs/done/retry" => (409, problem("conflict", "job `done` is completed", None)),
            line if line.starts_with("POST") => (200, data(&document("j", "queued", json!({})))),
            line if line.contains("/bad?") => (200, data(&document("bad", "failed", json!({})))),
            _ => (200, data(&document("j", "completed", json!({})))),
        })
    }

    #[test]
    fn each_job_is_tried_again_and_waited_for_where_asked() {
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
