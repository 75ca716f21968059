//! `writ job logs ID`: shows the text that a job's policy printed.

use clap::Args;
use serde_json::Value;

use super::job_waiter::JobWaiter;
use crate::client::ApiRequest;
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;

/// The text of an attempt is available when the attempt has ended.
#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// The id of the job
    id: String,
    /// Print only the last lines, 1 to 10000
    #[arg(long, value_name = "N")]
    tail: Option<u32>,
    /// Wait for the job's end before printing
    #[arg(short, long)]
    follow: bool,
}

impl Logs {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        let (client, terminal) = (global.client()?, global.terminal());
        if self.follow {
            let progress = terminal.spinner();
            JobWaiter::new(&client, &progress, None).wait_for(&self.id)?;
        }
        let tail = self.tail.map(|lines| lines.to_string());
        let request = ApiRequest::get(&["jobs", &self.id, "logs"]).query("tail", tail.as_deref());
        let response = client.send(&request)?;
        terminal.print(&response.data, log_text)?;
        Ok(Exit::Success)
    }
}

fn log_text(data: &Value) -> String {
    data.get("logs").and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::job::document::tests::document;
    use crate::command::job::fake_server::{FakeServer, data, problem};
    use serde_json::json;

    fn fake() -> FakeServer {
        FakeServer::start(|request| match request.line.contains("/logs") {
            true => (200, data(&json!({"job_id": "j", "logs": "a\nb\n", "attempts": []}))),
            false => (200, data(&document("j", "failed", json!({})))),
        })
    }

    #[test]
    fn logs_are_asked_for_at_once_or_after_the_end() {
        let cases: [(&[&str], &[&str]); 2] = [
            (&["logs", "j", "--tail", "7"], &["GET /jobs/j/logs?tail=7"]),
            (&["logs", "j", "--follow"], &["GET /jobs/j?wait=20s", "GET /jobs/j/logs"]),
        ];
        for (arguments, expected) in cases {
            let fake = fake();
            assert_eq!(fake.run(arguments).unwrap(), Exit::Success);
            assert_eq!(fake.lines(), expected);
        }
        let fake = FakeServer::start(|_| (404, problem("not_found", "there is no job `j`", None)));
        assert_eq!(fake.run(&["logs", "j", "-f"]).unwrap_err().exit(), Exit::NotFound);
    }

    #[test]
    fn what_was_printed_is_the_answer() {
        assert_eq!(log_text(&json!({"logs": "a\nb\n"})), "a\nb\n");
        assert_eq!(log_text(&json!({})), "");
    }
}
