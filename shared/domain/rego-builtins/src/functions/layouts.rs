//! Layouts of times: Go's reference time, `Mon Jan 2 15:04:05 MST 2006`.

use super::times::{Civil, WEEKDAYS, days, days_in};
use crate::context::Error;
use crate::gofmt;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The layout that a name stands for.
pub(super) fn named(name: &str) -> Option<&'static str> {
    Some(match name {
        "ANSIC" => "Mon Jan _2 15:04:05 2006",
        "UnixDate" => "Mon Jan _2 15:04:05 MST 2006",
        "RubyDate" => "Mon Jan 02 15:04:05 -0700 2006",
        "RFC822" => "02 Jan 06 15:04 MST",
        "RFC822Z" => "02 Jan 06 15:04 -0700",
        "RFC850" => "Monday, 02-Jan-06 15:04:05 MST",
        "RFC1123" => "Mon, 02 Jan 2006 15:04:05 MST",
        "RFC1123Z" => "Mon, 02 Jan 2006 15:04:05 -0700",
        "RFC3339" => "2006-01-02T15:04:05Z07:00",
        "RFC3339Nano" => "2006-01-02T15:04:05.999999999Z07:00",
        _ => return None,
    })
}

/// A part of a layout that stands for a part of a time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    Upper,
    Lower,
    Zone,
    /// An offset: `Z` for zero, colons, and the number of two-digit parts.
    Offset {
        z: bool,
        colon: bool,
        parts: usize,
    },
    /// A fraction of a second: the digits, and whether trailing zeros are left out.
    Fraction {
        digits: usize,
        trimmed: bool,
        mark: char,
    },
}

const OFFSETS: [(&str, bool, usize); 5] = [
    ("070000", false, 3),
    ("07:00:00", true, 3),
    ("0700", false, 2),
    ("07:00", true, 2),
    ("07", false, 1),
];

/// The literal text before the next part, the part, and what follows it.
fn next(layout: &str) -> (&str, Option<Part>, &str) {
    for (at, c) in layout.char_indices() {
        let rest = layout.get(at..).unwrap_or_default();
        let after = |text: &str| rest.strip_prefix(text);
        let is_word = |rest: &str| !rest.starts_with(|c: char| c.is_ascii_lowercase());
        let found = match c {
            'J' => after("January").map(|rest| (Part::LongMonth, rest)).or_else(|| {
                after("Jan").filter(|rest| is_word(rest)).map(|rest| (Part::Month, rest))
            }),
            'M' => after("Monday")
                .map(|rest| (Part::LongWeekday, rest))
                .or_else(|| {
                    after("Mon").filter(|rest| is_word(rest)).map(|rest| (Part::Weekday, rest))
                })
                .or_else(|| after("MST").map(|rest| (Part::Zone, rest))),
            '0' => [
                ("002", Part::ZeroYearDay),
                ("01", Part::ZeroMonth),
                ("02", Part::ZeroDay),
                ("03", Part::ZeroHour12),
                ("04", Part::ZeroMinute),
                ("05", Part::ZeroSecond),
                ("06", Part::Year),
            ]
            .into_iter()
            .find_map(|(text, part)| after(text).map(|rest| (part, rest))),
            '1' => after("15")
                .map(|rest| (Part::Hour, rest))
                .or_else(|| after("1").map(|rest| (Part::NumMonth, rest))),
            '2' => after("2006")
                .map(|rest| (Part::LongYear, rest))
                .or_else(|| after("2").map(|rest| (Part::Day, rest))),
            '_' if rest.starts_with("_2006") => {
                let literal = layout.get(..=at).unwrap_or_default();
                return (literal, Some(Part::LongYear), rest.get(5..).unwrap_or_default());
            }
            '_' => after("_2")
                .map(|rest| (Part::UnderDay, rest))
                .or_else(|| after("__2").map(|rest| (Part::UnderYearDay, rest))),
            '3' => after("3").map(|rest| (Part::Hour12, rest)),
            '4' => after("4").map(|rest| (Part::Minute, rest)),
            '5' => after("5").map(|rest| (Part::Second, rest)),
            'P' => after("PM").map(|rest| (Part::Upper, rest)),
            'p' => after("pm").map(|rest| (Part::Lower, rest)),
            '-' | 'Z' => OFFSETS.iter().find_map(|(text, colon, parts)| {
                let rest = rest.get(1..)?.strip_prefix(text)?;
                Some((Part::Offset { z: c == 'Z', colon: *colon, parts: *parts }, rest))
            }),
            '.' | ',' => fraction(rest, c),
            _ => None,
        };
        if let Some((part, rest)) = found {
            return (layout.get(..at).unwrap_or_default(), Some(part), rest);
        }
    }
    (layout, None, "")
}

