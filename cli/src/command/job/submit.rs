//! `writ job submit URI -i input.json`, `writ job submit --file jobs.ndjson`: submits jobs.

use std::path::PathBuf;

use clap::Args;

use super::bulk::BulkSubmission;
use super::document::JobDocument;
use super::job_args::JobArgs;
use super::job_waiter::JobWaiter;
use crate::client::{ApiRequest, CONCURRENT_REQUESTS_MAX, Client};
use crate::duration::DurationArg;
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;
use crate::output::Format;
use crate::since;

/// Prints the job's id, or with `--wait` the policy's output, byte for byte. The exit code with
/// `--wait` is that of `writ run`, or 9 for a cancelled job, or 10 if the wait timed out.
#[derive(Debug, Args)]
pub(crate) struct Submit {
    /// The policy, as `ip_allowlist:1.0-beta`
    #[arg(required_unless_present = "file")]
    uri: Option<String>,
    #[command(flatten)]
    job_args: JobArgs,
    /// The executor to run on; `builtin` is the platform itself
    #[arg(long, default_value = "builtin")]
    executor: String,
    /// Idempotency key: a repeated request returns the first response; with `--file`, for each line
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// Wait for the job's end, and print the output
    #[arg(long, conflicts_with = "file")]
    wait: bool,
    /// Stop waiting after this duration, as `10m` [default: no limit]
    #[arg(long, value_name = "LENGTH", requires = "wait")]
    wait_timeout: Option<DurationArg>,
    /// Submit many jobs: one body of `POST /jobs/submit` on each line; `-` for standard input
    #[arg(short, long, value_name = "NDJSON", conflicts_with_all = ["uri", "JobArgs"])]
    file: Option<PathBuf>,
    /// The number of lines to submit at the same time
    #[arg(long, value_name = "N", conflicts_with = "uri", default_value_t = 8,
          value_parser = clap::value_parser!(u8).range(1..=CONCURRENT_REQUESTS_MAX as i64))]
    parallel: u8,
}

impl Submit {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        let client = global.client()?;
        match (&self.file, &self.uri) {
            (Some(file), _) => {
                let key = self.idempotency_key.clone();
                BulkSubmission::new(&self.executor, key, usize::from(self.parallel)).submit(
                    &client,
                    global.terminal(),
                    file,
                )
            }
            (None, Some(uri)) => self.submit_one(global, &client, uri),
            (None, None) => Err(CliError::usage("a policy or `--file` is required")),
        }
    }

    fn submit_one(
        &self,
        global: &GlobalArgs,
        client: &Client,
        uri: &str,
    ) -> Result<Exit, CliError> {
        let terminal = global.terminal();
        let body = self.job_args.body(uri, since::now())?;
        let request = ApiRequest::post(&["jobs", "submit", &self.executor], body)
            .header("idempotency-key", self.idempotency_key.as_deref());
        let response = client.send(&request)?;
        let job_id = JobDocument::parse(&response.data)?.job_id;
        if !self.wait {
            match terminal.format() {
                Format::Table => terminal.print_text(&job_id)?,
                Format::Json | Format::Yaml => terminal.print(&response.data, |_| String::new())?,
            }
            return Ok(Exit::Success);
        }
        terminal.note(&format!("job {job_id}"));
        let (_, job) = {
            let progress = terminal.spinner();
            JobWaiter::new(client, &progress, self.wait_timeout).wait_for(&job_id)?
        };
        job.outcome()?;
        terminal.print_output(job.output())?;
        Ok(Exit::Success)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::job::document::tests::document;
    use crate::command::job::fake_server::{FakeServer, data, is_valid, problem};
    use serde_json::json;
    use writ_model::{Error, ErrorKind};

    /// A server on which each job ends with this status.
    fn server_with_status(status: &'static str, change: serde_json::Value) -> FakeServer {
        FakeServer::start(move |request| match request.line.starts_with("POST") {
            true => (201, data(&document("j", "queued", json!({"position": 1})))),
            false => (200, data(&document("j", status, change.clone()))),
        })
    }

    #[test]
    fn a_job_is_posted_to_its_executor() {
        let fake = server_with_status("queued", json!({}));
        let arguments =
            ["submit", "p:1-x", "-i", "{\"ip\": 1.0}", "--idempotency-key", "k", "--executor", "e"];
        assert_eq!(fake.run(&arguments).unwrap(), Exit::Success);
        assert_eq!(fake.lines(), ["POST /jobs/submit/e"]);
        let request = &fake.requests()[0];
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
            let fake = server_with_status(status, change);
            let result = fake.run(&["submit", "p:1-x", "--wait"]);
            assert_eq!(result.unwrap_or_else(|failure| failure.exit()), expected, "{status}");
            assert_eq!(fake.lines(), ["POST /jobs/submit/builtin", "GET /jobs/j?wait=20s"]);
        }
        let fake = server_with_status("running", json!({}));
        let failure = fake.run(&["submit", "p:1-x", "--wait", "--wait-timeout", "0s"]).unwrap_err();
        assert_eq!(failure.exit(), Exit::Unfinished);
    }

    #[test]
    fn a_refusal_is_the_servers() {
        let fake =
            FakeServer::start(|_| (404, problem("not_found", "there is no policy `p:1-x`", None)));
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
            let words: Vec<_> = ["submit"].iter().chain(wrong).copied().collect();
            assert!(!is_valid(&words), "{wrong:?}");
        }
        assert!(is_valid(&["submit", "--file", "x", "--parallel", "64"]));
    }
}
