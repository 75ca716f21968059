//! `writ job logs ID`: shows what a job's policy printed.

use clap::Args;
use serde_json::Value;

use super::waiting::Waiting;
use crate::args::Global;
use crate::client::Call;
use crate::exit::Exit;
use crate::failure::Failure;

/// What a policy prints is known when its attempt ends, not before.
#[derive(Debug, Args)]
pub(crate) struct Logs {
    /// The job
    id: String,
    /// The last lines alone, 1 to 10000
    #[arg(long, value_name = "N")]
    tail: Option<u32>,
    /// Wait for the job's end first
    #[arg(short, long)]
    follow: bool,
}

impl Logs {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
        let (client, terminal) = (global.client()?, global.terminal());
        if self.follow {
            let progress = terminal.watching();
            Waiting::new(&client, &progress, None).end_of(&self.id)?;
        }
        let tail = self.tail.map(|lines| lines.to_string());
        let call = Call::get(&["jobs", &self.id, "logs"]).query("tail", tail.as_deref());
        let answer = client.send(&call)?;
        terminal.show(&answer.data, printed)?;
        Ok(Exit::Success)
    }
}

fn printed(data: &Value) -> String {
    data.get("logs").and_then(Value::as_str).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::job::document::tests::document;
    use crate::command::job::fixture::{Fake, data, problem};
    use serde_json::json;

    fn fake() -> Fake {
        Fake::start(|request| match request.line.contains("/logs") {
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
        let fake = Fake::start(|_| (404, problem("not_found", "there is no job `j`", None)));
        assert_eq!(fake.run(&["logs", "j", "-f"]).unwrap_err().exit(), Exit::NotFound);
    }

    #[test]
    fn what_was_printed_is_the_answer() {
        assert_eq!(printed(&json!({"logs": "a\nb\n"})), "a\nb\n");
        assert_eq!(printed(&json!({})), "");
    }
}
