//! `writ job get ID`: shows a job or its output.

use clap::Args;

use super::document::JobDocument;
use crate::client::ApiRequest;
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;
use crate::output::table;

/// Shows attempts, position in the queue, output and error.
#[derive(Debug, Args)]
pub(crate) struct Get {
    /// The id of the job
    id: String,
    /// Print only the policy's output, byte for byte; fails if there is none
    #[arg(long)]
    result: bool,
}

impl Get {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        let response = global.client()?.send(&ApiRequest::get(&["jobs", &self.id]))?;
        if self.result {
            let job = JobDocument::parse(&response.data)?;
            job.outcome()?;
            global.terminal().print_output(job.output())?;
        } else {
            global.terminal().print(&response.data, table::members)?;
        }
        Ok(Exit::Success)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::job::document::tests::document;
    use crate::command::job::fake_server::{FakeServer, data};
    use serde_json::json;

    #[test]
    fn a_job_is_shown_in_any_status_and_its_result_only_if_it_has_one() {
        for (status, expected) in [("completed", Exit::Success), ("failed", Exit::Failed)] {
            let fake = FakeServer::start(move |_| (200, data(&document("j", status, json!({})))));
            assert_eq!(fake.run(&["get", "j"]).unwrap(), Exit::Success);
            let result = fake.run(&["get", "j", "--result"]);
            assert_eq!(result.unwrap_or_else(|failure| failure.exit()), expected);
            assert_eq!(fake.lines(), ["GET /jobs/j"; 2]);
        }
    }
}
