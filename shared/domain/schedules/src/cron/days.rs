//! The fields day-of-month and day-of-week.

use jiff::civil::{Date, Weekday};

use super::field::{DAY_OF_MONTH, DAY_OF_WEEK, Values};
use crate::error::ExpressionError;

/// Days by one of the two fields; the other one is `?`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Days {
    OfMonth(Values),
    /// `L`: the last day of the month.
    LastOfMonth,
    /// `15W`: the weekday nearest to the 15th, in the same month. No day in a month without that
    /// date.
    NearestWeekday(i8),
    OfWeek(Values),
    /// `6L`: the last Friday of the month.
    LastOfWeekday(i8),
    /// `6#3`: the third Friday of the month.
    NthOfWeekday(i8, i8),
}

impl Days {
    pub(super) fn parse(of_month: &str, of_week: &str) -> Result<Self, ExpressionError> {
        match (of_month, of_week) {
            ("?", "?") => Err(DAY_OF_WEEK.refuse(
                of_week,
                "leaves every day open, as does day-of-month: write `*` for day-of-month",
            )),
            ("?", _) => Self::of_week(of_week),
            (_, "?") => Self::of_month(of_month),
            (_, "*") => Err(DAY_OF_WEEK
                .refuse(of_week, "stands beside a day-of-month: write `?` for day-of-week")),
            ("*", _) => Err(DAY_OF_MONTH
                .refuse(of_month, "stands beside a day-of-week: write `?` for day-of-month")),
            _ => Err(DAY_OF_WEEK.refuse(
                of_week,
                "stands beside a day-of-month: write `?` for the one that does not matter, or \
                 make two schedules",
            )),
        }
    }

    fn of_month(text: &str) -> Result<Self, ExpressionError> {
        let upper = text.to_ascii_uppercase();
        if upper == "L" {
            return Ok(Self::LastOfMonth);
        }
        if let Some(day) = upper.strip_suffix('W').filter(|day| is_number(day)) {
            return Ok(Self::NearestWeekday(small(DAY_OF_MONTH.value(day)?)));
        }
        if upper.contains(['L', 'W']) {
            return Err(DAY_OF_MONTH.refuse(
                text,
                "mixes `L` or `W` with something else: write `L` for the last day, `15W` for the \
                 weekday nearest to the 15th, and make a schedule for each",
            ));
        }
        Ok(Self::OfMonth(Values::parse(&DAY_OF_MONTH, text)?))
    }

    fn of_week(text: &str) -> Result<Self, ExpressionError> {
        let upper = text.to_ascii_uppercase();
        if upper.contains(',') && (upper.contains('#') || has_last(&upper)) {
            return Err(DAY_OF_WEEK.refuse(
                text,
                "lists `#` or `L` with other days: write one, such as `6#3`, and make a schedule \
                 for each",
            ));
        }
        if upper == "L" {
            return Ok(Self::OfWeek(Values::parse(&DAY_OF_WEEK, "SAT")?));
        }
        if let Some((day, nth)) = upper.split_once('#') {
            let nth = nth.parse().ok().filter(|nth| (1..=5).contains(nth)).ok_or_else(|| {
                DAY_OF_WEEK.refuse(text, "has no such week: write 1 to 5 after the `#`")
            })?;
            return Ok(Self::NthOfWeekday(small(DAY_OF_WEEK.value(day)?), nth));
        }
        if let Some(day) = upper.strip_suffix('L') {
            return Ok(Self::LastOfWeekday(small(DAY_OF_WEEK.value(day)?)));
        }
        Ok(Self::OfWeek(Values::parse(&DAY_OF_WEEK, text)?))
    }

    /// Returns both fields in the notation of the guide.
    pub(super) fn fields(&self) -> (String, String) {
        let any = || "?".to_owned();
        match self {
            Self::OfMonth(values) => (values.to_string(), any()),
            Self::LastOfMonth => ("L".to_owned(), any()),
            Self::NearestWeekday(day) => (format!("{day}W"), any()),
            Self::OfWeek(values) => (any(), values.to_string()),
            Self::LastOfWeekday(day) => (any(), format!("{day}L")),
            Self::NthOfWeekday(day, nth) => (any(), format!("{day}#{nth}")),
        }
    }

    /// Returns the matching days of the month that starts at `first`, in order.
    pub(super) fn in_month(&self, first: Date) -> impl Iterator<Item = Date> + '_ {
        let length = first.days_in_month();
        let single = match self {
            Self::OfMonth(_) | Self::OfWeek(_) => None,
            Self::LastOfMonth => Some(length),
            Self::NearestWeekday(day) => nearest_weekday(first, *day),
            Self::LastOfWeekday(day) => Some(length - (number(first, length) - day).rem_euclid(7)),
            Self::NthOfWeekday(day, nth) => {
                Some(1 + (day - number(first, 1)).rem_euclid(7) + 7 * (nth - 1))
            }
        };
        (1..=length)
            .filter(move |day| match self {
                Self::OfMonth(values) => values.contains(i16::from(*day)),
                Self::OfWeek(values) => values.contains(i16::from(number(first, *day))),
                _ => single == Some(*day),
            })
            .filter_map(move |day| Date::new(first.year(), first.month(), day).ok())
    }
}

/// Returns the number of the weekday, 1 for Sunday, of the `day`th of the month that starts at
/// `first`.
fn number(first: Date, day: i8) -> i8 {
    (first.weekday().to_sunday_zero_offset() + (day - 1)).rem_euclid(7) + 1
}

fn nearest_weekday(first: Date, day: i8) -> Option<i8> {
    let length = first.days_in_month();
    let date = Date::new(first.year(), first.month(), day).ok()?;
    Some(match date.weekday() {
        Weekday::Saturday if day == 1 => 3,
        Weekday::Saturday => day - 1,
        Weekday::Sunday if day == length => day - 2,
        Weekday::Sunday => day + 1,
        _ => day,
    })
}

/// Whether an item of a list is the last of a weekday, such as `6L` or `FRIL`.
fn has_last(list: &str) -> bool {
    list.split(',').any(|item| item.ends_with('L'))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Converts the value of a field of days, none of which is above 31.
fn small(value: i16) -> i8 {
    i8::try_from(value).unwrap_or(i8::MAX)
}
