//! Properties of every expression, compared with a scan of every minute or day.

use jiff::tz::{TimeZone, TimeZoneDatabase};
use proptest::prelude::*;
use writ_model::Timestamp;
use writ_schedules::{Expression, Timing, TimingSpec};

use crate::expressions::{croner, days_at, matches, times};

const DAY_MS: i64 = 86_400_000;
const MINUTE_MS: i64 = 60_000;

/// Zones, and days around which their clocks change (or do not).
const CLOCKS: [(&str, &str); 9] = [
    ("UTC", "2026-03-29T12:00:00Z"),
    ("America/New_York", "2026-03-08T12:00:00Z"),
    ("America/New_York", "2026-11-01T12:00:00Z"),
    ("Europe/Berlin", "2026-03-29T12:00:00Z"),
    ("Europe/Berlin", "2026-10-25T12:00:00Z"),
    ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
    ("Australia/Lord_Howe", "2026-10-03T15:00:00Z"),
    ("Asia/Kathmandu", "2026-06-01T12:00:00Z"),
    ("Pacific/Apia", "2011-12-30T10:00:00Z"),
];

fn timing(expression: &str, zone: &str) -> Timing {
    let spec = TimingSpec { timezone: Some(zone.to_owned()), ..TimingSpec::new(expression) };
    Timing::new(&spec, Timestamp::from_ms(0)).unwrap()
}

fn zone(name: &str) -> TimeZone {
    TimeZoneDatabase::bundled().get(name).unwrap()
}

/// Every minute of the range with a wall-clock time that matches and occurs for the first time.
fn scanned(expression: &str, zone: &TimeZone, from: i64, to: i64) -> Vec<i64> {
    let cron = croner(expression);
    let mut latest = None;
    // Start two days before, to detect repeated times.
    (from - 2 * DAY_MS..=to)
        .step_by(60_000)
        .filter(|ms| {
            let wall = zone.to_datetime(jiff::Timestamp::from_millisecond(*ms).unwrap());
            let repeated = latest.is_some_and(|latest| wall <= latest);
            latest = latest.max(Some(wall));
            *ms > from && !repeated && matches(&cron, wall)
        })
        .collect()
}

fn all_ms(fires: &[Timestamp]) -> Vec<i64> {
    fires.iter().map(|fire| fire.as_ms()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_cron_fires_at_the_minutes_that_a_scan_finds(
        expression in times(),
        (name, around) in prop::sample::select(CLOCKS.to_vec()),
    ) {
        prop_assume!(Expression::parse(&expression).is_ok());
        let middle = around.parse::<Timestamp>().unwrap().as_ms();
        let (from, to) = (middle - 2 * DAY_MS, middle + 2 * DAY_MS);
        let fires = timing(&expression, name)
            .fires_between(Timestamp::from_ms(from), Timestamp::from_ms(to), usize::MAX);
        prop_assert_eq!(all_ms(&fires), scanned(&expression, &zone(name), from, to), "{} in {}", expression, name);
    }

    #[test]
    fn a_cron_fires_on_the_days_that_a_scan_finds(expression in days_at("30 12")) {
        // Twelve years, which contain most combinations of weekdays and leap years.
        let from: Timestamp = "2018-12-31T12:30:00Z".parse().unwrap();
        let days = 12 * 366;
        let to = Timestamp::from_ms(from.as_ms() + days * DAY_MS);
        let cron = croner(&expression);
        let noon = |day: i64| jiff::Timestamp::from_millisecond(from.as_ms() + day * DAY_MS).unwrap();
        let found: Vec<i64> = (1..=days)
            .map(noon)
            .filter(|noon| matches(&cron, TimeZone::UTC.to_datetime(*noon)))
            .map(|noon| noon.as_millisecond())
            .collect();
        match Expression::parse(&expression) {
            Ok(_) => {
                let fires = timing(&expression, "UTC").fires_between(from, to, usize::MAX);
                prop_assert_eq!(all_ms(&fires), found, "{}", expression);
            }
            Err(error) => prop_assert!(found.is_empty(), "{} fires, but: {}", expression, error),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_next_fire_is_later_and_nothing_lies_between(
        expression in prop_oneof![times(), days_at("15,45 1-3")],
        (name, around) in prop::sample::select(CLOCKS.to_vec()),
        offset in -3 * DAY_MS..3 * DAY_MS,
    ) {
        prop_assume!(Expression::parse(&expression).is_ok());
        let timing = timing(&expression, name);
        let after = Timestamp::from_ms(around.parse::<Timestamp>().unwrap().as_ms() + offset);
        if let Some(next) = timing.next_after(after) {
            prop_assert!(next > after);
            // The same fire is next from any earlier time.
            for back in [1, MINUTE_MS, (next.as_ms() - after.as_ms()) / 2] {
                let moment = Timestamp::from_ms((next.as_ms() - back).max(after.as_ms()));
                prop_assert_eq!(timing.next_after(moment), Some(next));
            }
        }
    }

    #[test]
    fn fires_between_are_the_next_ones_in_turn(
        expression in times(),
        hours in 0_i64..200,
        limit in 0_usize..50,
    ) {
        prop_assume!(Expression::parse(&expression).is_ok());
        let timing = timing(&expression, "America/New_York");
        let from: Timestamp = "2026-10-29T00:00:00Z".parse().unwrap();
        let to = Timestamp::from_ms(from.as_ms() + hours * 60 * MINUTE_MS);
        let mut turns = Vec::new();
        let mut last = from;
        while let Some(next) = timing.next_after(last).filter(|next| *next <= to && turns.len() < limit) {
            turns.push(next);
            last = next;
        }
        prop_assert_eq!(timing.fires_between(from, to, limit), turns);
    }

    #[test]
    fn what_is_printed_reads_back_as_the_same(
        expression in prop_oneof![times(), days_at("30 12"), (1_i64..2000, "(minute|hour|day)s?")
            .prop_map(|(value, unit)| format!("rate({value} {unit})"))],
    ) {
        if let Ok(parsed) = Expression::parse(&expression) {
            let printed = parsed.to_string();
            let again = Expression::parse(&printed).unwrap();
            prop_assert_eq!(again.to_string(), printed);
            // A range with a step is displayed as its values, so equal schedules can differ in
            // text.
            let moment = Timestamp::from_ms(1_790_000_000_000);
            let fires = |text: &str| timing(text, "Europe/Berlin").fires_between(moment, Timestamp::from_ms(i64::MAX), 40);
            prop_assert_eq!(fires(&expression), fires(&again.to_string()));
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(cron|rate|at)?\\(?[-0-9*?,/#LW A-Z:T]{0,40}\\)?|.{0,300}") {
        if let Ok(parsed) = Expression::parse(&text) {
            prop_assert_eq!(Expression::parse(&parsed.to_string()), Ok(parsed));
        }
    }
}
