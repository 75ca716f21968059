//! Random expressions, and the times that they match in another implementation.

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::civil::DateTime;
use proptest::prelude::*;

/// Configures the parser for the same forms, with days of the week from 1 (Sunday).
pub(crate) fn croner(expression: &str) -> Cron {
    let fields = expression.trim_start_matches("cron(").trim_end_matches(')');
    CronParser::builder()
        .seconds(Seconds::Required)
        .year(Year::Required)
        .alternative_weekdays(true)
        .sloppy_ranges(true)
        .build()
        .parse(&format!("0 {fields}"))
        .unwrap_or_else(|error| panic!("`{expression}`: {error}"))
}

pub(crate) fn matches(cron: &Cron, wall: DateTime) -> bool {
    cron.is_time_matching(&wall).unwrap()
}

/// A value, a range, a step, or a list of these.
fn field(min: i16, max: i16) -> impl Strategy<Value = String> {
    let item = prop_oneof![
        3 => (min..=max).prop_map(|value| value.to_string()),
        2 => (min..=max, min..=max)
            .prop_map(|(a, b)| format!("{}-{}", a.min(b), a.max(b))),
        1 => (min..=max, 1..=(max - min)).prop_map(|(first, step)| format!("{first}/{step}")),
        1 => (min..=max, min..=max, 1..=(max - min))
            .prop_map(|(a, b, step)| format!("{}-{}/{step}", a.min(b), a.max(b))),
    ];
    // In years `croner` counts `*/2` from the year 1. This crate counts from 1970, the first value,
    // as in every other field.
    let steps = if min < 1970 { 1 } else { 0 };
    prop_oneof![
        1 => Just("*".to_owned()),
        steps => (1..=(max - min)).prop_map(|step| format!("*/{step}")),
        4 => prop::collection::vec(item, 1..4).prop_map(|items| items.join(",")),
    ]
}

/// The pair of day-of-month and day-of-week.
fn days() -> impl Strategy<Value = (String, String)> {
    let name = prop::sample::select(vec!["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]);
    let of_month = prop_oneof![
        4 => field(1, 31),
        1 => Just("L".to_owned()),
        2 => (1..=31).prop_map(|day| format!("{day}W")),
    ];
    let of_week = prop_oneof![
        2 => prop::collection::vec(1..=7, 1..4)
            .prop_map(|days| days.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")),
        1 => Just("MON-FRI".to_owned()),
        1 => name.prop_map(str::to_owned),
        1 => (1..=7).prop_map(|day| format!("{day}L")),
        2 => (1..=7, 1..=5).prop_map(|(day, nth)| format!("{day}#{nth}")),
    ];
    prop_oneof![
        of_month.prop_map(|days| (days, "?".to_owned())),
        of_week.prop_map(|days| ("?".to_owned(), days)),
    ]
}

/// A cron expression with any day, month and year, and these times.
pub(crate) fn days_at(times: &'static str) -> impl Strategy<Value = String> {
    let month = prop_oneof![Just("*".to_owned()), field(1, 12)];
    let year = prop_oneof![2 => Just("*".to_owned()), 1 => field(2020, 2030)];
    (days(), month, year).prop_map(move |((of_month, of_week), month, year)| {
        format!("cron({times} {of_month} {month} {of_week} {year})")
    })
}

/// A cron expression with any time and day of every month.
pub(crate) fn times() -> impl Strategy<Value = String> {
    let open = Just(("*".to_owned(), "?".to_owned()));
    let hour = prop_oneof![field(0, 23), field(0, 4)];
    (field(0, 59), hour, prop_oneof![2 => open, 1 => days()]).prop_map(
        |(minute, hour, (of_month, of_week))| {
            format!("cron({minute} {hour} {of_month} * {of_week} *)")
        },
    )
}
