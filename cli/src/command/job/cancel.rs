//! `writ job cancel ID...`: stops jobs.

use clap::Args;
use ureq::http::Method;

use super::wait::settle;
use crate::args::Global;
use crate::client::Call;
use crate::exit::Exit;
use crate::failure::Failure;

/// One that waits never runs; the policy of one that runs is stopped within seconds. Asks nothing
/// back.
#[derive(Debug, Args)]
pub(crate) struct Cancel {
    /// The jobs
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
}

impl Cancel {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
        let client = global.client()?;
        let (mut jobs, mut failures) = (Vec::new(), Vec::new());
        for id in &self.ids {
            match client.send(&Call::new(Method::DELETE, &["jobs", id])) {
                Ok(answer) => jobs.push(answer.data),
                Err(failure) => failures.push(failure),
            }
        }
        settle(global.terminal(), &jobs, &failures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::job::document::tests::document;
    use crate::command::job::fixture::{Fake, data, problem};
    use serde_json::json;

    #[test]
    fn each_job_is_stopped_whatever_comes_of_the_others() {
        let fake = Fake::start(|request| match request.line.as_str() {
            "DELETE /jobs/over" => (409, problem("conflict", "job `over` is completed", None)),
            _ => (200, data(&document("j", "cancelled", json!({})))),
        });
        assert_eq!(fake.run(&["cancel", "a", "over", "b"]).unwrap(), Exit::Conflict);
        assert_eq!(fake.lines(), ["DELETE /jobs/a", "DELETE /jobs/over", "DELETE /jobs/b"]);
        assert_eq!(fake.run(&["cancel", "a"]).unwrap(), Exit::Success);
    }
}
