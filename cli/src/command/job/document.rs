//! The server's document of a job: its status and its outcome.

use serde::Deserialize;
use serde_json::value::RawValue;
use writ_model::{Error, JobStatus, Timestamp};

use crate::error::CliError;
use crate::exit::Exit;

/// The members that commands read. The document itself is printed as the server sent it.
#[derive(Debug, Deserialize)]
pub(super) struct JobDocument {
    pub(super) job_id: String,
    pub(super) job_status: JobStatus,
    position: Option<u64>,
    #[serde(default)]
    position_is_at_least: bool,
    job_output_data: Option<Box<RawValue>>,
    error: Option<Box<RawValue>>,
    execution_id: Option<String>,
    #[serde(default)]
    attempts: Vec<Attempt>,
    not_before: Option<Timestamp>,
    cancelled_by: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Attempt {
    attempt: u32,
}

impl JobDocument {
    /// Parses the data of a response.
    pub(super) fn parse(data: &str) -> Result<Self, CliError> {
        serde_json::from_str(data).map_err(|error| {
            CliError::new(Exit::Internal, "the server's job is malformed").note(error.to_string())
        })
    }

    /// The policy's output, byte for byte.
    pub(super) fn output(&self) -> &str {
        self.job_output_data.as_deref().map_or("null", RawValue::get)
    }

    /// The status with attempt, position and start time, on one line.
    pub(super) fn status_line(&self, now: Timestamp) -> String {
        let mut text = format!("job {} {}", self.job_id, self.job_status);
        let attempt = self.attempts.last().map(|last| last.attempt);
        match (self.job_status, attempt) {
            (JobStatus::Queued, Some(last)) => text.push_str(&format!(" after attempt {last}")),
            (_, Some(current)) => text.push_str(&format!(", attempt {current}")),
            (_, None) => {}
        }
        if let Some(position) = self.position {
            let more = if self.position_is_at_least { " or more" } else { "" };
            text.push_str(&format!(", position {position}{more}"));
        }
        let not_before = self.not_before.filter(|time| *time > now);
        if let (JobStatus::Queued, Some(time)) = (self.job_status, not_before) {
            text.push_str(&format!(", not before {time}"));
        }
        text
    }

    /// `Ok` for a completed job, else the error with the exit code of its status.
    pub(super) fn outcome(&self) -> Result<(), CliError> {
        let id = &self.job_id;
        let failure = match self.job_status {
            JobStatus::Completed => return Ok(()),
            JobStatus::Failed | JobStatus::TimedOut => self.failure(),
            JobStatus::Cancelled => {
                let by = self.cancelled_by.as_ref().map(|by| format!(" by `{by}`"));
                let message = format!("the job was cancelled{}", by.unwrap_or_default());
                CliError::new(Exit::Cancelled, message)
                    .help(format!("`writ job retry {id}` retries it"))
            }
            JobStatus::Queued | JobStatus::Admitted | JobStatus::Running => {
                let message = format!("the job is still {}", self.job_status);
                CliError::new(Exit::Unfinished, message)
                    .help(format!("the job continues; `writ job wait {id}` waits for its end"))
            }
        };
        let failure = failure.at(format!("job {id}"));
        Err(match &self.execution_id {
            Some(execution) if self.job_status.is_final() => {
                failure.note(format!("recorded as execution {execution}"))
            }
            _ => failure,
        })
    }

