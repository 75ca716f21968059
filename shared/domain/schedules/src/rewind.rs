//! What becomes of a schedule after the clock was ahead and was set back.

use writ_model::{FireOutcome, LastFire, Schedule, ScheduleState, Timestamp};

use crate::catch_up::{BACKLOG_MAX, GRACE_MS};
use crate::lifecycle::{timing_of, wait};
use crate::timing::Timing;

/// How far a schedule's times may be ahead of the clock before they count as wrong: more than the
/// clocks of two hosts differ, and no more than a fire may be late.
const AHEAD_MS: i64 = GRACE_MS;

/// A clock before this time, the beginning of 2026, is wrong itself: no schedule is that old. A machine
/// without a battery starts in 1970, until it has asked a time server.
const CLOCK_MIN: Timestamp = Timestamp::from_ms(1_767_225_600_000);

/// Returns the schedule as it is at `now`, where it was changed while the clock was ahead; `None` where
/// its times are right.
///
/// The fires after `now` are to come again, and those of the grace before it are decided again: by the
/// right clock they are on time. Those that made a job while the clock was ahead made it
/// early: their jobs have ids that are derived from the fires, so none is made twice. Those that were
/// missed then are not missed.
#[must_use]
pub fn rewind(schedule: &Schedule, now: Timestamp) -> Option<Schedule> {
    let is_ahead = |time: Timestamp| time.as_ms().saturating_sub(now.as_ms()) > AHEAD_MS;
    let state = &schedule.state;
    let is_right = !state.handled.is_some_and(is_ahead) && !is_ahead(schedule.created_at);
    if is_right || now < CLOCK_MIN {
        return None;
    }
    // The first fire of a rate is at the creation.
    let created_at = if is_ahead(schedule.created_at) { now } else { schedule.created_at };
    let cut = Timestamp::from_ms(now.as_ms().saturating_sub(GRACE_MS));
    let timing = timing_of(&schedule.definition, created_at).ok()?;
    let firing: Vec<_> = state.firing.iter().copied().filter(|fire| *fire <= cut).collect();
    let next = ScheduleState {
        version: state.version + 1,
        handled: state.handled.map(|handled| handled.min(cut)),
        firing_since: state.firing_since.filter(|_| !firing.is_empty()).map(|since| since.min(now)),
        firing,
        last_fires: state
            .last_fires
            .iter()
            .filter_map(|fire| rewind_fire(fire, &timing, cut))
            .collect(),
        ..state.clone()
    };
    let state = wait(next, schedule.definition.enabled, &schedule.schedule_id, &timing);
    Some(Schedule { created_at, state, ..schedule.clone() })
}

/// The result of a fire, or of the missed fires up to `cut`; `None` where they are after it.
fn rewind_fire(fire: &LastFire, timing: &Timing, cut: Timestamp) -> Option<LastFire> {
    if fire.scheduled_for <= cut {
        return Some(fire.clone());
    }
    let first = fire.missed_from.filter(|_| fire.outcome == FireOutcome::Missed)?;
    let before = Timestamp::from_ms(first.as_ms().saturating_sub(1));
    let missed = timing.fires_between(before, cut, BACKLOG_MAX);
    let scheduled_for = *missed.last()?;
    Some(LastFire { scheduled_for, missed_count: Some(missed.len() as u64), ..fire.clone() })
}

#[cfg(test)]
mod tests {
    use writ_model::{CatchUp, RawJson, ScheduleDefinition};

    use super::*;
    use crate::{decide, initial_state, settle};

    fn minute(number: i64) -> Timestamp {
        Timestamp::from_ms(CLOCK_MIN.as_ms() + number * 60_000)
    }

    /// A fire each minute from minute 0 to minute 1,000, as it is after a tick at each of `ticks`.
    fn schedule(created_at: i64, ticks: &[i64]) -> Schedule {
        let definition = ScheduleDefinition {
            schedule_expression: "rate(1 minute)".to_owned(),
            timezone: "UTC".to_owned(),
            start_at: None,
            end_at: Some(minute(1_000)),
            flexible_time_window_minutes: None,
            enabled: true,
            catch_up: CatchUp::Skip,
            description: None,
            target: RawJson::empty_object(),
        };
        let timing = timing_of(&definition, minute(created_at)).unwrap();
        let mut schedule = Schedule {
            schedule_id: "s".to_owned(),
            workspace: "home".parse().unwrap(),
            name: "n".to_owned(),
            state: initial_state(&definition, "s", &timing),
            definition,
            revision: 1,
            created_at: minute(created_at),
            updated_at: minute(created_at),
            identity: "ada".to_owned(),
            on_behalf_of: None,
            mask: Vec::new(),
        };
        for now in ticks {
            schedule.state = decide(&schedule, &timing, minute(*now), None).unwrap();
            schedule.state = settle(&schedule, &timing, Vec::new());
        }
        schedule
    }

    #[test]
    fn a_schedule_whose_times_are_right_is_left_alone() {
        let schedule = schedule(0, &[0, 9]);
        for now in [7, 9, 100] {
            assert_eq!(rewind(&schedule, minute(now)), None, "{now}");
        }
        assert!(rewind(&schedule, minute(6)).is_some());
    }

    #[test]
    fn a_clock_that_is_known_to_be_behind_changes_no_schedule() {
        let schedule = schedule(0, &[0, 9]);
        for now in [Timestamp::from_ms(0), minute(-1)] {
            assert_eq!(rewind(&schedule, now), None, "{now}");
        }
        assert!(rewind(&schedule, minute(0)).is_some());
    }

    #[test]
    fn fires_go_on_after_the_clock_was_set_back() {
        for ahead in [12, 500, 2_000] {
            let ahead = schedule(0, &[0, 4, ahead]);
            let back = rewind(&ahead, minute(8)).unwrap();
            let state = &back.state;
            assert_eq!(state.version, ahead.state.version + 1);
            assert_eq!((state.handled, state.next_fire_at), (Some(minute(6)), Some(minute(7))));
            assert_eq!(state.due_at, Some(minute(7)));
            // Of the fires up to then, 0, 2, 3 and 4 were on time.
            let missed = state.last_fires.iter().filter_map(|fire| fire.missed_count);
            assert_eq!(missed.collect::<Vec<_>>(), [2, 1], "{state:?}");
            assert!(state.last_fires.iter().all(|fire| fire.scheduled_for <= minute(6)));
        }
    }

    #[test]
    fn a_schedule_that_was_created_ahead_begins_now() {
        let ahead = schedule(500, &[500]);
        let back = rewind(&ahead, minute(8)).unwrap();
        assert_eq!(back.created_at, minute(8));
        assert_eq!(back.state.next_fire_at, Some(minute(8)));
        let never_ticked = rewind(&schedule(500, &[]), minute(8)).unwrap();
        assert_eq!(never_ticked.state.next_fire_at, Some(minute(8)));
    }

    #[test]
    fn what_was_decided_ahead_and_not_made_is_decided_again() {
        let mut ahead = schedule(0, &[0, 4]);
        let timing = timing_of(&ahead.definition, ahead.created_at).unwrap();
        ahead.state = decide(&ahead, &timing, minute(500), None).unwrap();
        assert!(!ahead.state.firing.is_empty());
        let back = rewind(&ahead, minute(8)).unwrap();
        assert_eq!((back.state.firing, back.state.due_at), (vec![], Some(minute(7))));
    }
}
