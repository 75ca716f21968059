//! Outcomes of a delivery attempt: success, permanent error, or retryable error.

use std::io;
use std::time::Duration;

use ureq::http::header::RETRY_AFTER;
use ureq::http::{HeaderMap, StatusCode};

use crate::address::Reserved;
use crate::backoff::{WAIT_MAX, next_try};
use crate::url::CallbackUrlError;

/// The acknowledgement of a callback by its receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// The HTTP status of the response, 200 to 299.
    pub status: u16,
}

/// The error of a delivery attempt, which says whether to retry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendFailure {
    /// A permanent error: the callback is not retried.
    #[error("{0}")]
    Refused(Reason),
    /// A transient error: the callback is retried after a delay.
    #[error("{reason}")]
    TryAgain {
        /// The cause of the error.
        reason: Reason,
        /// The delay that the receiver requested, at most [`WAIT_MAX`].
        retry_after: Option<Duration>,
    },
}

/// The cause of a delivery error. Its message is short, and contains no text from the receiver.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The URL is not permitted, or no longer permitted.
    #[error(transparent)]
    Url(#[from] CallbackUrlError),
    /// The host name resolves to an address that is not public.
    #[error(
        "the host's name leads to {0}; give a public host, or ask the operator to allow the name"
    )]
    Address(Reserved),
    /// The receiver responded with 410 (Gone).
    #[error("the receiver answered 410, so nothing is sent there again")]
    Gone,
    /// The receiver responded with a redirect, which is not followed.
    #[error(
        "the receiver answered {0}, and redirects are not followed; give the URL that it leads to"
    )]
    Redirect(u16),
    /// The receiver responded with another status than 200 to 299.
    #[error("the receiver answered {0}; expected 200 to 299")]
    Status(u16),
    /// The host name has no address.
    #[error("the host's name has no address")]
    NoAddress,
    /// The host name was not resolved in time.
    #[error("the host's name was not resolved in time")]
    SlowName,
    /// The connection was not established in time.
    #[error("the host took no connection in time")]
    SlowConnection,
    /// The response did not arrive in time.
    #[error("the receiver did not answer in time")]
    SlowAnswer,
    /// The connection failed or was closed.
    #[error("no connection to the host: {0}")]
    Connection(io::ErrorKind),
    /// The TLS handshake failed, for example by an invalid certificate.
    #[error("no secure connection to the host; check its certificate")]
    Tls,
    /// The response is not HTTP, or its head is too long.
    #[error("the receiver's answer is no answer of HTTP")]
    Protocol,
    /// The platform stopped during the request; the callback may have been delivered.
    #[error("the platform stopped before there was an answer")]
    Stopped,
}

impl SendFailure {
    /// Returns the cause of the error.
    #[must_use]
    pub fn reason(&self) -> &Reason {
        match self {
            Self::Refused(reason) | Self::TryAgain { reason, .. } => reason,
        }
    }

    /// Returns the delay before the next attempt after `tries` attempts, this one included: that of
    /// [`next_try`], or a longer one that the receiver requested. `None` where no attempt follows.
    #[must_use]
    pub fn next_try(&self, tries: u32, jitter: u64) -> Option<Duration> {
        match self {
            Self::Refused(_) => None,
            Self::TryAgain { retry_after, .. } => {
                next_try(tries, jitter).map(|wait| wait.max(retry_after.unwrap_or_default()))
            }
        }
    }

    pub(crate) fn again(reason: Reason) -> Self {
        Self::TryAgain { reason, retry_after: None }
    }
}

/// Classifies a response by its status and headers.
pub(crate) fn judge(status: StatusCode, headers: &HeaderMap) -> Result<Delivered, SendFailure> {
    let code = status.as_u16();
    match status {
        _ if status.is_success() => Ok(Delivered { status: code }),
        StatusCode::GONE => Err(SendFailure::Refused(Reason::Gone)),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            let retry_after = headers.get(RETRY_AFTER).and_then(|value| wait(value.to_str().ok()?));
            Err(SendFailure::TryAgain { reason: Reason::Status(code), retry_after })
        }
        _ if status.is_redirection() => Err(SendFailure::again(Reason::Redirect(code))),
        _ => Err(SendFailure::again(Reason::Status(code))),
    }
}

