//! `writ job submit URI -i input.json`, `writ job submit --file jobs.ndjson`.

use std::path::PathBuf;

use clap::Args;

use super::bulk::Bulk;
use super::document::Document;
use super::request::Request;
use super::waiting::Waiting;
use crate::args::Global;
use crate::client::{CALLS_AT_ONCE_MAX, Call, Client};
use crate::duration::Length;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Format;
use crate::since;

/// The job's id goes to standard output. With `--wait` the policy's output does, byte for byte, and
/// the exit code is that of `writ run`; 9 where the job was cancelled, 10 where it is not over.
#[derive(Debug, Args)]
pub(crate) struct Submit {
    /// The policy, as `ip_allowlist:1.0-beta`
    #[arg(required_unless_present = "file")]
    uri: Option<String>,
    #[command(flatten)]
    request: Request,
    /// Which executor; `builtin` is the platform itself
    #[arg(long, default_value = "builtin")]
    executor: String,
    /// Makes a repeated call give the first one's answer; with `--file`, each line's
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// Wait for the end, and print the output
    #[arg(long, conflicts_with = "file")]
    wait: bool,
    /// How long to wait, as `10m`; without it as long as it takes
    #[arg(long, value_name = "LENGTH", requires = "wait")]
    wait_timeout: Option<Length>,
    /// Submit many: one body of `POST /jobs/submit` a line; `-` for standard input
    #[arg(short, long, value_name = "NDJSON", conflicts_with_all = ["uri", "Request"])]
    file: Option<PathBuf>,
    /// How many of a file's lines to submit at once
    #[arg(long, value_name = "N", conflicts_with = "uri", default_value_t = 8,
          value_parser = clap::value_parser!(u8).range(1..=CALLS_AT_ONCE_MAX as i64))]
    parallel: u8,
}

impl Submit {
    pub(crate) fn run(self, global: &Global) -> Result<Exit, Failure> {
        let client = global.client()?;
        match (&self.file, &self.uri) {
            (Some(file), _) => {
                let key = self.idempotency_key.clone();
                Bulk::new(&self.executor, key, usize::from(self.parallel)).submit(
                    &client,
                    global.terminal(),
                    file,
                )
            }
            (None, Some(uri)) => self.one(global, &client, uri),
            (None, None) => Err(Failure::usage("say which policy, or `--file` of jobs")),
        }
    }

    fn one(&self, global: &Global, client: &Client, uri: &str) -> Result<Exit, Failure> {
        let terminal = global.terminal();
        let body = self.request.body(uri, since::now())?;
        let call = Call::post(&["jobs", "submit", &self.executor], body)
            .header("idempotency-key", self.idempotency_key.as_deref());
        let answer = client.send(&call)?;
        let job_id = Document::read(&answer.data)?.job_id;
        if !self.wait {
            match terminal.format() {
                Format::Table => terminal.text(&job_id)?,
                Format::Json | Format::Yaml => terminal.show(&answer.data, |_| String::new())?,
            }
            return Ok(Exit::Success);
        }
        terminal.note(&format!("job {job_id}"));
        let (_, job) = {
            let progress = terminal.watching();
            Waiting::new(client, &progress, self.wait_timeout).end_of(&job_id)?
        };
        job.outcome()?;
        terminal.show_output(job.output())?;
        Ok(Exit::Success)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Cli;
    use crate::command::job::document::tests::document;
    use crate::command::job::fixture::{Fake, data, problem};
    use clap::Parser as _;
    use serde_json::json;
    use writ_model::{Error, ErrorKind};

    /// A server where each job ends so.
    fn ending(status: &'static str, change: serde_json::Value) -> Fake {
        Fake::start(move |request| match request.line.starts_with("POST") {
            true => (201, data(&document("j", "queued", json!({"position": 1})))),
            false => (200, data(&document("j", status, change.clone()))),
        })
    }

    #[test]
    fn a_job_is_posted_to_its_executor() {
        let fake = ending("queued", json!({}));
        let arguments =
            ["submit", "p:1-x", "-i", "{\"ip\": 1.0}", "--idempotency-key", "k", "--executor", "e"];
        assert_eq!(fake.run(&arguments).unwrap(), Exit::Success);
        assert_eq!(fake.lines(), ["POST /jobs/submit/e"]);
        let request = &fake.seen()[0];
        assert_eq!(request.header("idempotency-key"), Some("k"));
        assert_eq!(request.body, r#"{"name":"p","policy_rule_uri":"p:1-x","inputs":{"ip": 1.0}}"#);
    }

    #[test]
    fn waiting_ends_as_the_job_does() {
        let raised = json!({"error": Error::new(ErrorKind::PolicyRaised, "m")});
        let cases = [
            ("completed", json!({"job_output_data": {"allowed": true}}), Exit::Success),
            ("failed", raised, Exit::Failed),
            ("timed_out", json!({}), Exit::Failed),
            ("cancelled", json!({}), Exit::Cancelled),
        ];
        for (status, change, expected) in cases {
            let fake = ending(status, change);
            let ended = fake.run(&["submit", "p:1-x", "--wait"]);
            assert_eq!(ended.unwrap_or_else(|failure| failure.exit()), expected, "{status}");
            assert_eq!(fake.lines(), ["POST /jobs/submit/builtin", "GET /jobs/j?wait=20s"]);
        }
        let fake = ending("running", json!({}));
        let failure = fake.run(&["submit", "p:1-x", "--wait", "--wait-timeout", "0s"]).unwrap_err();
        assert_eq!(failure.exit(), Exit::Unfinished);
    }

    #[test]
    fn a_refusal_is_the_servers() {
        let fake = Fake::start(|_| (404, problem("not_found", "there is no policy `p:1-x`", None)));
        assert_eq!(fake.run(&["submit", "p:1-x"]).unwrap_err().exit(), Exit::NotFound);
    }

    #[test]
    fn a_file_holds_whole_jobs() {
        for wrong in [
            &["--file", "x", "p:1-x"][..],
            &["--file", "x", "-i", "{}"],
            &["--file", "x", "--priority", "3"],
            &["--file", "x", "--wait"],
            &["p:1-x", "--parallel", "2"],
            &["--file", "x", "--parallel", "0"],
            &["--file", "x", "--parallel", "65"],
            &["p:1-x", "--wait-timeout", "1m"],
            &[],
        ] {
            let words = ["writ", "job", "submit"].iter().chain(wrong);
            assert!(Cli::try_parse_from(words).is_err(), "{wrong:?}");
        }
        let words = ["writ", "job", "submit", "--file", "x", "--parallel", "64"];
        assert!(Cli::try_parse_from(words).is_ok());
    }
}
