//! Retries of requests after transient errors: the server is busy, restarts, or limits the caller.

use std::time::{Duration, Instant};

use writ_model::{Backoff, Error, ErrorKind};

use crate::client::{ApiRequest, ApiResponse, Client};
use crate::error::CliError;
use crate::exit::Exit;
use crate::problem::Problem;

/// Bound of a pause that the server requests with `Retry-After`.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);

/// Bound of the exponential backoff.
const BACKOFF_MAX: Duration = Duration::from_secs(10);

/// The number of attempts and the pauses between them.
#[derive(Clone, Copy, Debug)]
pub(super) struct RetryPolicy {
    /// The number of attempts, the first one included.
    pub(super) attempts_max: u32,
    /// The first pause without `Retry-After`; each further one is twice as long.
    pub(super) backoff: Duration,
}

impl RetryPolicy {
    /// Long enough for a restart of the server: 35.5 s of pauses.
    pub(super) const DEFAULT: Self = Self { attempts_max: 8, backoff: Duration::from_millis(500) };

    /// Sends an idempotent request until the response is final, the attempts are used up, or the
    /// next one would start after `until`.
    pub(super) fn send(
        self,
        client: &Client,
        request: &ApiRequest,
        until: Option<Instant>,
    ) -> Result<Result<ApiResponse, Problem>, CliError> {
        let mut attempts = 0;
        loop {
            let reply = client.try_send(request);
            attempts += 1;
            let pause = match &reply {
                Ok(Err(problem)) if is_transient(&problem.error) => {
                    self.pause(attempts, problem.error.retry_after_s)
                }
                Err(failure) if failure.exit() == Exit::Unavailable => self.pause(attempts, None),
                _ => return reply,
            };
            let is_late = until.is_some_and(|until| Instant::now() + pause >= until);
            if attempts >= self.attempts_max || is_late {
                return reply;
            }
            std::thread::sleep(pause);
        }
    }

    /// The pause after this number of attempts.
    fn pause(self, attempts: u32, retry_after_s: Option<u32>) -> Duration {
        match retry_after_s {
            Some(seconds) => Duration::from_secs(seconds.into()).min(RETRY_AFTER_MAX),
            None => Backoff { first: self.backoff, max: BACKOFF_MAX }.wait(attempts.max(1)),
        }
    }
}

/// Whether the same request may succeed later.
fn is_transient(error: &Error) -> bool {
    match error.kind {
        ErrorKind::Limited | ErrorKind::Unavailable | ErrorKind::TimedOut => true,
        // The first request with this idempotency key is still in progress.
        ErrorKind::Conflict => error.retry_after_s.is_some(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::job::fake_server::{FakeServer, problem};
    use std::sync::atomic::{AtomicU32, Ordering};

    const QUICK: RetryPolicy = RetryPolicy { attempts_max: 4, backoff: Duration::from_millis(1) };

    #[test]
    fn pauses_grow_and_are_bounded_and_the_server_may_name_them() {
        let pause = |attempts, retry_after_s| {
            RetryPolicy::DEFAULT.pause(attempts, retry_after_s).as_millis()
        };
        assert_eq!([1, 2, 3].map(|attempts| pause(attempts, None)), [500, 1_000, 2_000]);
        assert_eq!([6, 40].map(|attempts| pause(attempts, None)), [10_000, 10_000]);
        assert_eq!([Some(0), Some(7), Some(3_600)].map(|s| pause(1, s)), [0, 7_000, 60_000]);
    }

    #[test]
    fn transient_errors_are_retried_and_others_are_not() {
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
            let fake = FakeServer::start(move |_| (status, problem(kind, "no", retry_after_s)));
            let reply = QUICK.send(&fake.client(), &ApiRequest::get(&["jobs", "j"]), None);
            assert_eq!(reply.unwrap().unwrap_err().error.kind.name(), kind);
            assert_eq!(fake.requests().len(), expected, "{kind}");
        }
    }

    #[test]
    fn a_later_success_is_the_answer() {
        let calls = AtomicU32::new(0);
        let fake = FakeServer::start(move |_| match calls.fetch_add(1, Ordering::SeqCst) {
            0 | 1 => (429, problem("limited", "slowly", Some(0))),
            _ => (200, r#"{"data":7}"#.to_owned()),
        });
        let reply = QUICK.send(&fake.client(), &ApiRequest::get(&["jobs", "j"]), None);
        assert_eq!((reply.unwrap().unwrap().data.as_str(), fake.requests().len()), ("7", 3));
    }

    #[test]
    fn nothing_is_retried_after_the_time_is_over() {
        let fake = FakeServer::start(|_| (503, problem("unavailable", "no", Some(30))));
        let until = Some(Instant::now() + Duration::from_secs(5));
        let reply = QUICK.send(&fake.client(), &ApiRequest::get(&["jobs", "j"]), until);
        assert!(reply.unwrap().is_err());
        assert_eq!(fake.requests().len(), 1);
    }

    #[test]
    fn an_unreachable_server_is_retried_too() {
        let client = FakeServer::unreachable_client();
        let failure = QUICK.send(&client, &ApiRequest::get(&["jobs", "j"]), None).unwrap_err();
        assert_eq!(failure.exit(), Exit::Unavailable);
    }
}
