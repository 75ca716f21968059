//! `cron(minutes hours day-of-month month day-of-week year)`: at wall-clock times.

mod days;
mod field;
mod search;

use std::fmt;
use std::ops::RangeInclusive;

use self::days::Days;
use self::field::{HOURS, MINUTES, MONTHS, Values, YEAR};
use crate::error::ExpressionError;

/// The permitted years of an expression.
pub(crate) const YEARS: RangeInclusive<i16> = YEAR.min..=YEAR.max;

const FORM: &str = "does not have six fields: write minutes, hours, day-of-month, month, day-of-week and \
                    year, such as `cron(0 9 ? * MON-FRI *)`";

/// The wall-clock minutes that match six fields.
///
/// Day-of-week is 1 (Sunday) to 7. In addition to the guide, the parser accepts names in any case,
/// `*/15` as `0/15`, a step over a range (`9-17/2`), and a range that wraps (`22-2`, `SAT-SUN`);
/// all of these are printed in the guide's forms. Other forms are rejected: `LW`, `L-3`, a step in
/// day-of-week, and a list that mixes `L`, `W` or `#` with other days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    minutes: Values,
    hours: Values,
    months: Values,
    years: Values,
    days: Days,
}

impl Cron {
    pub(crate) fn parse(body: &str) -> Result<Self, ExpressionError> {
        let fields: Vec<&str> = body.split_whitespace().collect();
        let [minutes, hours, of_month, months, of_week, years] = fields.as_slice() else {
            return Err(miscounted(body, fields.len()));
        };
        let cron = Self {
            minutes: Values::parse(&MINUTES, minutes)?,
            hours: Values::parse(&HOURS, hours)?,
            days: Days::parse(of_month, of_week)?,
            months: Values::parse(&MONTHS, months)?,
            years: Values::parse(&YEAR, years)?,
        };
        if !cron.matches_a_day() {
            return Err(ExpressionError::new(
                "cron",
                body,
                "never fires: no such day is in these months and years; for the end of a month \
                 write `L` for day-of-month",
            ));
        }
        Ok(cron)
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { minutes, hours, months, years, days } = self;
        let (of_month, of_week) = days.fields();
        write!(f, "{minutes} {hours} {of_month} {months} {of_week} {years}")
    }
}

fn miscounted(body: &str, count: usize) -> ExpressionError {
    let advice = match (count, suggestion(body)) {
        (5, Some(meant)) => {
            format!("has five fields, here there are six: write `cron({meant})`")
        }
        (5, None) => format!(
            "{FORM}; where unix cron names a day of the month and a day of the week, make two \
             schedules"
        ),
        (7, _) => format!("{FORM}; seconds are not among them"),
        _ => FORM.to_owned(),
    };
    ExpressionError::new("cron", body, advice)
}

/// Returns the probable expression for five fields as in a crontab, or for six without `cron(...)`.
pub(crate) fn suggestion(text: &str) -> Option<String> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let meant = match fields.as_slice() {
        [_, _, "?", _, _] | [_, _, _, _, "?"] => format!("{} *", fields.join(" ")),
        [minutes, hours, of_month, month, "*"] => {
            format!("{minutes} {hours} {of_month} {month} ? *")
        }
        [minutes, hours, "*", month, of_week] => {
            format!("{minutes} {hours} ? {month} {} *", from_sunday_is_zero(of_week)?)
        }
        [_, _, _, _, _, _] => fields.join(" "),
        _ => return None,
    };
    Cron::parse(&meant).ok().map(|cron| cron.to_string())
}

/// Converts days of the week from the numbers of crontabs (0 and 7 are Sunday). Names are
/// unchanged.
fn from_sunday_is_zero(of_week: &str) -> Option<String> {
    let mut text = String::new();
    for part in of_week.split_inclusive([',', '-']) {
        let day = part.trim_end_matches([',', '-']);
        let mark = part.get(day.len()..)?;
        match day.parse::<u8>() {
            Ok(number @ 0..=7) => text.push_str(&format!("{}{mark}", number % 7 + 1)),
            Ok(_) => return None,
            Err(_) => text.push_str(part),
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crontab_line_is_answered_with_the_same_schedule_in_six_fields() {
        for (crontab, meant) in [
            ("*/5 * * * *", Some("0/5 * * * ? *")),
            ("0 9 * * 1-5", Some("0 9 ? * MON-FRI *")),
            ("0 9 * * 0,6", Some("0 9 ? * SUN,SAT *")),
            ("0 9 * * 7", Some("0 9 ? * SUN *")),
            ("0 9 * * mon-fri", Some("0 9 ? * MON-FRI *")),
            ("30 2 1 JAN *", Some("30 2 1 1 ? *")),
            ("0 9 ? * MON", Some("0 9 ? * MON *")),
            ("0 9 L * ?", Some("0 9 L * ? *")),
            ("0 9 * * ? *", Some("0 9 * * ? *")),
            ("0 9 1 * 1", None),
            ("0 9 * * 8", None),
            ("every day at noon", None),
        ] {
            assert_eq!(suggestion(crontab).as_deref(), meant, "for `{crontab}`");
        }
    }
}
