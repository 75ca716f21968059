//! The decision of a scheduler's tick: which fires to run, and which to record as missed.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use writ_model::{CatchUp, Timestamp};

use crate::timing::Timing;

/// How late a run may start and still count as on time, in milliseconds. Within two minutes a lost
/// tick is made up for, and a restart completes.
pub const GRACE_MS: i64 = 120_000;

/// The maximum number of fires that one tick runs.
pub const RUNS_MAX: usize = 100;

/// The maximum number of fires that one tick handles. A longer backlog (a fire a minute, after a
/// week) is processed by further ticks that follow at once.
pub const BACKLOG_MAX: usize = 10_000;

/// A fire, with the time at which it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fire {
    /// The scheduled time, which identifies the fire: each fire runs once.
    pub at: Timestamp,
    /// The time of the run: `at`, or a time within the flexible window that starts there.
    pub invoke_at: Timestamp,
}

/// Consecutive fires that are missed: all from `first` to `last`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissedFires {
    /// The scheduled time of the oldest.
    pub first: Timestamp,
    /// The scheduled time of the newest.
    pub last: Timestamp,
    /// The number of missed fires.
    pub count: usize,
}

/// The decision of one tick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueFires {
    /// The fires to run now, in order, at most [`RUNS_MAX`].
    pub run: Vec<Fire>,
    /// The fires to record as missed, all older than those to run.
    pub missed: Option<MissedFires>,
    /// The last fire handled, for the next tick. It must be stored together with the runs.
    pub handled: Option<Timestamp>,
    /// The next fire to tick for. It is in the past if the backlog is longer than [`BACKLOG_MAX`].
    pub next: Option<Fire>,
}

/// Decides at `now` for the schedule `id`, where fires up to `handled` have been handled.
///
/// Every fire is in `run` or in `missed` of exactly one tick, whatever the times of the ticks, as
/// long as each gets the `handled` of the one before. A clock that is set back repeats nothing. A
/// clock that is set forward by mistake is trusted: the fires that it passes are handled, and the
/// schedule does not fire until that time has come, or until [`rewind`](crate::rewind()) is called after
/// the clock was set back. To enable a schedule again, pass the time of
/// that as `handled`: the fires in between are neither run nor missed.
#[must_use]
pub fn due(
    timing: &Timing,
    id: &str,
    handled: Option<Timestamp>,
    now: Timestamp,
    rule: CatchUp,
) -> DueFires {
    let mut next = match handled {
        Some(handled) => timing.next_after(handled),
        None => timing.first(),
    }
    .map(|at| (at, timing.next_after(at)));
    let mut fires = Vec::new();
    let upcoming = loop {
        let Some((at, following)) = next else { break None };
        let fire = Fire { at, invoke_at: timing.invoke_before(id, at, || following) };
        if fire.invoke_at > now || fires.len() == BACKLOG_MAX {
            break Some(fire);
        }
        fires.push(fire);
        next = following.map(|at| (at, timing.next_after(at)));
    };
    let more = upcoming.filter(|fire| fire.invoke_at <= now);
    // Of a backlog that continues, the newest fires are kept for the next tick, which decides about
    // them.
    let missed = match more {
        Some(_) => fires.len().saturating_sub(RUNS_MAX),
        None => count_missed(&fires, now, rule),
    };
    let mut run = fires.split_off(missed);
    let next = match more {
        Some(fire) => Some(run.drain(..).next().unwrap_or(fire)),
        None => upcoming,
    };
    let missed = match (fires.first(), fires.last()) {
        (Some(first), Some(last)) => {
            Some(MissedFires { first: first.at, last: last.at, count: fires.len() })
        }
        _ => None,
    };
    let handled = run.last().or(fires.last()).map(|fire| fire.at).or(handled);
    DueFires { run, missed, handled, next }
}

