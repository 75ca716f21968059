//! Times: numbers of nanoseconds since 1970, dates in time zones, and durations.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use num_traits::ToPrimitive;

use super::layouts;
use crate::builtin::{Answer, Args, Call, some};
use crate::context::{Context, Error};
use crate::gofmt;
use crate::value::Value;

pub(crate) const TABLE: &[(&str, Call)] = &[
    ("time.now_ns", |context, _| some(context.now_ns)),
    ("time.parse_ns", |_, args| {
        let layout = args.text(0)?;
        some(nanoseconds(layouts::parse(layouts::named(layout).unwrap_or(layout), args.text(1)?)?)?)
    }),
    ("time.parse_rfc3339_ns", |_, args| {
        some(nanoseconds(layouts::parse("2006-01-02T15:04:05Z07:00", args.text(0)?)?)?)
    }),
    ("time.parse_duration_ns", |_, args| some(duration(args.text(0)?)?)),
    ("time.date", |_, args| {
        let civil = Instant::of(args, 0)?.civil();
        some(Value::array([civil.year, civil.month, civil.day].map(Value::from)))
    }),
    ("time.clock", |_, args| {
        let civil = Instant::of(args, 0)?.civil();
        some(Value::array([civil.hour, civil.minute, civil.second].map(Value::from)))
    }),
    ("time.weekday", |_, args| some(Instant::of(args, 0)?.civil().weekday())),
    ("time.add_date", add_date),
    ("time.diff", diff),
    ("time.format", format),
];

/// A date and time of day, without a time zone.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Civil {
    pub(super) year: i64,
    /// From 1 to 12.
    pub(super) month: i64,
    /// From 1 to 31.
    pub(super) day: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    pub(super) nanosecond: i64,
}

pub(super) const WEEKDAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// Days from 1970-01-01 to a date; the day may lie outside of its month.
pub(super) fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that the leap day is the last one.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year + day - 1 - 719_468
}

pub(super) fn days_in(year: i64, month: i64) -> i64 {
    days(if month == 12 { year + 1 } else { year }, month % 12 + 1, 1) - days(year, month, 1)
}

impl Civil {
    fn of_seconds(seconds: i64, nanosecond: i64) -> Self {
        let (day_number, of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let shifted = day_number + 719_468;
        let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * of_year + 2) / 153;
        let month = (shifted_month + 2) % 12 + 1;
        Civil {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month,
            day: of_year - (153 * shifted_month + 2) / 5 + 1,
            hour: of_day / 3_600,
            minute: of_day / 60 % 60,
            second: of_day % 60,
            nanosecond,
        }
    }

    pub(super) fn day_number(&self) -> i64 {
        days(self.year, self.month, self.day)
    }

    /// Nanoseconds since 1970, as if in UTC.
    pub(super) fn nanoseconds(&self) -> i128 {
        let seconds =
            self.day_number() * 86_400 + self.hour * 3_600 + self.minute * 60 + self.second;
        i128::from(seconds) * 1_000_000_000 + i128::from(self.nanosecond)
    }

    pub(super) fn weekday(&self) -> &'static str {
        let place = (self.day_number() + 4).rem_euclid(7);
        WEEKDAYS.get(usize::try_from(place).unwrap_or(0)).copied().unwrap_or_default()
    }
}

/// An instant in a time zone.
struct Instant {
    ns: i64,
    zone: TimeZone,
    layout: Option<String>,
}

impl Instant {
    /// Of a number, or an array of a number and the name of a time zone.
    fn of(args: &Args<'_>, place: usize) -> Result<Self, Error> {
        let wrong = |value: &Value, expected| Error::operand(place + 1, value, &[expected]);
        let text =
            |value: &Value| value.as_str().map(str::to_owned).ok_or_else(|| wrong(value, "string"));
        let (number, zone, layout) = match args.value(place) {
            Value::Array(array) => {
                let [number, rest @ ..] = array.as_slice() else {
                    return Err(wrong(
                        args.value(place),
                        "either number (ns) or [number (ns), string (tz)]",
                    ));
                };
                (number, rest.first().map(text).transpose()?, rest.get(1).map(text).transpose()?)
            }
            number @ Value::Number(_) => (number, None, None),
            other => return Err(wrong(other, "either number (ns) or [number (ns), string (tz)]")),
        };
        let number = number.as_number().ok_or_else(|| wrong(number, "number"))?;
        let zone = zone.map_or(Ok(TimeZone::UTC), |name| time_zone(&name))?;
        let float = number.as_float();
        let ns = if float.is_int() { float.truncate().to_i64() } else { None };
        Ok(Instant { ns: ns.ok_or_else(|| Error::new("timestamp too big"))?, zone, layout })
    }

    fn offset(&self) -> (i64, String) {
        let timestamp =
            Timestamp::from_nanosecond(i128::from(self.ns)).unwrap_or(Timestamp::UNIX_EPOCH);
        let info = self.zone.to_offset_info(timestamp);
        (i64::from(info.offset().seconds()), info.abbreviation().to_owned())
    }

    fn civil(&self) -> Civil {
        let (seconds, rest) =
            (self.ns.div_euclid(1_000_000_000), self.ns.rem_euclid(1_000_000_000));
        Civil::of_seconds(seconds + self.offset().0, rest)
    }
}

