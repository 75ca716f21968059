//! `writ job cancel ID...`: cancels jobs.

use clap::Args;
use ureq::http::Method;

use super::wait::print_results;
use crate::client::ApiRequest;
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;

/// A queued job never runs; the policy of a running one is killed within seconds. The command does
/// not ask for confirmation.
#[derive(Debug, Args)]
pub(crate) struct Cancel {
    /// The ids of the jobs
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
}

impl Cancel {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        let client = global.client()?;
        let (mut jobs, mut failures) = (Vec::new(), Vec::new());
        for id in &self.ids {
            match client.send(&ApiRequest::new(Method::DELETE, &["jobs", id])) {
                Ok(response) => jobs.push(response.data),
                Err(failure) => failures.push(failure),
            }
        }
        print_results(global.terminal(), &jobs, &failures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::job::document::tests::document;
    use crate::command::job::fake_server::{FakeServer, data, problem};
    use serde_json::json;

    #[test]
    fn each_job_is_cancelled_even_if_another_is_refused() {
        let fake = FakeServer::start(|request| match request.line.as_str() {
            "DELETE /jobs/over" => (409, problem("conflict", "job `over` is completed", None)),
            _ => (200, data(&document("j", "cancelled", json!({})))),
        });
        assert_eq!(fake.run(&["cancel", "a", "over", "b"]).unwrap(), Exit::Conflict);
        assert_eq!(fake.lines(), ["DELETE /jobs/a", "DELETE /jobs/over", "DELETE /jobs/b"]);
        assert_eq!(fake.run(&["cancel", "a"]).unwrap(), Exit::Success);
    }
}
