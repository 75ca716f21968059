//! `writ job wait ID...`: waits until jobs have ended.

use clap::Args;

use super::display;
use super::job_waiter::JobWaiter;
use crate::client::Client;
use crate::duration::DurationArg;
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;
use crate::output::print_stderr;

/// Exits 0 if each job completed, otherwise with the code of the first that did not: that of `writ
/// run` for the same error, 9 for a cancelled job, 10 if the wait timed out.
#[derive(Debug, Args)]
pub(crate) struct Wait {
    /// The ids of the jobs
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// Stop waiting after this duration, as `10m` [default: no limit]
    #[arg(long, value_name = "LENGTH")]
    timeout: Option<DurationArg>,
}

impl Wait {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        wait_for_all(global, &global.client()?, &self.ids, self.timeout)
    }
}

/// Waits for all jobs, prints them, and prints the errors of those that did not complete.
pub(super) fn wait_for_all(
    global: &GlobalArgs,
    client: &Client,
    ids: &[String],
    timeout: Option<DurationArg>,
) -> Result<Exit, CliError> {
    let terminal = global.terminal();
    let (mut jobs, mut failures) = (Vec::new(), Vec::new());
    {
        let progress = terminal.spinner();
        let waiting = JobWaiter::new(client, &progress, timeout);
        for id in ids {
            match waiting.wait_for(id) {
                Ok((text, document)) => {
                    failures.extend(document.outcome().err());
                    jobs.push(text);
                }
                Err(failure) => failures.push(failure.at(format!("job {id}"))),
            }
        }
    }
    print_results(terminal, &jobs, &failures)
}

/// Prints the jobs, then the errors; the exit code is that of the first error.
pub(super) fn print_results(
    terminal: crate::output::Terminal,
    jobs: &[String],
    failures: &[CliError],
) -> Result<Exit, CliError> {
    if !jobs.is_empty() {
        display::print_jobs(terminal, jobs)?;
    }
    for failure in failures {
        print_stderr(&failure.render());
    }
    Ok(failures.first().map_or(Exit::Success, CliError::exit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::job::document::tests::document;
    use crate::command::job::fake_server::{FakeServer, data, problem};
    use serde_json::json;

    /// A server on which the id of a job is its status.
    fn fake() -> FakeServer {
        FakeServer::start(|request| {
            let id = request.line.trim_start_matches("GET /jobs/").split('?').next().unwrap();
            match id {
                "missing" => (404, problem("not_found", "there is no job `missing`", None)),
                status => (200, data(&document(status, status, json!({})))),
            }
        })
    }

    #[test]
    fn the_exit_code_is_the_first_that_gave_no_output() {
        let cases: [(&[&str], Exit); 7] = [
            (&["completed"], Exit::Success),
            (&["failed"], Exit::Failed),
            (&["timed_out"], Exit::Failed),
            (&["completed", "cancelled", "failed"], Exit::Cancelled),
            (&["missing", "completed"], Exit::NotFound),
            (&["running", "--timeout", "0s"], Exit::Unfinished),
            (&["running", "completed", "--timeout", "0s"], Exit::Unfinished),
        ];
        for (arguments, expected) in cases {
            let words = ["wait"].iter().chain(arguments).copied().collect::<Vec<_>>();
            assert_eq!(fake().run(&words).unwrap(), expected, "{arguments:?}");
        }
    }
}