fn fraction(rest: &str, mark: char) -> Option<(Part, &str)> {
    let inner = rest.get(1..)?;
    let digit = inner.chars().next().filter(|c| matches!(c, '0' | '9'))?;
    let tail = inner.trim_start_matches(digit);
    if tail.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    Some((Part::Fraction { digits: inner.len() - tail.len(), trimmed: digit == '9', mark }, tail))
}

/// Writes a time by a layout.
pub(super) fn format(layout: &str, time: &Civil, offset: i64, abbreviation: &str) -> String {
    let mut out = String::new();
    let mut rest = layout;
    loop {
        let (literal, part, after) = next(rest);
        out.push_str(literal);
        let Some(part) = part else { return out };
        rest = after;
        write(&mut out, part, time, offset, abbreviation);
    }
}

fn write(out: &mut String, part: Part, time: &Civil, offset: i64, abbreviation: &str) {
    let month = usize::try_from(time.month - 1)
        .ok()
        .and_then(|place| MONTHS.get(place))
        .copied()
        .unwrap_or_default();
    let hour12 = if time.hour % 12 == 0 { 12 } else { time.hour % 12 };
    let year_day = time.day_number() - days(time.year, 1, 1) + 1;
    let short = |name: &'static str| name.get(..3).unwrap_or_default().to_owned();
    let text = match part {
        Part::LongMonth => month.to_owned(),
        Part::Month => short(month),
        Part::NumMonth => time.month.to_string(),
        Part::ZeroMonth => format!("{:02}", time.month),
        Part::LongWeekday => time.weekday().to_owned(),
        Part::Weekday => short(time.weekday()),
        Part::Day => time.day.to_string(),
        Part::UnderDay => format!("{:2}", time.day),
        Part::ZeroDay => format!("{:02}", time.day),
        Part::UnderYearDay => format!("{year_day:3}"),
        Part::ZeroYearDay => format!("{year_day:03}"),
        Part::Hour => format!("{:02}", time.hour),
        Part::Hour12 => hour12.to_string(),
        Part::ZeroHour12 => format!("{hour12:02}"),
        Part::Minute => time.minute.to_string(),
        Part::ZeroMinute => format!("{:02}", time.minute),
        Part::Second => time.second.to_string(),
        Part::ZeroSecond => format!("{:02}", time.second),
        Part::LongYear => format!("{:04}", time.year),
        Part::Year => format!("{:02}", time.year.rem_euclid(100)),
        Part::Upper => if time.hour >= 12 { "PM" } else { "AM" }.to_owned(),
        Part::Lower => if time.hour >= 12 { "pm" } else { "am" }.to_owned(),
        Part::Zone => abbreviation.to_owned(),
        Part::Offset { z: true, .. } if offset == 0 => "Z".to_owned(),
        Part::Offset { colon, parts, .. } => {
            let size = offset.abs();
            let mut text = format!("{}{:02}", if offset < 0 { '-' } else { '+' }, size / 3_600);
            for value in [size / 60 % 60, size % 60].into_iter().take(parts - 1) {
                text.push_str(if colon { ":" } else { "" });
                text.push_str(&format!("{value:02}"));
            }
            text
        }
        Part::Fraction { digits, trimmed, mark } => {
            let mut text = format!("{:09}", time.nanosecond);
            text.truncate(digits);
            text.push_str(&"0".repeat(digits.saturating_sub(9)));
            if trimmed {
                text.truncate(text.trim_end_matches('0').len());
            }
            if text.is_empty() { text } else { format!("{mark}{text}") }
        }
    };
    out.push_str(&text);
}