/// Parses `Retry-After` in seconds. The form with a date is ignored, so the backoff applies.
fn wait(value: &str) -> Option<Duration> {
    let value = value.trim();
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    // A number too large to parse counts as the longest delay.
    let seconds = value.parse().unwrap_or(u64::MAX);
    is_number.then(|| Duration::from_secs(seconds).min(WAIT_MAX))
}

/// A rejected address, passed through the error type of `ureq`.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the name leads to {0}")]
pub(crate) struct RefusedAddress(pub(crate) Reserved);

impl From<ureq::Error> for SendFailure {
    fn from(error: ureq::Error) -> Self {
        use ureq::{Error, Timeout};
        let reason = match error {
            Error::Other(other) => match other.downcast_ref::<RefusedAddress>() {
                Some(RefusedAddress(reserved)) => {
                    return Self::Refused(Reason::Address(*reserved));
                }
                None => Reason::Connection(io::ErrorKind::Other),
            },
            Error::HostNotFound => Reason::NoAddress,
            Error::Timeout(Timeout::Resolve) => Reason::SlowName,
            Error::Timeout(Timeout::Connect) => Reason::SlowConnection,
            Error::Timeout(_) => Reason::SlowAnswer,
            Error::Tls(_) | Error::Rustls(_) | Error::TlsRequired => Reason::Tls,
            // `rustls` reports the errors of a handshake in this way.
            Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => Reason::Tls,
            Error::Io(error) if error.kind() == io::ErrorKind::TimedOut => Reason::SlowAnswer,
            Error::Io(error) => Reason::Connection(error.kind()),
            Error::Protocol(_) | Error::LargeResponseHeader(..) => Reason::Protocol,
            _ => Reason::Connection(io::ErrorKind::Other),
        };
        Self::again(reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(status: u16, retry_after: Option<&str>) -> Result<Delivered, SendFailure> {
        let mut headers = HeaderMap::new();
        if let Some(value) = retry_after {
            headers.insert(RETRY_AFTER, value.parse().unwrap());
        }
        judge(StatusCode::from_u16(status).unwrap(), &headers)
    }

    #[test]
    fn an_answer_is_delivered_refused_for_good_or_tried_again() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(judged(status, None), Ok(Delivered { status }));
        }
        assert_eq!(judged(410, Some("5")), Err(SendFailure::Refused(Reason::Gone)));
        for status in [300, 301, 302, 303, 304, 307, 308] {
            assert_eq!(judged(status, None), Err(SendFailure::again(Reason::Redirect(status))));
        }
        for status in [400, 401, 403, 404, 405, 408, 413, 422, 429, 451, 500, 502, 503, 504, 999] {
            assert_eq!(judged(status, None), Err(SendFailure::again(Reason::Status(status))));
        }
    }

    #[test]
    fn a_receiver_may_ask_for_an_hour_and_no_more() {
        let asked = |status, value| match judged(status, Some(value)) {
            Err(SendFailure::TryAgain { retry_after, .. }) => {
                retry_after.map(|wait| wait.as_secs())
            }
            other => panic!("{other:?}"),
        };
        for (value, expected) in [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("3600", Some(3_600)),
            ("3601", Some(3_600)),
            ("99999999999999999999999", Some(3_600)),
            ("-1", None),
            ("+5", None),
            ("1.5", None),
            ("", None),
            ("Fri, 31 Dec 1999 23:59:59 GMT", None),
        ] {
            assert_eq!(asked(429, value), expected, "{value}");
            assert_eq!(asked(503, value), expected, "{value}");
        }
        assert_eq!(asked(500, "120"), None);
    }

    #[test]
    fn the_next_try_is_the_later_of_what_the_plan_and_the_receiver_say() {
        let failure = |seconds| {
            let retry_after = Some(Duration::from_secs(seconds));
            SendFailure::TryAgain { reason: Reason::Status(503), retry_after }
        };
        assert_eq!(failure(600).next_try(1, 0), Some(Duration::from_secs(600)));
        assert_eq!(failure(1).next_try(1, 0), next_try(1, 0));
        assert_eq!(failure(1).next_try(crate::TRIES_MAX, 0), None);
        assert_eq!(SendFailure::again(Reason::Tls).next_try(3, 9), next_try(3, 9));
        assert_eq!(SendFailure::Refused(Reason::Gone).next_try(1, 0), None);
    }
}
