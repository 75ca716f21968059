//! `rate(value unit)`: a recurring schedule with a fixed period.

use std::fmt;

use crate::error::ExpressionError;

/// The longest period, in days. EventBridge documents no bound; ten years exceed the lifetime of
/// any schedule.
pub const RATE_MAX_DAYS: i64 = 3650;

const MINUTE_MS: i64 = 60_000;
const FORM: &str = "is not a rate: write a whole number and a unit, such as `rate(5 minutes)`, \
                    `rate(1 hour)` or `rate(2 days)`";

/// A fixed period between fires. A day is 24 hours, whatever the changes of local clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    value: i64,
    unit: Unit,
}

/// What a rate counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::Display, strum::EnumString)]
#[strum(serialize_all = "lowercase")]
pub enum Unit {
    /// Minutes of 60 seconds.
    Minute,
    /// Hours of 60 minutes.
    Hour,
    /// Days of 24 hours.
    Day,
}

impl Unit {
    const fn ms(self) -> i64 {
        match self {
            Self::Minute => MINUTE_MS,
            Self::Hour => 60 * MINUTE_MS,
            Self::Day => 24 * 60 * MINUTE_MS,
        }
    }
}

impl Rate {
    pub(crate) fn parse(body: &str) -> Result<Self, ExpressionError> {
        let refused = |advice: String| ExpressionError::new("rate", body, advice);
        let words: Vec<&str> = body.split_whitespace().collect();
        let [number, word] = words.as_slice() else { return Err(refused(FORM.to_owned())) };
        if !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(refused(FORM.to_owned()));
        }
        // A number with too many digits is out of bounds like any other large number.
        let value = number.parse().unwrap_or(i64::MAX);
        let word = word.to_ascii_lowercase();
        let singular = word.strip_suffix('s').unwrap_or(&word);
        let Ok(unit) = singular.parse::<Unit>() else {
            return Err(refused(
                "has another unit: write minutes, hours or days; for weeks and months, write \
                 days or a `cron(...)`"
                    .to_owned(),
            ));
        };
        let rate = Self { value, unit };
        let max = RATE_MAX_DAYS * Unit::Day.ms() / unit.ms();
        if !(1..=max).contains(&value) {
            return Err(refused(format!("is out of bounds: write 1 to {max} {unit}s")));
        }
        if (value == 1) == word.ends_with('s') {
            return Err(refused(format!("mixes one and many: write `rate({rate})`")));
        }
        Ok(rate)
    }

    /// Returns the period between two fires, in milliseconds.
    #[must_use]
    pub const fn period_ms(self) -> i64 {
        self.value * self.unit.ms()
    }

    /// Returns the first of `anchor`, `anchor` + one period, `anchor` + two periods, ... after
    /// `after`, in milliseconds since the Unix epoch.
    pub(crate) fn next_after(self, anchor: i64, after: i64) -> Option<i64> {
        if after < anchor {
            return Some(anchor);
        }
        let periods = after.checked_sub(anchor)? / self.period_ms() + 1;
        anchor.checked_add(periods.checked_mul(self.period_ms())?)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.value == 1 { "" } else { "s" };
        write!(f, "{} {}{plural}", self.value, self.unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_counts_from_its_anchor() {
        let rate = Rate::parse("10 minutes").unwrap();
        let period = 600_000;
        for (after, next) in [
            (i64::MIN, Some(7)),
            (6, Some(7)),
            (7, Some(7 + period)),
            (6 + period, Some(7 + period)),
            (7 + period, Some(7 + 2 * period)),
            (i64::MAX, None),
        ] {
            assert_eq!(rate.next_after(7, after), next, "after {after}");
        }
    }
}
