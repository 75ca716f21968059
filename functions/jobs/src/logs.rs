//! `GET /jobs/{job_id}/logs`: reads what a job's attempts printed.

use http::Method;
use serde::Serialize;
use writ_edge::{AccessLevel, Param, Reply, Request, RouteSpec};
use writ_model::{Attempt, AttemptOutcome, Error, Workspace};
use writ_ports::{GetExecution, GetJob, ports};

use crate::document::find_job;

/// Lines that a caller may ask for.
const TAIL_MAX: usize = 10_000;

/// Bytes that a reply shows of all attempts together: all that one attempt may print, so that the
/// reply stays within what a Lambda function can answer. The newest attempts go first.
const SHOWN_BYTES_MAX: usize = 1 << 20;

const TAIL: Param = Param {
    name: "tail",
    description: "The last so many lines, 1 to 10000; all without it, up to 1 MiB.",
};

/// What is known of the route.
pub(crate) const SPEC: RouteSpec = RouteSpec {
    name: "jobs.logs",
    method: Method::GET,
    path: "/jobs/{job_id}/logs",
    access_level: AccessLevel::Read,
    summary: "Reads what a job's attempts printed, as far as their records are committed.",
    data: "JobLogs",
    params: &[TAIL],
    ..RouteSpec::DEFAULT
};

#[derive(Serialize)]
struct Logs<'a> {
    job_id: &'a str,
    logs: String,
    attempts: Vec<Printed<'a>>,
}

#[derive(Serialize)]
struct Printed<'a> {
    attempt: u32,
    execution_id: &'a str,
    outcome: Option<AttemptOutcome>,
    printed: String,
}

ports! {
    pub trait Ports = GetExecution + GetJob;
}

/// Answers what was printed, by attempt and as one text.
pub(crate) async fn handle(ports: &impl Ports, request: Request) -> Result<Reply, Error> {
    let tail = tail(&request)?;
    let workspace = &request.caller.identity.workspace;
    let job = find_job(ports, workspace, request.param("job_id")).await?;
    let mut attempts = Vec::new();
    let mut left = SHOWN_BYTES_MAX;
    for attempt in job.state.attempts.iter().rev() {
        let text = printed_by(ports, workspace, attempt).await?;
        let shown = last_bytes(last_lines(&text, tail), left).to_owned();
        left -= shown.len();
        attempts.push(Printed {
            attempt: attempt.attempt,
            execution_id: &attempt.execution_id,
            outcome: attempt.outcome,
            printed: shown,
        });
    }
    attempts.reverse();
    let logs = last_lines(&join_logs(&attempts), tail).to_owned();
    let logs = Logs { job_id: &job.submission.job_id, logs, attempts };
    Ok(Reply::data(&serde_json::to_string(&logs).map_err(Error::internal)?))
}

pub(crate) fn tail(request: &Request) -> Result<usize, Error> {
    let Some(text) = request.query(TAIL.name) else { return Ok(usize::MAX) };
    text.parse().ok().filter(|tail| (1..=TAIL_MAX).contains(tail)).ok_or_else(|| {
        let message = format!("`tail` is a number of lines from 1 to {TAIL_MAX}");
        Error::invalid(message).at(format!("query parameter `{}`", TAIL.name))
    })
}

/// What stands in the attempt's record, where it left one.
async fn printed_by(
    ports: &impl GetExecution,
    workspace: &Workspace,
    attempt: &Attempt,
) -> Result<String, Error> {
    if attempt.outcome.is_none() {
        return Ok(String::new());
    }
    let record = ports.get_execution(workspace, &attempt.execution_id).await?;
    Ok(record.map(|record| record.printed).unwrap_or_default())
}