    /// The error of a failed job, with the exit code of a failed `writ run`.
    fn failure(&self) -> CliError {
        #[derive(Deserialize)]
        struct Unknown {
            message: String,
        }
        let text = self.error.as_deref().map_or("null", RawValue::get);
        if let Ok(error) = serde_json::from_str::<Error>(text) {
            return CliError::from_error(&error);
        }
        // A kind of error that only a newer server has.
        let message = serde_json::from_str::<Unknown>(text).map(|unknown| unknown.message);
        CliError::new(
            Exit::Failed,
            message.unwrap_or_else(|_| format!("the job {}", self.job_status)),
        )
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::error::tests::plain;
    use serde_json::{Value, json};
    use writ_model::ErrorKind;

    /// A document as the server returns it, with the members of `change` replaced.
    pub(crate) fn document(job_id: &str, status: &str, change: Value) -> Value {
        let mut document = json!({
            "job_id": job_id, "name": "n", "job_status": status, "job_output_data": null,
            "policy_rule_uri": "p:1-x", "attempts_made": 0, "attempts": [], "round": 1,
            "submitted_at": "2026-01-31T09:30:00.000Z", "not_before": null, "started_at": null,
            "finished_at": null, "execution_id": null,
        });
        if let (Value::Object(members), Value::Object(change)) = (&mut document, change) {
            members.extend(change);
        }
        document
    }

    fn job(status: &str, change: Value) -> JobDocument {
        JobDocument::parse(&document("j", status, change).to_string()).unwrap()
    }

    #[test]
    fn a_job_ends_a_command_as_a_run_would() {
        let error = |kind: ErrorKind| json!({"error": Error::new(kind, "m")});
        let cases = [
            ("failed", error(ErrorKind::PolicyRaised), Exit::Failed),
            ("failed", error(ErrorKind::ExecutorFault), Exit::Unavailable),
            ("failed", error(ErrorKind::SchemaViolation), Exit::Invalid),
            ("failed", error(ErrorKind::NotFound), Exit::NotFound),
            ("failed", json!({"error": {"kind": "from_the_future", "message": "m"}}), Exit::Failed),
            ("timed_out", error(ErrorKind::PolicyTimedOut), Exit::Failed),
            ("timed_out", json!({}), Exit::Failed),
            ("cancelled", json!({"cancelled_by": "ci"}), Exit::Cancelled),
            ("queued", json!({}), Exit::Unfinished),
            ("admitted", json!({}), Exit::Unfinished),
            ("running", json!({}), Exit::Unfinished),
        ];
        for (status, change, expected) in cases {
            let failure = job(status, change.clone()).outcome().unwrap_err();
            assert_eq!(failure.exit(), expected, "{status} {change}");
        }
        assert!(job("completed", json!({})).outcome().is_ok());
    }

    #[test]
    fn a_failure_names_the_job_and_its_record() {
        let error = Error::new(ErrorKind::PolicyRaised, "the policy raised KeyError: 'ip'");
        let failed = job("failed", json!({"error": error, "execution_id": "e"}));
        assert_eq!(
            plain(&failed.outcome().unwrap_err().render()),
            "error[policy_raised]: the policy raised KeyError: 'ip'\n \
             --> job j\n  \
             = recorded as execution e\n"
        );
    }

    #[test]
    fn how_a_job_stands_fits_a_line() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let now = at("2026-02-01T00:00:00Z");
        let cases = [
            ("queued", json!({"position": 3}), "job j queued, position 3"),
            (
                "queued",
                json!({"position": 1000, "position_is_at_least": true}),
                "job j queued, position 1000 or more",
            ),
            (
                "queued",
                json!({"not_before": "2026-02-02T00:00:00Z"}),
                "job j queued, not before 2026-02-02T00:00:00.000Z",
            ),
            ("queued", json!({"not_before": "2026-01-02T00:00:00Z"}), "job j queued"),
            ("queued", json!({"attempts": [{"attempt": 1}]}), "job j queued after attempt 1"),
            (
                "running",
                json!({"attempts": [{"attempt": 1}, {"attempt": 2}]}),
                "job j running, attempt 2",
            ),
        ];
        for (status, change, expected) in cases {
            assert_eq!(job(status, change).status_line(now), expected);
        }
    }

    #[test]
    fn an_output_keeps_its_bytes() {
        let text = document("j", "completed", json!({"job_output_data": "OUT"}))
            .to_string()
            .replace("\"OUT\"", "{\"b\": 1.0,  \"a\":1e400}");
        assert_eq!(JobDocument::parse(&text).unwrap().output(), "{\"b\": 1.0,  \"a\":1e400}");
        assert_eq!(job("queued", json!({})).output(), "null");
    }

    #[test]
    fn another_servers_reply_is_no_job() {
        assert_eq!(JobDocument::parse("{}").unwrap_err().exit(), Exit::Internal);
    }
}
