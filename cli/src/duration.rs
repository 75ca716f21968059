//! Durations on the command line and in output.

use std::time::Duration;

/// The units of a duration, in seconds.
const UNITS: [(char, u64); 5] =
    [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400), ('w', 7 * 86_400)];

/// A duration on the command line, in whole seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DurationArg(pub(crate) Duration);

impl std::str::FromStr for DurationArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text)
            .map(Self)
            .ok_or_else(|| "write a length of time as `90s`, `30m`, `1h`, `2d` or `1w`".to_owned())
    }
}

/// Parses a count and its unit, as `90s`.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let last = text.chars().last()?;
    let (_, seconds) = UNITS.into_iter().find(|(unit, _)| *unit == last)?;
    let digits = text.strip_suffix(last)?;
    // No sign: `parse` of integers allows `+`, which has its own meaning in `--not-before`.
    let count: u64 =
        digits.bytes().all(|byte| byte.is_ascii_digit()).then_some(digits)?.parse().ok()?;
    count.checked_mul(seconds).map(Duration::from_secs)
}

/// Formats milliseconds for tables: `812 ms`, `12.3 s`, `2m 5s`, `1h 0m`.
pub(crate) fn format_ms(ms: u64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0 => format!("{ms} ms"),
        1..60 => format!("{seconds}.{} s", ms % 1_000 / 100),
        60..3_600 => format!("{}m {}s", seconds / 60, seconds % 60),
        _ => format!("{}h {}m", seconds / 3_600, seconds % 3_600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_a_count_and_a_unit() {
        for (text, seconds) in [("0s", 0), ("90s", 90), ("5m", 300), ("1h", 3_600), ("2d", 172_800)]
        {
            assert_eq!(text.parse(), Ok(DurationArg(Duration::from_secs(seconds))), "{text}");
        }
        for text in ["", "s", "5", "-5m", "+5m", "1.5h", "5 m", "5M", "99999999999999999999w", "5é"]
        {
            assert!(text.parse::<DurationArg>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_length_is_shown_as_long_as_it_is() {
        for (ms, text) in [
            (0, "0 ms"),
            (999, "999 ms"),
            (1_000, "1.0 s"),
            (59_999, "59.9 s"),
            (125_000, "2m 5s"),
            (3_600_000, "1h 0m"),
            (93_600_000, "26h 0m"),
        ] {
            assert_eq!(format_ms(ms), text);
        }
    }
}