/// Under a line for each attempt, where there are several.
fn join_logs(attempts: &[Printed<'_>]) -> String {
    if let [one] = attempts {
        return one.printed.clone();
    }
    let mut logs = String::new();
    for Printed { attempt, printed, .. } in attempts {
        logs.push_str(&format!("--- attempt {attempt} ---\n{printed}"));
        if !logs.ends_with('\n') {
            logs.push('\n');
        }
    }
    logs
}

fn last_lines(text: &str, lines: usize) -> &str {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let before = lines.checked_sub(1).and_then(|ends| body.rmatch_indices('\n').nth(ends));
    before.and_then(|(at, _)| text.get(at + 1..)).unwrap_or(text)
}

fn last_bytes(text: &str, bytes: usize) -> &str {
    let cut = text.len().saturating_sub(bytes);
    (cut..=text.len()).find_map(|from| text.get(from..)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use writ_model::ErrorKind;

    use writ_testing::MemoryPlatform;

    use super::*;
    use crate::fixture::{Jobs, data, request};

    async fn logs(ports: &MemoryPlatform, tail: Option<&str>) -> Result<Reply, Error> {
        let mut request = request(&[("job_id", "j1")], "");
        request.query.extend(tail.map(|tail| ("tail".to_owned(), tail.to_owned())));
        handle(ports, request).await
    }

    #[tokio::test]
    async fn one_attempt_is_shown_as_it_printed() {
        let ports = MemoryPlatform::default();
        ports.queue("j1");
        let nothing = data(&logs(&ports, None).await.unwrap());
        assert_eq!(nothing, json!({"job_id": "j1", "logs": "", "attempts": []}));
        ports.set_attempts("j1", &[Some("a\nb\n")]);
        let shown = data(&logs(&ports, None).await.unwrap());
        assert_eq!(shown["logs"], "a\nb\n");
        let shown = &shown["attempts"][0];
        assert_eq!((&shown["attempt"], &shown["outcome"]), (&json!(1), &json!("failed")));
        assert_eq!((&shown["execution_id"], &shown["printed"]), (&json!("e1"), &json!("a\nb\n")));
    }

    #[tokio::test]
    async fn several_attempts_stand_under_a_line_each_and_a_lost_one_has_nothing() {
        let ports = MemoryPlatform::default();
        ports.queue("j1");
        ports.set_attempts("j1", &[Some("one"), None, Some("x\ny\n")]);
        let shown = data(&logs(&ports, None).await.unwrap());
        let all = "--- attempt 1 ---\none\n--- attempt 2 ---\n--- attempt 3 ---\nx\ny\n";
        assert_eq!(shown["logs"], all);
        assert_eq!(shown["attempts"][1]["printed"], "");
        let shown = data(&logs(&ports, Some("1")).await.unwrap());
        assert_eq!(
            (&shown["logs"], &shown["attempts"][2]["printed"]),
            (&json!("y\n"), &json!("y\n"))
        );
    }

    #[tokio::test]
    async fn a_tail_has_its_bounds() {
        let ports = MemoryPlatform::default();
        ports.queue("j1");
        for (tail, fits) in
            [("1", true), ("10000", true), ("0", false), ("10001", false), ("x", false)]
        {
            let result = logs(&ports, Some(tail)).await;
            assert_eq!(result.is_ok(), fits, "{tail}");
        }
        let missing = request(&[("job_id", "j9")], "");
        assert_eq!(handle(&ports, missing).await.unwrap_err().kind, ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn what_many_attempts_printed_is_cut_at_its_oldest_end() {
        let ports = MemoryPlatform::default();
        ports.queue("j1");
        let long = "é\n".repeat(SHOWN_BYTES_MAX / 4);
        ports.set_attempts("j1", &[Some("old"), Some(&long), Some("new")]);
        let shown = data(&logs(&ports, None).await.unwrap());
        let lengths = |shown: &serde_json::Value| -> Vec<usize> {
            let attempts = shown["attempts"].as_array().unwrap().iter();
            attempts.map(|attempt| attempt["printed"].as_str().unwrap().len()).collect()
        };
        assert_eq!(lengths(&shown), [3, long.len(), 3]);
        ports.set_attempts("j1", &[Some("old"), Some(&long), Some(&long)]);
        let shown = data(&logs(&ports, None).await.unwrap());
        // The byte that is left is no whole character.
        assert_eq!(lengths(&shown), [0, SHOWN_BYTES_MAX - long.len(), long.len()]);
    }

    #[test]
    fn the_last_lines_and_bytes_are_whole() {
        for (text, lines, want) in [
            ("a\nb\nc", 2, "b\nc"),
            ("a\nb\nc\n", 2, "b\nc\n"),
            ("a\n\n", 1, "\n"),
            ("a", 5, "a"),
            ("", 1, ""),
            ("a\nb", usize::MAX, "a\nb"),
        ] {
            assert_eq!(last_lines(text, lines), want, "{text:?} {lines}");
        }
        for (text, bytes, want) in [("aé", 1, ""), ("aé", 2, "é"), ("aé", 9, "aé"), ("a", 0, "")]
        {
            assert_eq!(last_bytes(text, bytes), want, "{text:?} {bytes}");
        }
    }
}