/// A time zone of the database that this program carries. The zone of the machine is UTC.
fn time_zone(name: &str) -> Result<TimeZone, Error> {
    if matches!(name, "" | "UTC" | "Local") {
        return Ok(TimeZone::UTC);
    }
    let zone = TimeZone::get(name).ok().filter(|zone| zone.iana_name() == Some(name));
    zone.ok_or_else(|| Error::new(format!("unknown time zone {name}")))
}

fn nanoseconds(ns: i128) -> Result<i64, Error> {
    i64::try_from(ns).map_err(|_| Error::new("time outside of valid range"))
}

fn add_date(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let instant = Instant::of(args, 0)?;
    let (years, months, more_days) = (args.int(1)?, args.int(2)?, args.int(3)?);
    // Beyond this, no result is in the range of times.
    const FAR: i64 = 1_000_000_000;
    if years.abs() > FAR || months.abs() > FAR || more_days.abs() > FAR {
        return Err(Error::new("time outside of valid range"));
    }
    let civil = instant.civil();
    let months = civil.year * 12 + civil.month - 1 + years * 12 + months;
    let first =
        Civil { year: months.div_euclid(12), month: months.rem_euclid(12) + 1, day: 1, ..civil };
    let local = first.nanoseconds() + i128::from(civil.day - 1 + more_days) * 86_400_000_000_000;
    let ns = nanoseconds(local - i128::from(instant.offset().0) * 1_000_000_000)?;
    if instant.zone == TimeZone::UTC {
        return some(ns);
    }
    // The offset may differ at the new date.
    let offset = Instant { ns, ..instant }.offset().0;
    some(nanoseconds(local - i128::from(offset) * 1_000_000_000)?)
}

fn diff(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let (mut one, mut two) = (Instant::of(args, 0)?, Instant::of(args, 1)?);
    two.zone = one.zone.clone();
    if one.ns > two.ns {
        std::mem::swap(&mut one, &mut two);
    }
    let (from, to) = (one.civil(), two.civil());
    let (mut year, mut month, mut day) =
        (to.year - from.year, to.month - from.month, to.day - from.day);
    let (mut hour, mut minute, mut second) =
        (to.hour - from.hour, to.minute - from.minute, to.second - from.second);
    let borrow = |small: &mut i64, large: &mut i64, size: i64| {
        if *small < 0 {
            *small += size;
            *large -= 1;
        }
    };
    borrow(&mut second, &mut minute, 60);
    borrow(&mut minute, &mut hour, 60);
    borrow(&mut hour, &mut day, 24);
    borrow(&mut day, &mut month, days_in(from.year, from.month));
    borrow(&mut month, &mut year, 12);
    some(Value::array([year, month, day, hour, minute, second].map(Value::from)))
}

fn format(context: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let instant = Instant::of(args, 0)?;
    let layout = instant
        .layout
        .as_deref()
        .filter(|layout| !layout.is_empty())
        .unwrap_or("2006-01-02T15:04:05.999999999Z07:00");
    context.charge(layout.len() * 10)?;
    let (offset, abbreviation) = instant.offset();
    some(layouts::format(
        layouts::named(layout).unwrap_or(layout),
        &instant.civil(),
        offset,
        &abbreviation,
    ))
}

/// The nanoseconds of a duration such as `1h30m`; a day has 24 hours, a year 365 days.
fn duration(text: &str) -> Result<i64, Error> {
    let invalid = || Error::new(format!("time: invalid duration {}", gofmt::quote(text)));
    let (is_negative, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: u128 = 0;
    while !rest.is_empty() {
        let (number, after) = rest
            .split_at(rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len()));
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
            return Err(invalid());
        }
        let (unit, after) = after
            .split_at(after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len()));
        rest = after;
        let size: u128 = match unit {
            "ns" => 1,
            "us" | "\u{b5}s" | "\u{3bc}s" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "d" => 86_400_000_000_000,
            "w" => 604_800_000_000_000,
            "y" => 31_536_000_000_000_000,
            "" => {
                return Err(Error::new(format!(
                    "time: missing unit in duration {}",
                    gofmt::quote(text)
                )));
            }
            _ => {
                return Err(Error::new(format!(
                    "time: unknown unit {} in duration {}",
                    gofmt::quote(unit),
                    gofmt::quote(text)
                )));
            }
        };
        let whole: u128 =
            if whole.is_empty() { 0 } else { whole.parse().map_err(|_| invalid())? };
        // Digits beyond these do not change a nanosecond.
        let kept = fraction.get(..18).unwrap_or(fraction);
        let scale = 10_u128.pow(u32::try_from(kept.len()).unwrap_or(0));
        let part: u128 = if kept.is_empty() { 0 } else { kept.parse().map_err(|_| invalid())? };
        let value = whole.checked_mul(size).ok_or_else(invalid)? + part * size / scale;
        total = total.checked_add(value).filter(|total| *total <= 1 << 63).ok_or_else(invalid)?;
    }
    let total = i128::try_from(total).map_err(|_| invalid())?;
    i64::try_from(if is_negative { -total } else { total }).map_err(|_| invalid())
}
