//! `writ job get ID`: shows a job.

use clap::Args;

use super::document::Document;
use crate::args::Global;
use crate::client::Call;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::table;

/// With its attempts, its place in the queue, its output or error.
#[derive(Debug, Args)]
pub(crate) struct Get {
    /// The job
    id: String,
    /// The policy's output alone, byte for byte; fails where there is none
    #[arg(long)]
    result: bool,
}

impl Get {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
        let answer = global.client()?.send(&Call::get(&["jobs", &self.id]))?;
        if self.result {
            let job = Document::read(&answer.data)?;
            job.outcome()?;
            global.terminal().show_output(job.output())?;
        } else {
            global.terminal().show(&answer.data, table::members)?;
        }
        Ok(Exit::Success)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::job::document::tests::document;
    use crate::command::job::fixture::{Fake, data};
    use serde_json::json;

    #[test]
    fn a_job_is_shown_whatever_it_came_to_and_its_result_only_if_it_has_one() {
        for (status, expected) in [("completed", Exit::Success), ("failed", Exit::Failed)] {
            let fake = Fake::start(move |_| (200, data(&document("j", status, json!({})))));
            assert_eq!(fake.run(&["get", "j"]).unwrap(), Exit::Success);
            let result = fake.run(&["get", "j", "--result"]);
            assert_eq!(result.unwrap_or_else(|failure| failure.exit()), expected);
            assert_eq!(fake.lines(), ["GET /jobs/j"; 2]);
        }
    }
}
