//! Waits for the end of jobs by long polling.

use std::time::{Duration, Instant};

use super::document::JobDocument;
use super::retry_policy::RetryPolicy;
use crate::client::{ApiRequest, Client};
use crate::duration::DurationArg;
use crate::error::CliError;
use crate::output::Progress;
use crate::since;
use crate::style::sanitize;

/// The duration of a poll, in seconds: the longest that the server allows.
const POLL_S: u64 = 20;

/// The duration of a poll with a visible progress line, which each response updates.
const VISIBLE_POLL_S: u64 = 2;

/// The shortest time between the starts of two polls.
const POLL_INTERVAL_MIN: Duration = Duration::from_millis(200);

/// Polls the server for the end of jobs, up to a point in time.
pub(super) struct JobWaiter<'a> {
    client: &'a Client,
    progress: &'a Progress,
    until: Option<Instant>,
}

impl<'a> JobWaiter<'a> {
    /// Without a timeout it polls until the job has ended.
    pub(super) fn new(
        client: &'a Client,
        progress: &'a Progress,
        timeout: Option<DurationArg>,
    ) -> Self {
        // A timeout beyond the range of the clock is none.
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout.0));
        Self { client, progress, until }
    }

    /// Waits until the job has ended or the time is up. Returns the document as the server sent it,
    /// and parsed.
    pub(super) fn wait_for(&self, job_id: &str) -> Result<(String, JobDocument), CliError> {
        loop {
            let started = Instant::now();
            let left = self.until.map(|until| until.saturating_duration_since(started));
            let wait = format!("{}s", self.poll_seconds(left));
            let request = ApiRequest::get(&["jobs", job_id]).query("wait", Some(&wait));
            let reply = RetryPolicy::DEFAULT.send(self.client, &request, self.until)?;
            let response = reply.map_err(|problem| self.client.failure(&request, &problem))?;
            let document = JobDocument::parse(&response.data)?;
            let is_late = self.until.is_some_and(|until| Instant::now() >= until);
            if document.job_status.is_final() || is_late {
                return Ok((response.data, document));
            }
            self.progress.set_message(sanitize(&document.status_line(since::now())));
            std::thread::sleep(POLL_INTERVAL_MIN.saturating_sub(started.elapsed()));
        }
    }

    /// Seconds of the next poll; the rest of the time is rounded up.
    fn poll_seconds(&self, left: Option<Duration>) -> u64 {
        let most = if self.progress.is_visible() { VISIBLE_POLL_S } else { POLL_S };
        left.map_or(most, |left| left.as_millis().div_ceil(1_000).try_into().unwrap_or(most))
            .min(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::job::document::tests::document;
    use crate::command::job::fake_server::{FakeServer, data, problem};
    use crate::exit::Exit;
    use crate::output::{Format, Terminal};
    use serde_json::json;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// A server that sends these responses in order and repeats the last one.
    fn in_order(responses: Vec<(u16, String)>) -> FakeServer {
        let next = AtomicUsize::new(0);
        FakeServer::start(move |_| {
            let index = next.fetch_add(1, Ordering::SeqCst).min(responses.len() - 1);
            responses[index].clone()
        })
    }

    fn wait(fake: &FakeServer, timeout: Option<&str>) -> Result<(String, JobDocument), CliError> {
        let progress = Terminal::new(Format::Table, true).spinner();
        let client = fake.client();
        let timeout = timeout.map(|text| text.parse().unwrap());
        JobWaiter::new(&client, &progress, timeout).wait_for("j")
    }

    fn status(status: &str) -> (u16, String) {
        (200, data(&document("j", status, json!({}))))
    }

    #[test]
    fn a_job_is_polled_until_it_has_ended() {
        let busy = (503, problem("unavailable", "restarting", Some(0)));
        let fake = in_order(vec![status("queued"), busy, status("running"), status("completed")]);
        let (text, document) = wait(&fake, None).unwrap();
        assert!(document.outcome().is_ok() && text.starts_with("{\"job_id\":\"j\""), "{text}");
        assert_eq!(fake.lines(), ["GET /jobs/j?wait=20s"; 4]);
    }

    #[test]
    fn when_the_time_is_up_the_job_is_returned_as_it_is() {
        let fake = in_order(vec![status("running")]);
        let (_, document) = wait(&fake, Some("0s")).unwrap();
        assert_eq!(document.outcome().unwrap_err().exit(), Exit::Unfinished);
        assert_eq!(fake.lines(), ["GET /jobs/j?wait=0s"]);
    }

    #[test]
    fn a_job_that_is_not_there_is_not_waited_for() {
        let fake = in_order(vec![(404, problem("not_found", "there is no job `j`", None))]);
        assert_eq!(wait(&fake, None).unwrap_err().exit(), Exit::NotFound);
        assert_eq!(fake.lines().len(), 1);
    }
}
