//! Trying a request again that failed for now: the server is busy, restarts, or limits the caller.

use std::time::{Duration, Instant};

use writ_model::{Error, ErrorKind};

use crate::client::{Answer, Call, Client};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::problem::Problem;

/// No pause is longer, whatever the server says.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Unless the server says how long, no pause is longer.
const BACKOFF_MAX: Duration = Duration::from_secs(10);

/// How often to try, and how long to pause.
#[derive(Clone, Copy, Debug)]
pub(super) struct RetryPolicy {
    /// Tries in all.
    pub(super) tries: u32,
    /// The first pause where the server names none; each further one is twice as long.
    pub(super) pause: Duration,
}

impl RetryPolicy {
    /// Enough for a restart of the server.
    pub(super) const USUAL: Self = Self { tries: 8, pause: Duration::from_millis(500) };

    /// Sends a request that does no harm when sent again, until it is answered for good, tries run
    /// out, or the next one would come after `until`.
    pub(super) fn send(
        self,
        client: &Client,
        call: &Call,
        until: Option<Instant>,
    ) -> Result<Result<Answer, Problem>, Failure> {
        let mut tried = 0;
        loop {
            let reply = client.try_send(call);
            tried += 1;
            let pause = match &reply {
                Ok(Err(problem)) if is_passing(&problem.error) => {
                    self.pause(tried, problem.error.retry_after_s)
                }
                Err(failure) if failure.exit() == Exit::Unavailable => self.pause(tried, None),
                _ => return reply,
            };
            let is_late = until.is_some_and(|until| Instant::now() + pause >= until);
            if tried >= self.tries || is_late {
                return reply;
            }
            std::thread::sleep(pause);
        }
    }

    /// Before the try after `tried` of them.
    fn pause(self, tried: u32, retry_after_s: Option<u32>) -> Duration {
        match retry_after_s {
            Some(seconds) => Duration::from_secs(seconds.into()).min(PAUSE_MAX),
            None => {
                let doubled = 2_u32.saturating_pow(tried.saturating_sub(1));
                self.pause.saturating_mul(doubled).min(BACKOFF_MAX)
            }
        }
    }
}

/// Whether the same request may succeed later.
fn is_passing(error: &Error) -> bool {
    match error.kind {
        ErrorKind::Limited | ErrorKind::Unavailable | ErrorKind::TimedOut => true,
        // The first request with this key is still being answered.
        ErrorKind::Conflict => error.retry_after_s.is_some(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::job::fixture::{Fake, problem};
    use std::sync::atomic::{AtomicU32, Ordering};

    const QUICK: RetryPolicy = RetryPolicy { tries: 4, pause: Duration::from_millis(1) };

    #[test]
    fn pauses_grow_and_are_bounded_and_the_server_may_name_them() {
        let pause = |tried, named| RetryPolicy::USUAL.pause(tried, named).as_millis();
        assert_eq!([1, 2, 3].map(|tried| pause(tried, None)), [500, 1_000, 2_000]);
        assert_eq!([6, 40].map(|tried| pause(tried, None)), [10_000, 10_000]);
        assert_eq!([Some(0), Some(7), Some(3_600)].map(|s| pause(1, s)), [0, 7_000, 60_000]);
    }

    #[test]
    fn what_may_pass_is_tried_again_and_the_rest_is_not() {
        let cases = [
            (429, "limited", Some(0), 4),
            (503, "unavailable", None, 4),
            (504, "timed_out", None, 4),
            (409, "conflict", Some(0), 4),
            (409, "conflict", None, 1),
            (422, "schema_violation", None, 1),
            (500, "internal", None, 1),
        ];
        for (status, kind, retry_after_s, expected) in cases {
            let fake = Fake::start(move |_| (status, problem(kind, "no", retry_after_s)));
            let reply = QUICK.send(&fake.client(), &Call::get(&["jobs", "j"]), None);
            assert_eq!(reply.unwrap().unwrap_err().error.kind.name(), kind);
            assert_eq!(fake.seen().len(), expected, "{kind}");
        }
    }

    #[test]
    fn a_later_success_is_the_answer() {
        let calls = AtomicU32::new(0);
        let fake = Fake::start(move |_| match calls.fetch_add(1, Ordering::SeqCst) {
            0 | 1 => (429, problem("limited", "slowly", Some(0))),
            _ => (200, r#"{"data":7}"#.to_owned()),
        });
        let reply = QUICK.send(&fake.client(), &Call::get(&["jobs", "j"]), None);
        assert_eq!((reply.unwrap().unwrap().data.as_str(), fake.seen().len()), ("7", 3));
    }

    #[test]
    fn nothing_is_tried_after_the_time_is_over() {
        let fake = Fake::start(|_| (503, problem("unavailable", "no", Some(30))));
        let until = Some(Instant::now() + Duration::from_secs(5));
        let reply = QUICK.send(&fake.client(), &Call::get(&["jobs", "j"]), until);
        assert!(reply.unwrap().is_err());
        assert_eq!(fake.seen().len(), 1);
    }

    #[test]
    fn a_server_that_is_not_there_is_asked_as_often() {
        let client = Fake::nobody();
        let failure = QUICK.send(&client, &Call::get(&["jobs", "j"]), None).unwrap_err();
        assert_eq!(failure.exit(), Exit::Unavailable);
    }
}