/// What was read of a time.
#[derive(Default)]
struct Found {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanosecond: i64,
    is_pm: bool,
    is_am: bool,
    offset: Option<i64>,
}

/// Reads a time by a layout. Answers nanoseconds since 1970.
pub(super) fn parse(layout: &str, value: &str) -> Result<i128, Error> {
    let shown = gofmt::quote(value);
    let mut found = Found::default();
    let (mut layout_rest, mut value_rest) = (layout, value);
    loop {
        let (literal, part, after) = next(layout_rest);
        let fail = || {
            Error::new(format!("parsing time {shown} as {}: it does not fit", gofmt::quote(layout)))
        };
        value_rest = skip(value_rest, literal).ok_or_else(fail)?;
        let Some(part) = part else {
            if !value_rest.is_empty() {
                return Err(Error::new(format!(
                    "parsing time {shown}: extra text: {}",
                    gofmt::quote(value_rest)
                )));
            }
            break;
        };
        layout_rest = after;
        value_rest = found.read(part, value_rest, layout_rest).ok_or_else(fail)?;
    }
    found.nanoseconds().ok_or_else(|| Error::new(format!("parsing time {shown}: out of range")))
}

/// Skips literal text; a run of spaces matches any run of spaces.
fn skip<'a>(mut value: &'a str, mut literal: &str) -> Option<&'a str> {
    while let Some(c) = literal.chars().next() {
        if c == ' ' {
            if !value.is_empty() && !value.starts_with(' ') {
                return None;
            }
            literal = literal.trim_start_matches(' ');
            value = value.trim_start_matches(' ');
            continue;
        }
        value = value.strip_prefix(c)?;
        literal = literal.strip_prefix(c)?;
    }
    Some(value)
}

fn digit(text: &str, place: usize) -> Option<i64> {
    text.as_bytes()
        .get(place)
        .filter(|byte| byte.is_ascii_digit())
        .map(|byte| i64::from(byte - b'0'))
}

/// One or two digits, or always two.
fn number(text: &str, fixed: bool) -> Option<(i64, &str)> {
    let first = digit(text, 0)?;
    match digit(text, 1) {
        Some(second) => Some((first * 10 + second, text.get(2..)?)),
        None if fixed => None,
        None => Some((first, text.get(1..)?)),
    }
}

fn ranged(text: &str, fixed: bool, from: i64, to: i64) -> Option<(i64, &str)> {
    number(text, fixed).filter(|(number, _)| (from..=to).contains(number))
}

/// The place of a name that the text begins with, in any case.
fn name<'a>(names: &[&str], length: Option<usize>, text: &'a str) -> Option<(i64, &'a str)> {
    names.iter().enumerate().find_map(|(place, name)| {
        let name = name.get(..length.unwrap_or(name.len()))?;
        let head = text.get(..name.len())?;
        head.eq_ignore_ascii_case(name)
            .then(|| Some((i64::try_from(place).ok()?, text.get(name.len()..)?)))?
    })
}

/// The nanoseconds of `.123`: of a mark and digits, nine of which count.
fn fraction_ns(text: &str) -> Option<i64> {
    let digits = text.get(1..)?;
    let digits = digits.get(..9).unwrap_or(digits);
    let scale = 10_i64.pow(u32::try_from(9 - digits.len()).ok()?);
    let is_number =
        text.starts_with(['.', ',']) && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse::<i64>().ok())?.map(|number| number * scale)
}

