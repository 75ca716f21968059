//! Tests of a scheduler with ticks at random times and a clock that jumps.

use proptest::prelude::*;
use writ_model::Timestamp;
use writ_schedules::{CatchUp, DueFires, GRACE_MS, RUNS_MAX, Timing, TimingSpec, due};

const ID: &str = "default/nightly";
const HOUR_MS: i64 = 3_600_000;

fn timing() -> impl Strategy<Value = Timing> {
    let expressions = vec![
        "rate(1 minute)",
        "rate(7 minutes)",
        "rate(1 hour)",
        "rate(1 day)",
        "cron(2/5 * * * ? *)",
        "cron(0/20 1-3 * * ? *)",
        "cron(30 2 ? * SAT-MON *)",
        "cron(0 12 L * ? *)",
        "at(2026-10-25T02:30:00)",
    ];
    let zones = vec!["UTC", "Europe/Berlin", "America/New_York"];
    let windows = vec![None, Some(1), Some(15), Some(1440)];
    let ends = vec![None, Some("2026-10-26T00:00:00Z"), Some("2026-12-01T00:00:00Z")];
    (
        prop::sample::select(expressions),
        prop::sample::select(zones),
        prop::sample::select(windows),
        prop::sample::select(ends),
    )
        .prop_map(|(expression, zone, flexible_window_minutes, end_at)| {
            let spec = TimingSpec {
                expression: expression.to_owned(),
                timezone: Some(zone.to_owned()),
                start_at: None,
                end_at: end_at.map(|end_at| end_at.parse().unwrap()),
                flexible_window_minutes,
            };
            Timing::new(&spec, "2026-10-23T06:00:10Z".parse().unwrap()).unwrap()
        })
}

/// How far the clock moves until the next tick, in milliseconds: mostly little, rarely days,
/// sometimes back.
fn steps() -> impl Strategy<Value = Vec<i64>> {
    let step = prop_oneof![
        6 => 0..90_000_i64,
        3 => 0..20 * 60_000_i64,
        3 => 0..30 * HOUR_MS,
        1 => 0..240 * HOUR_MS,
        1 => -2 * HOUR_MS..0,
        1 => -100 * HOUR_MS..0,
    ];
    prop::collection::vec(step, 1..60)
}

/// Checks the invariants of a single tick.
fn check(due: &DueFires, now: Timestamp, rule: CatchUp) -> Result<(), TestCaseError> {
    let late = |at: Timestamp| now.as_ms() - at.as_ms() > GRACE_MS;
    let overdue = due.run.iter().filter(|fire| late(fire.invoke_at)).count();
    prop_assert!(due.run.iter().all(|fire| fire.invoke_at <= now), "none runs before its time");
    prop_assert!(due.run.iter().all(|fire| fire.invoke_at >= fire.at));
    prop_assert!(due.run.len() <= RUNS_MAX);
    match rule {
        CatchUp::Skip => prop_assert_eq!(overdue, 0),
        CatchUp::Latest => prop_assert!(overdue == 0 || due.run.len() == 1),
        CatchUp::All => {}
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_fire_is_run_or_missed_once_whatever_the_clock_does(
        timing in timing(),
        rule in prop::sample::select(vec![CatchUp::Skip, CatchUp::Latest, CatchUp::All]),
        steps in steps(),
    ) {
        let begin: Timestamp = "2026-10-23T05:00:00Z".parse().unwrap();
        let before = Timestamp::from_ms(i64::MIN);
        let (mut now, mut handled, mut seen) = (begin, None, Vec::new());
        for step in steps {
            now = Timestamp::from_ms(now.as_ms() + step);
            loop {
                let due = due(&timing, ID, handled, now, rule);
                check(&due, now, rule)?;
                if let Some(missed) = due.missed {
                    let first = Timestamp::from_ms(missed.first.as_ms() - 1);
                    let fires = timing.fires_between(first, missed.last, usize::MAX);
                    prop_assert_eq!(fires.len(), missed.count);
                    seen.extend(fires);
                }
                seen.extend(due.run.iter().map(|fire| fire.at));
                prop_assert_eq!(due.handled, seen.last().copied());
                prop_assert_eq!(due.next.map(|fire| fire.at), timing.next_after(due.handled.unwrap_or(before)));
                handled = due.handled;
                if due.next.is_none_or(|fire| fire.invoke_at > now) {
                    break;
                }
            }
        }
        let all = match handled {
            Some(handled) => timing.fires_between(before, handled, usize::MAX),
            None => Vec::new(),
        };
        prop_assert_eq!(seen, all);
    }
}
