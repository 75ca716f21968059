//! The option `--since`: the start of a time range.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use writ_model::Timestamp;

use crate::duration;

/// A point in time, or a duration before now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Since {
    Ago(Duration),
    At(Timestamp),
}

impl std::str::FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Ok(time) = text.parse() {
            return Ok(Self::At(time));
        }
        duration::parse(text).map(Self::Ago).ok_or_else(|| {
            "write a duration as `90s`, `30m`, `1h`, `2d` or `1w`, or a time as \
             `2026-01-31T09:30:00Z`"
                .to_owned()
        })
    }
}

impl Since {
    /// Resolves to a point in time, not before 1970.
    pub(crate) fn time(self) -> Timestamp {
        match self {
            Self::At(time) => time,
            Self::Ago(length) => (now() - length).max(Timestamp::default()),
        }
    }
}

/// The current time of the system's clock.
pub(crate) fn now() -> Timestamp {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_ms(i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_or_a_point_of_time() {
        let ago = |seconds| Ok(Since::Ago(Duration::from_secs(seconds)));
        let cases = [
            ("90s", ago(90)),
            ("1h", ago(3_600)),
            ("2w", ago(1_209_600)),
            ("1970-01-01T00:00:01Z", Ok(Since::At(Timestamp::from_ms(1_000)))),
        ];
        for (text, expected) in cases {
            assert_eq!(text.parse(), expected, "{text}");
        }
        for text in ["", "h", "1", "-1h", "1y", "yesterday", "99999999999999999999w", "1 h"] {
            assert!(text.parse::<Since>().is_err(), "{text}");
        }
    }
}