/// The length of a mark and the digits behind it.
fn fraction_length(text: &str) -> Option<usize> {
    let digits = text.strip_prefix(['.', ','])?;
    let length = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    (length > 0).then_some(length + 1)
}

impl Found {
    /// Reads one part. Answers the rest of the value.
    fn read<'a>(&mut self, part: Part, text: &'a str, layout: &str) -> Option<&'a str> {
        let rest;
        match part {
            Part::Year => {
                let number = digit(text, 0)? * 10 + digit(text, 1)?;
                self.year = if number >= 69 { 1900 + number } else { 2000 + number };
                rest = text.get(2..)?;
            }
            Part::LongYear => {
                self.year =
                    (0..4).try_fold(0, |year, place| Some(year * 10 + digit(text, place)?))?;
                rest = text.get(4..)?;
            }
            Part::Month | Part::LongMonth => {
                let length = (part == Part::Month).then_some(3);
                let (place, after) = name(&MONTHS, length, text)?;
                (self.month, rest) = (Some(place + 1), after);
            }
            Part::NumMonth | Part::ZeroMonth => {
                let (month, after) = ranged(text, part == Part::ZeroMonth, 1, 12)?;
                (self.month, rest) = (Some(month), after);
            }
            Part::Weekday => rest = name(&WEEKDAYS, Some(3), text)?.1,
            Part::LongWeekday => rest = name(&WEEKDAYS, None, text)?.1,
            Part::Day | Part::UnderDay | Part::ZeroDay => {
                let text = if part == Part::UnderDay {
                    text.strip_prefix(' ').unwrap_or(text)
                } else {
                    text
                };
                let (day, after) = number(text, part == Part::ZeroDay)?;
                (self.day, rest) = (Some(day), after);
            }
            Part::UnderYearDay | Part::ZeroYearDay => {
                let mut text = text;
                if part == Part::UnderYearDay {
                    text = text.strip_prefix(' ').unwrap_or(text);
                    text = text.strip_prefix(' ').unwrap_or(text);
                }
                let length = (0..3).take_while(|place| digit(text, *place).is_some()).count();
                if length == 0 || part == Part::ZeroYearDay && length != 3 {
                    return None;
                }
                self.year_day = Some(text.get(..length)?.parse().ok()?);
                rest = text.get(length..)?;
            }
            Part::Hour => (self.hour, rest) = ranged(text, false, 0, 23)?,
            Part::Hour12 | Part::ZeroHour12 => {
                (self.hour, rest) = ranged(text, part == Part::ZeroHour12, 0, 12)?;
            }
            Part::Minute | Part::ZeroMinute => {
                (self.minute, rest) = ranged(text, part == Part::ZeroMinute, 0, 59)?;
            }
            Part::Second | Part::ZeroSecond => {
                let after;
                (self.second, after) = ranged(text, part == Part::ZeroSecond, 0, 59)?;
                // A fraction may follow that the layout does not have.
                let has_fraction = matches!(next(layout), (_, Some(Part::Fraction { .. }), _));
                match fraction_length(after).filter(|_| !has_fraction) {
                    Some(length) => {
                        self.nanosecond = fraction_ns(after.get(..length)?)?;
                        rest = after.get(length..)?;
                    }
                    None => rest = after,
                }
            }
            Part::Upper | Part::Lower => {
                let (am, pm) = if part == Part::Upper { ("AM", "PM") } else { ("am", "pm") };
                self.is_pm |= text.starts_with(pm);
                self.is_am |= text.starts_with(am);
                rest = text.strip_prefix(pm).or_else(|| text.strip_prefix(am))?;
            }
            Part::Zone => {
                if let Some(after) = text.strip_prefix("UTC") {
                    self.offset = Some(0);
                    return Some(after);
                }
                // Abbreviations other than that of UTC have no known offset.
                rest = zone(text)?;
            }
            Part::Offset { z: true, .. } if text.starts_with('Z') => {
                self.offset = Some(0);
                rest = text.get(1..)?;
            }
            Part::Offset { colon, parts, .. } => {
                let sign = match text.chars().next()? {
                    '+' => 1,
                    '-' => -1,
                    _ => return None,
                };
                let mut after = text.get(1..)?;
                let mut offset = 0;
                for (place, (most, size)) in
                    [(24, 3_600), (60, 60), (60, 1)].into_iter().take(parts).enumerate()
                {
                    if colon && place > 0 {
                        after = after.strip_prefix(':')?;
                    }
                    let value;
                    (value, after) = ranged(after, true, 0, most)?;
                    offset += value * size;
                }
                self.offset = Some(sign * offset);
                rest = after;
            }
            Part::Fraction { digits, trimmed: false, .. } => {
                self.nanosecond = fraction_ns(text.get(..=digits)?)?;
                rest = text.get(digits + 1..)?;
            }
            Part::Fraction { .. } => match fraction_length(text) {
                Some(length) => {
                    self.nanosecond = fraction_ns(text.get(..length)?)?;
                    rest = text.get(length..)?;
                }
                None => rest = text,
            },
        }
        Some(rest)
    }

    fn nanoseconds(&self) -> Option<i128> {
        let mut hour = self.hour;
        if self.is_pm && hour < 12 {
            hour += 12;
        } else if self.is_am && hour == 12 {
            hour = 0;
        }
        let (month, day) = match self.year_day {
            Some(year_day) => {
                let length = days(self.year + 1, 1, 1) - days(self.year, 1, 1);
                if !(1..=length).contains(&year_day) {
                    return None;
                }
                let (mut month, mut day) = (1, year_day);
                while day > days_in(self.year, month) {
                    day -= days_in(self.year, month);
                    month += 1;
                }
                let is_same = self.month.is_none_or(|found| found == month)
                    && self.day.is_none_or(|found| found == day);
                is_same.then_some((month, day))?
            }
            None => (self.month.unwrap_or(1), self.day.unwrap_or(1)),
        };
        if day < 1 || day > days_in(self.year, month) {
            return None;
        }
        let (minute, second, nanosecond) = (self.minute, self.second, self.nanosecond);
        let civil = Civil { year: self.year, month, day, hour, minute, second, nanosecond };
        Some(civil.nanoseconds() - i128::from(self.offset.unwrap_or(0)) * 1_000_000_000)
    }
}

