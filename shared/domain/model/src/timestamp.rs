//! Points in time, as milliseconds since the Unix epoch.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A point in time, in milliseconds since the Unix epoch. In JSON it is RFC 3339 text in UTC with
/// milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Creates the timestamp `ms` milliseconds after the Unix epoch.
    #[must_use]
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Returns the milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_ms(self) -> i64 {
        self.0
    }

    /// The instant so much later, in whole milliseconds; `None` beyond the range of the type.
    #[must_use]
    pub fn checked_add(self, time: Duration) -> Option<Self> {
        let ms = i64::try_from(time.as_millis()).ok()?;
        self.0.checked_add(ms).map(Self)
    }

    /// The instant so much earlier, in whole milliseconds; `None` beyond the range of the type.
    #[must_use]
    pub fn checked_sub(self, time: Duration) -> Option<Self> {
        let ms = i64::try_from(time.as_millis()).ok()?;
        self.0.checked_sub(ms).map(Self)
    }

    /// The instant so much later, or the last one of the type.
    #[must_use]
    pub fn saturating_add(self, time: Duration) -> Self {
        self.checked_add(time).unwrap_or(Self(i64::MAX))
    }

    /// The instant so much earlier, or the first one of the type.
    #[must_use]
    pub fn saturating_sub(self, time: Duration) -> Self {
        self.checked_sub(time).unwrap_or(Self(i64::MIN))
    }

    /// The time since `earlier`; zero where that is not earlier.
    #[must_use]
    pub fn saturating_since(self, earlier: Self) -> Duration {
        let ms = self.0.saturating_sub(earlier.0);
        Duration::from_millis(u64::try_from(ms).unwrap_or(0))
    }
}

/// As [`Timestamp::saturating_add`]: clocks are read from outside, and no sum of them may panic.
impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, time: Duration) -> Self {
        self.saturating_add(time)
    }
}

/// As [`Timestamp::saturating_sub`], so that no difference panics.
impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, time: Duration) -> Self {
        self.saturating_sub(time)
    }
}

/// As [`Timestamp::saturating_since`], like the difference of two [`std::time::Instant`]s.
impl Sub for Timestamp {
    type Output = Duration;

    fn sub(self, earlier: Self) -> Duration {
        self.saturating_since(earlier)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let instant = jiff::Timestamp::from_millisecond(self.0).map_err(|_| fmt::Error)?;
        write!(f, "{instant:.3}")
    }
}

impl FromStr for Timestamp {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let instant: jiff::Timestamp = text
            .parse()
            .map_err(|_| format!("`{text}` is not a time such as 2026-01-31T09:30:00Z"))?;
        Ok(Self(instant.as_millisecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_reads_back_what_it_prints() {
        for (ms, text) in
            [(0, "1970-01-01T00:00:00.000Z"), (1_790_000_000_123, "2026-09-21T14:13:20.123Z")]
        {
            assert_eq!(Timestamp::from_ms(ms).to_string(), text);
            assert_eq!(text.parse(), Ok(Timestamp::from_ms(ms)));
        }
        assert!("yesterday".parse::<Timestamp>().is_err());
    }

    #[test]
    fn sums_end_at_the_bounds_of_the_type_and_differences_at_zero() {
        let (time, second) = (Timestamp::from_ms(5_000), Duration::from_secs(1));
        assert_eq!((time + second, time - second), (Timestamp(6_000), Timestamp(4_000)));
        assert_eq!(time + Duration::from_micros(1_999), Timestamp(5_001), "whole milliseconds");
        assert_eq!((time + second) - time, second);
        assert_eq!(time - (time + second), Duration::ZERO);
        let (first, last) = (Timestamp(i64::MIN), Timestamp(i64::MAX));
        assert_eq!((last + second, first - second), (last, first));
        assert_eq!(last - first, Duration::from_millis(i64::MAX.unsigned_abs()));
        assert_eq!((last.checked_add(second), first.checked_sub(second)), (None, None));
        assert_eq!((time + Duration::MAX, time - Duration::MAX), (last, first));
    }
}
