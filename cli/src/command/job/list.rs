//! `writ job list`: lists jobs.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use serde_json::{Value, json};
use writ_model::JobStatus;

use super::display;
use crate::command::paging::{ListQuery, PagingArgs};
use crate::error::CliError;
use crate::exit::Exit;
use crate::global_args::GlobalArgs;
use crate::output::Format;
use crate::since::Since;

/// Newest first, unless sorted otherwise. As `writ job list --status failed --since 1h`.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only jobs with this status; may be repeated
    #[arg(long, value_delimiter = ',', value_parser =
          PossibleValuesParser::new(JobStatus::ALL.map(JobStatus::name))
              .try_map(|name| name.parse::<JobStatus>()))]
    status: Vec<JobStatus>,
    /// Only jobs of this policy
    #[arg(long, value_name = "URI")]
    policy: Option<String>,
    /// Only jobs submitted since this time: a duration as `1h`, or a time as `2026-01-31T09:30:00Z`
    #[arg(long, value_name = "TIME")]
    since: Option<Since>,
    #[command(flatten)]
    paging: PagingArgs,
}

impl List {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<Exit, CliError> {
        let terminal = global.terminal();
        let query = ListQuery {
            segments: &["jobs", "query"],
            filter: self.paging.filter_with(self.conditions())?,
            projection: (terminal.format() == Format::Table).then_some(display::FIELDS),
        };
        self.paging.list(&global.client()?, terminal, &query, display::table)?;
        Ok(Exit::Success)
    }

    fn conditions(&self) -> Vec<Value> {
        let status = match self.status.as_slice() {
            [] => None,
            [one] => Some(json!({"job_status": one})),
            several => Some(json!({"job_status": {"$in": several}})),
        };
        let policy = self.policy.as_ref().map(|uri| json!({"policy_rule_uri": uri}));
        let since = self.since.map(|since| json!({"submitted_at": {"$gte": since.time()}}));
        [policy, status, since].into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::job::fake_server::{FakeServer, data, is_valid};

    #[test]
    fn options_and_filter_all_have_to_fit() {
        let cases: [(&[&str], &str); 4] = [
            (&[], "{}"),
            (&["--status", "failed"], r#"{"job_status":"failed"}"#),
            (
                &["--status", "queued,admitted", "--status", "timed_out"],
                r#"{"job_status":{"$in":["queued","admitted","timed_out"]}}"#,
            ),
            (
                &[
                    "--policy",
                    "p:1-x",
                    "--since",
                    "2026-01-31T09:30:00Z",
                    "--filter",
                    r#"{"inputs.ip":"a"}"#,
                ],
                r#"{"$and":[{"policy_rule_uri":"p:1-x"},{"submitted_at":{"$gte":"2026-01-31T09:30:00.000Z"}},{"inputs.ip":"a"}]}"#,
            ),
        ];
        for (arguments, expected) in cases {
            let fake = FakeServer::start(|_| (200, data(&json!([]))));
            let words =
                ["list", "--limit", "5"].iter().chain(arguments).copied().collect::<Vec<_>>();
            assert_eq!(fake.run(&words).unwrap(), Exit::Success);
            assert_eq!(fake.requests()[0].body, expected);
            assert!(fake.lines()[0].starts_with("POST /jobs/query?limit=5&projection=job%5Fid"));
        }
    }

    #[test]
    fn a_status_that_no_job_has_is_a_mistake() {
        assert!(is_valid(&["list", "--status", "failed"]));
        assert!(!is_valid(&["list", "--status", "done"]));
    }
}