/// Skips an abbreviation of a time zone. The hours of `GMT+3` are a part of the name alone.
fn zone(text: &str) -> Option<&str> {
    if text.len() < 3 {
        return None;
    }
    if text.starts_with("ChST") || text.starts_with("MeST") {
        return text.get(4..);
    }
    if let Some(after) = text.strip_prefix("GMT") {
        return after.get(hours(after)..);
    }
    if text.starts_with(['+', '-']) {
        return Some(hours(text))
            .filter(|length| *length > 0)
            .and_then(|length| text.get(length..));
    }
    let upper = text.bytes().take(6).take_while(u8::is_ascii_uppercase).count();
    let ends_in_t = text.as_bytes().get(upper.saturating_sub(1)) == Some(&b'T');
    let is_zone = match upper {
        3 => true,
        4 => ends_in_t || text.starts_with("WITA"),
        5 => ends_in_t,
        _ => false,
    };
    if is_zone { text.get(upper..) } else { None }
}

/// The length of `+3` or `-11`, zero for anything else.
fn hours(text: &str) -> usize {
    let Some(rest) = text.strip_prefix(['+', '-']) else { return 0 };
    let length = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let hours = rest.get(..length).and_then(|digits| digits.parse::<u32>().ok());
    if hours.is_some_and(|hours| hours <= 23) { length + 1 } else { 0 }
}
