//! What became of a callback that was sent: delivered, refused for good, or to be tried again.

use std::io;
use std::time::Duration;

use ureq::http::header::RETRY_AFTER;
use ureq::http::{HeaderMap, StatusCode};

use crate::address::Reserved;
use crate::backoff::{WAIT_MAX, next_try};
use crate::url::CallbackUrlError;

/// A receiver took it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// Its answer, 200 to 299.
    pub status: u16,
}

/// Why a callback did not arrive, and whether it is tried again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendFailure {
    /// Never again.
    #[error("{0}")]
    Refused(Reason),
    /// Again after a while.
    #[error("{reason}")]
    TryAgain {
        /// What was in the way.
        reason: Reason,
        /// How long the receiver asked to wait, at most [`WAIT_MAX`].
        retry_after: Option<Duration>,
    },
}

/// What was in the way. The text is short, and holds nothing that the receiver wrote.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The URL may not be called, or no longer.
    #[error(transparent)]
    Url(#[from] CallbackUrlError),
    /// The name leads to an address that is not the public internet's.
    #[error(
        "the host's name leads to {0}; give a public host, or ask the operator to allow the name"
    )]
    Address(Reserved),
    /// The receiver wants no more of them.
    #[error("the receiver answered 410, so nothing is sent there again")]
    Gone,
    /// Redirects are not followed.
    #[error(
        "the receiver answered {0}, and redirects are not followed; give the URL that it leads to"
    )]
    Redirect(u16),
    /// Another answer than 200 to 299.
    #[error("the receiver answered {0}; expected 200 to 299")]
    Status(u16),
    /// No address for the name.
    #[error("the host's name has no address")]
    NoAddress,
    /// No address in time.
    #[error("the host's name was not resolved in time")]
    SlowName,
    /// No connection in time.
    #[error("the host took no connection in time")]
    SlowConnection,
    /// No answer in time.
    #[error("the receiver did not answer in time")]
    SlowAnswer,
    /// No connection.
    #[error("no connection to the host: {0}")]
    Connection(io::ErrorKind),
    /// No connection that the receiver has proven to be its own.
    #[error("no secure connection to the host; check its certificate")]
    Tls,
    /// Something that is not HTTP, or a head without end.
    #[error("the receiver's answer is no answer of HTTP")]
    Protocol,
    /// The platform ended while it was sent; it may have arrived.
    #[error("the platform stopped before there was an answer")]
    Stopped,
}

impl SendFailure {
    /// What was in the way.
    #[must_use]
    pub fn reason(&self) -> &Reason {
        match self {
            Self::Refused(reason) | Self::TryAgain { reason, .. } => reason,
        }
    }

    /// How long to wait before the next try when `tries` were made, this one included: as
    /// [`next_try`], or longer if the receiver asked for it; `None` when it is given up.
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

/// What an answer means.
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

/// The wait of `Retry-After`, in seconds as most write it. A date is left to the backoff.
fn wait(value: &str) -> Option<Duration> {
    let value = value.trim();
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    // More digits than a number holds are a long wait.
    let seconds = value.parse().unwrap_or(u64::MAX);
    is_number.then(|| Duration::from_secs(seconds).min(WAIT_MAX))
}

/// A refused address on its way through `ureq`.
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
            // So `rustls` reports what is wrong with a handshake.
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
