//! When a job may start.

use std::time::Duration;

use writ_model::Timestamp;

use crate::duration;

/// The last millisecond that a time can be written of; the server says how far ahead is too far.
const LAST_MS: i64 = 253_402_207_199_999;

/// A point in time, given as one or as a length of time from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotBefore {
    In(Duration),
    At(Timestamp),
}

impl std::str::FromStr for NotBefore {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let ahead = text.strip_prefix('+').and_then(duration::read).map(Self::In);
        ahead.or_else(|| text.parse().ok().map(Self::At)).ok_or_else(|| {
            "write a time as `2026-01-31T09:30:00Z`, or a length of time from now as `+10m`"
                .to_owned()
        })
    }
}

impl NotBefore {
    /// The point in time.
    pub(super) fn time(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(time) => time,
            Self::In(length) => {
                let ms = i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
                Timestamp::from_ms(now.as_ms().saturating_add(ms).min(LAST_MS))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_or_a_length_of_time_from_now() {
        let time = |text: &str| text.parse::<NotBefore>().map(|it| it.time(Timestamp::from_ms(5)));
        assert_eq!(time("+10m"), Ok(Timestamp::from_ms(600_005)));
        assert_eq!(time("1970-01-01T00:00:01Z"), Ok(Timestamp::from_ms(1_000)));
        assert_eq!(time("1970-01-01T02:00:01+02:00"), Ok(Timestamp::from_ms(1_000)));
        let far = time("+9999999999w").unwrap().to_string();
        assert!(far.starts_with("9999-12-30T"), "{far}");
        for text in ["", "+", "10m", "-10m", "++1m", "+1", "tomorrow", "2026-01-31"] {
            assert!(text.parse::<NotBefore>().is_err(), "{text}");
        }
    }
}
