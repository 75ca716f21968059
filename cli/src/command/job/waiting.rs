//! Waiting for jobs to be over, by questions that the server holds.

use std::time::{Duration, Instant};

use super::document::Document;
use super::retry_policy::RetryPolicy;
use crate::client::{Call, Client};
use crate::duration::Length;
use crate::failure::Failure;
use crate::output::Progress;
use crate::since;
use crate::style::harmless;

/// How long the server is asked to hold a question: as long as it does.
const HELD_S: u64 = 20;

/// The same where somebody watches the progress line: each answer moves it.
const HELD_WATCHED_S: u64 = 2;

/// No next question comes sooner, whatever the server does.
const BETWEEN: Duration = Duration::from_millis(200);

/// Who waits, and how long.
pub(super) struct Waiting<'a> {
    client: &'a Client,
    progress: &'a Progress,
    until: Option<Instant>,
}

impl<'a> Waiting<'a> {
    /// Without a timeout there is no end but the job's.
    pub(super) fn new(client: &'a Client, progress: &'a Progress, timeout: Option<Length>) -> Self {
        // A length that no clock can hold has no end either.
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout.0));
        Self { client, progress, until }
    }

    /// The job when it is over, or as it stands when the time is; the document as it came beside
    /// what it says.
    pub(super) fn end_of(&self, job_id: &str) -> Result<(String, Document), Failure> {
        loop {
            let asked = Instant::now();
            let left = self.until.map(|until| until.saturating_duration_since(asked));
            let wait = format!("{}s", self.held(left));
            let call = Call::get(&["jobs", job_id]).query("wait", Some(&wait));
            let reply = RetryPolicy::USUAL.send(self.client, &call, self.until)?;
            let answer = reply.map_err(|problem| self.client.failure(&call, &problem))?;
            let document = Document::read(&answer.data)?;
            let is_late = self.until.is_some_and(|until| Instant::now() >= until);
            if document.job_status.is_final() || is_late {
                return Ok((answer.data, document));
            }
            self.progress.tell(harmless(&document.told(since::now())));
            std::thread::sleep(BETWEEN.saturating_sub(asked.elapsed()));
        }
    }

    /// Seconds of one question; the last one is rounded up.
    fn held(&self, left: Option<Duration>) -> u64 {
        let most = if self.progress.is_seen() { HELD_WATCHED_S } else { HELD_S };
        left.map_or(most, |left| left.as_millis().div_ceil(1_000).try_into().unwrap_or(most))
            .min(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::job::document::tests::document;
    use crate::command::job::fixture::{Fake, data, problem};
    use crate::exit::Exit;
    use crate::output::{Format, Terminal};
    use serde_json::json;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Answers in turn, the last one again and again.
    fn in_turn(answers: Vec<(u16, String)>) -> Fake {
        let asked = AtomicUsize::new(0);
        Fake::start(move |_| {
            let turn = asked.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
            answers[turn].clone()
        })
    }

    fn wait(fake: &Fake, timeout: Option<&str>) -> Result<(String, Document), Failure> {
        let progress = Terminal::new(Format::Table, true).watching();
        let client = fake.client();
        let timeout = timeout.map(|text| text.parse().unwrap());
        Waiting::new(&client, &progress, timeout).end_of("j")
    }

    fn status(status: &str) -> (u16, String) {
        (200, data(&document("j", status, json!({}))))
    }

    #[test]
    fn a_job_is_asked_for_until_it_is_over() {
        let busy = (503, problem("unavailable", "restarting", Some(0)));
        let fake = in_turn(vec![status("queued"), busy, status("running"), status("completed")]);
        let (text, document) = wait(&fake, None).unwrap();
        assert!(document.outcome().is_ok() && text.starts_with("{\"job_id\":\"j\""), "{text}");
        assert_eq!(fake.lines(), ["GET /jobs/j?wait=20s"; 4]);
    }

    #[test]
    fn when_the_time_is_over_the_job_is_given_as_it_stands() {
        let fake = in_turn(vec![status("running")]);
        let (_, document) = wait(&fake, Some("0s")).unwrap();
        assert_eq!(document.outcome().unwrap_err().exit(), Exit::Unfinished);
        assert_eq!(fake.lines(), ["GET /jobs/j?wait=0s"]);
    }

    #[test]
    fn a_job_that_is_not_there_is_not_waited_for() {
        let fake = in_turn(vec![(404, problem("not_found", "there is no job `j`", None))]);
        assert_eq!(wait(&fake, None).unwrap_err().exit(), Exit::NotFound);
        assert_eq!(fake.lines().len(), 1);
    }
}
