//! `writ job wait ID...`: waits until jobs are over.

use clap::Args;

use super::display;
use super::waiting::Waiting;
use crate::args::Global;
use crate::client::Client;
use crate::duration::Length;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::say;

/// Exits 0 where each gave an output, otherwise as the first that did not: as a run that failed of
/// the same, 9 where it was cancelled, 10 where it is not over.
#[derive(Debug, Args)]
pub(crate) struct Wait {
    /// The jobs
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// How long, as `10m`; without it as long as it takes
    #[arg(long, value_name = "LENGTH")]
    timeout: Option<Length>,
}

impl Wait {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
        until_over(global, &global.client()?, &self.ids, self.timeout)
    }
}

/// Waits for all of them, prints them, and says on standard error why one gave no output.
pub(super) fn until_over(
    global: &Global,
    client: &Client,
    ids: &[String],
    timeout: Option<Length>,
) -> Result<Exit, Failure> {
    let terminal = global.terminal();
    let (mut jobs, mut failures) = (Vec::new(), Vec::new());
    {
        let progress = terminal.watching();
        let waiting = Waiting::new(client, &progress, timeout);
        for id in ids {
            match waiting.end_of(id) {
                Ok((text, document)) => {
                    failures.extend(document.outcome().err());
                    jobs.push(text);
                }
                Err(failure) => failures.push(failure.at(format!("job {id}"))),
            }
        }
    }
    settle(terminal, &jobs, &failures)
}

/// Prints the jobs, then what went wrong with them; the exit code is the first failure's.
pub(super) fn settle(
    terminal: crate::output::Terminal,
    jobs: &[String],
    failures: &[Failure],
) -> Result<Exit, Failure> {
    if !jobs.is_empty() {
        display::show(terminal, jobs)?;
    }
    for failure in failures {
        say(&failure.render());
    }
    Ok(failures.first().map_or(Exit::Success, Failure::exit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::job::document::tests::document;
    use crate::command::job::fixture::{Fake, data, problem};
    use serde_json::json;

    /// A server whose jobs are called as they are.
    fn fake() -> Fake {
        Fake::start(|request| {
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