/// How many of the due `fires`, from the oldest on, are missed by `rule`.
fn count_missed(fires: &[Fire], now: Timestamp, rule: CatchUp) -> usize {
    let overdue =
        |fire: &Fire| now - fire.invoke_at > Duration::from_millis(GRACE_MS.unsigned_abs());
    let late = fires.partition_point(overdue);
    let on_time = fires.len() - late;
    let kept = match rule {
        CatchUp::Skip => 0,
        CatchUp::Latest => 1_usize.saturating_sub(on_time),
        CatchUp::All => RUNS_MAX.saturating_sub(on_time),
    };
    late.saturating_sub(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timing::TimingSpec;

    /// A fire each minute from 00:00 on.
    fn minutely() -> Timing {
        Timing::new(&TimingSpec::new("rate(1 minute)"), minute(0)).unwrap()
    }

    fn minute(number: i64) -> Timestamp {
        Timestamp::from_ms(number * 60_000)
    }

    fn run(due: &DueFires) -> Vec<i64> {
        due.run.iter().map(|fire| fire.at.as_ms() / 60_000).collect()
    }

    #[test]
    fn each_rule_takes_its_share_of_a_backlog() {
        // Handled up to minute 0, tick at minute 10: 8, 9 and 10 are within the grace period.
        for (rule, ran, missed) in [
            (CatchUp::Skip, vec![8, 9, 10], 7),
            (CatchUp::Latest, vec![8, 9, 10], 7),
            (CatchUp::All, (1..=10).collect(), 0),
        ] {
            let due = due(&minutely(), "id", Some(minute(0)), minute(10), rule);
            assert_eq!(run(&due), ran, "{rule}");
            assert_eq!(due.missed.map_or(0, |missed| missed.count), missed, "{rule}");
            assert_eq!(due.handled, Some(minute(10)));
            assert_eq!(due.next.map(|fire| fire.at), Some(minute(11)));
        }
    }

    #[test]
    fn latest_runs_one_of_an_old_backlog() {
        let hourly = Timing::new(&TimingSpec::new("rate(1 hour)"), minute(0)).unwrap();
        for (rule, ran, missed) in [
            (CatchUp::Skip, vec![], 5),
            (CatchUp::Latest, vec![240], 4),
            (CatchUp::All, vec![0, 60, 120, 180, 240], 0),
        ] {
            let due = due(&hourly, "id", None, minute(270), rule);
            assert_eq!(run(&due), ran, "{rule}");
            assert_eq!(due.missed.map_or(0, |missed| missed.count), missed, "{rule}");
        }
    }

    #[test]
    fn all_runs_the_newest_hundred() {
        let due = due(&minutely(), "id", Some(minute(0)), minute(500), CatchUp::All);
        assert_eq!(run(&due), (401..=500).collect::<Vec<_>>());
        let missed = MissedFires { first: minute(1), last: minute(400), count: 400 };
        assert_eq!(due.missed, Some(missed));
    }

    #[test]
    fn a_long_backlog_is_worked_off_by_wake_ups_that_follow_at_once() {
        // Fifty more than two ticks handle: the hundred to run are not all in the share of the
        // third.
        let now = minute(20_050);
        for rule in [CatchUp::Skip, CatchUp::Latest, CatchUp::All] {
            let (mut handled, mut ran, mut missed, mut wakes) = (Some(minute(0)), 0, 0, 0);
            loop {
                let due = due(&minutely(), "id", handled, now, rule);
                handled = due.handled;
                ran += due.run.len();
                missed += due.missed.map_or(0, |missed| missed.count);
                wakes += 1;
                if due.next.is_none_or(|fire| fire.invoke_at > now) {
                    break;
                }
                assert!(due.run.is_empty());
            }
            assert_eq!(wakes, 3, "{rule}");
            assert_eq!(ran, if rule == CatchUp::All { RUNS_MAX } else { 3 }, "{rule}");
            assert_eq!(ran + missed, 20_050, "{rule}");
        }
    }
}
