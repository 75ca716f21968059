//! Outcomes of a delivery attempt: success, permanent error, or retryable error.

use std::io;
use std::time::Duration;

use ureq::http::header::RETRY_AFTER;
use ureq::http::{HeaderMap, StatusCode};

use crate::address::ReservedRange;
use crate::backoff::{DELAY_MAX, retry_delay};
use crate::url::CallbackUrlError;

/// The acknowledgement of a callback by its receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    /// The HTTP status of the response, 200 to 299.
    pub status: u16,
}

/// The error of a delivery attempt, which says whether to retry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// A permanent error: the callback is not retried.
    #[error("{0}")]
    Permanent(FailureReason),
    /// A transient error: the callback is retried after a delay.
    #[error("{reason}")]
    Transient {
        /// The cause of the error.
        reason: FailureReason,
        /// The delay that the receiver requested, at most [`DELAY_MAX`].
        retry_after: Option<Duration>,
    },
}

/// The cause of a delivery error. Its message is short, and contains no text from the receiver.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FailureReason {
    /// The URL is not permitted, or no longer permitted.
    #[error(transparent)]
    Url(#[from] CallbackUrlError),
    /// The host name resolves to an address that is not public.
    #[error(
        "the host's name leads to {0}; give a public host, or ask the operator to allow the name"
    )]
    Address(ReservedRange),
    /// The host name resolves to the listener of the platform itself.
    #[error("the host's name leads to this platform itself, which is never called back")]
    OwnListener,
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

impl SendError {
    /// Returns the cause of the error.
    #[must_use]
    pub fn reason(&self) -> &FailureReason {
        match self {
            Self::Permanent(reason) | Self::Transient { reason, .. } => reason,
        }
    }

    /// Returns the delay before the next attempt after `attempts` attempts, this one included: that of
    /// [`retry_delay`], or a longer one that the receiver requested. `None` where no attempt follows.
    #[must_use]
    pub fn retry_delay(&self, attempts: u32, jitter: u64) -> Option<Duration> {
        match self {
            Self::Permanent(_) => None,
            Self::Transient { retry_after, .. } => {
                retry_delay(attempts, jitter).map(|wait| wait.max(retry_after.unwrap_or_default()))
            }
        }
    }

    pub(crate) fn transient(reason: FailureReason) -> Self {
        Self::Transient { reason, retry_after: None }
    }
}

/// Classifies a response by its status and headers.
pub(crate) fn classify(
    status: StatusCode,
    headers: &HeaderMap,
) -> Result<Acknowledgement, SendError> {
    let code = status.as_u16();
    match status {
        _ if status.is_success() => Ok(Acknowledgement { status: code }),
        StatusCode::GONE => Err(SendError::Permanent(FailureReason::Gone)),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            let retry_after = headers.get(RETRY_AFTER).and_then(|value| wait(value.to_str().ok()?));
            Err(SendError::Transient { reason: FailureReason::Status(code), retry_after })
        }
        _ if status.is_redirection() => Err(SendError::transient(FailureReason::Redirect(code))),
        _ => Err(SendError::transient(FailureReason::Status(code))),
    }
}

/// Parses `Retry-After` in seconds. The form with a date is ignored, so the backoff applies.
fn wait(value: &str) -> Option<Duration> {
    let value = value.trim();
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    // A number too large to parse counts as the longest delay.
    let seconds = value.parse().unwrap_or(u64::MAX);
    is_number.then(|| Duration::from_secs(seconds).min(DELAY_MAX))
}

/// A rejected address, passed through the error type of `ureq`.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the name leads to {0}")]
pub(crate) struct ReservedAddressError(pub(crate) ReservedRange);

/// A rejected address of the platform itself, passed through the error type of `ureq`.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the name leads to this platform")]
pub(crate) struct OwnListenerError;

impl From<ureq::Error> for SendError {
    fn from(error: ureq::Error) -> Self {
        use ureq::{Error, Timeout};
        let reason = match error {
            Error::Other(other) => match other.downcast_ref::<ReservedAddressError>() {
                Some(ReservedAddressError(reserved_range)) => {
                    return Self::Permanent(FailureReason::Address(*reserved_range));
                }
                None if other.is::<OwnListenerError>() => {
                    return Self::Permanent(FailureReason::OwnListener);
                }
                None => FailureReason::Connection(io::ErrorKind::Other),
            },
            Error::HostNotFound => FailureReason::NoAddress,
            Error::Timeout(Timeout::Resolve) => FailureReason::SlowName,
            Error::Timeout(Timeout::Connect) => FailureReason::SlowConnection,
            Error::Timeout(_) => FailureReason::SlowAnswer,
            Error::Tls(_) | Error::Rustls(_) | Error::TlsRequired => FailureReason::Tls,
            // `rustls` reports the errors of a handshake in this way.
            Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => FailureReason::Tls,
            Error::Io(error) if error.kind() == io::ErrorKind::TimedOut => {
                FailureReason::SlowAnswer
            }
            Error::Io(error) => FailureReason::Connection(error.kind()),
            Error::Protocol(_) | Error::LargeResponseHeader(..) => FailureReason::Protocol,
            _ => FailureReason::Connection(io::ErrorKind::Other),
        };
        Self::transient(reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(status: u16, retry_after: Option<&str>) -> Result<Acknowledgement, SendError> {
        let mut headers = HeaderMap::new();
        if let Some(value) = retry_after {
            headers.insert(RETRY_AFTER, value.parse().unwrap());
        }
        classify(StatusCode::from_u16(status).unwrap(), &headers)
    }

    #[test]
    fn an_answer_is_delivered_refused_for_good_or_tried_again() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(judged(status, None), Ok(Acknowledgement { status }));
        }
        assert_eq!(judged(410, Some("5")), Err(SendError::Permanent(FailureReason::Gone)));
        for status in [300, 301, 302, 303, 304, 307, 308] {
            assert_eq!(
                judged(status, None),
                Err(SendError::transient(FailureReason::Redirect(status)))
            );
        }
        for status in [400, 401, 403, 404, 405, 408, 413, 422, 429, 451, 500, 502, 503, 504, 999] {
            assert_eq!(
                judged(status, None),
                Err(SendError::transient(FailureReason::Status(status)))
            );
        }
    }

    #[test]
    fn a_receiver_may_ask_for_an_hour_and_no_more() {
        let asked = |status, value| match judged(status, Some(value)) {
            Err(SendError::Transient { retry_after, .. }) => retry_after.map(|wait| wait.as_secs()),
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
            SendError::Transient { reason: FailureReason::Status(503), retry_after }
        };
        assert_eq!(failure(600).retry_delay(1, 0), Some(Duration::from_secs(600)));
        assert_eq!(failure(1).retry_delay(1, 0), retry_delay(1, 0));
        assert_eq!(failure(1).retry_delay(crate::ATTEMPTS_MAX, 0), None);
        assert_eq!(SendError::transient(FailureReason::Tls).retry_delay(3, 9), retry_delay(3, 9));
        assert_eq!(SendError::Permanent(FailureReason::Gone).retry_delay(1, 0), None);
    }
}
