//! The option `--not-before`: the earliest start of a job.

use std::time::Duration;

use writ_model::Timestamp;

use crate::duration;

/// The latest time that can be formatted in every time zone: 9999-12-30T21:59:59.999Z. The server has
/// a nearer bound.
const LAST: Timestamp = Timestamp::from_ms(253_402_207_199_999);

/// A point in time, or a duration from now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotBefore {
    In(Duration),
    At(Timestamp),
}

impl std::str::FromStr for NotBefore {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let relative = text.strip_prefix('+').and_then(duration::parse).map(Self::In);
        relative.or_else(|| text.parse().ok().map(Self::At)).ok_or_else(|| {
            "write a time as `2026-01-31T09:30:00Z`, or a duration from now as `+10m`".to_owned()
        })
    }
}

impl NotBefore {
    /// Resolves to a point in time.
    pub(super) fn time(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(time) => time,
            Self::In(length) => (now + length).min(LAST),
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
