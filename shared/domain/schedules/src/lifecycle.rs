//! The transitions of a schedule's state, with each fire and with each revision.
//!
//! Each function returns the next state. The caller writes it on the condition that the stored
//! version is the one that it read. The fires to run are first decided and stored ([`decide`]),
//! then run, then recorded ([`settle`]). So each fire is decided once, and a decided fire runs
//! even if the process that decided it stops, however late.

use writ_model::{
    CatchUp, FireOutcome, LastFire, Schedule, ScheduleDefinition, ScheduleState, Timestamp,
};

use crate::catch_up::{Fire, GRACE_MS, MissedFires, due};
use crate::error::TimingError;
use crate::timing::{Timing, TimingSpec};

/// The number of past fires that a schedule's state keeps, the newest ones.
pub const LAST_FIRES_MAX: usize = 10;

/// The tolerated difference, in milliseconds, by which the local clock may be behind that of the
/// timer that started the tick.
const SKEW_MS: i64 = 5_000;

/// The time at which a schedule that is over is due, in the year 9999. No tick reads it then, but a pass
/// over all schedules does, which finds out whether it is over by a clock that was ahead.
const NEVER: Timestamp = Timestamp::from_ms(253_370_764_800_000);

/// Parses the timing of a definition, for a schedule that was created at `created_at`.
///
/// # Errors
/// Returns an error that names the invalid member.
pub fn timing_of(
    definition: &ScheduleDefinition,
    created_at: Timestamp,
) -> Result<Timing, TimingError> {
    let spec = TimingSpec {
        expression: definition.schedule_expression.clone(),
        timezone: Some(definition.timezone.clone()),
        start_at: definition.start_at,
        end_at: definition.end_at,
        flexible_window_minutes: definition.flexible_time_window_minutes,
    };
    Timing::new(&spec, created_at)
}

/// Returns the initial state of a schedule.
#[must_use]
pub fn initial_state(
    definition: &ScheduleDefinition,
    schedule_id: &str,
    timing: &Timing,
) -> ScheduleState {
    let state = ScheduleState {
        version: 1,
        handled: None,
        firing: Vec::new(),
        firing_since: None,
        next_fire_at: None,
        due_at: None,
        last_fires: Vec::new(),
    };
    wait(state, definition.enabled, schedule_id, timing)
}

/// Decides at `now` which fires to run and which are missed. Returns `None` where there is nothing
/// to do, or where an earlier decision has not been settled yet.
///
/// `hinted` is the fire of the timer that started the tick. The timer chose the time within the
/// flexible window itself, so the fire is on time anywhere in the window.
#[must_use]
pub fn decide(
    schedule: &Schedule,
    timing: &Timing,
    now: Timestamp,
    hinted: Option<Timestamp>,
) -> Option<ScheduleState> {
    let Schedule { schedule_id, definition, state, .. } = schedule;
    if !state.firing.is_empty() {
        return None;
    }
    let mut next = state.clone();
    if definition.enabled {
        let hinted = hinted.filter(|at| is_on_time(*at, timing, now)).map(whole_second);
        let due = match hinted {
            Some(at) if timing.window_ms() > 0 => {
                due(&timing.on_the_dot(), schedule_id, state.handled, at, definition.catch_up)
            }
            _ => {
                let now = hinted.map_or(now, |at| at.max(now));
                due(timing, schedule_id, state.handled, now, definition.catch_up)
            }
        };
        next.handled = due.handled;
        next.firing = due.run.into_iter().map(|fire| fire.at).collect();
        next.firing_since = (!next.firing.is_empty()).then_some(now);
        remember(&mut next, due.missed.map(|missed| missed_fires(missed, now)));
    }
    let next = wait(next, definition.enabled, schedule_id, timing);
    (next != *state).then(|| ScheduleState { version: state.version + 1, ..next })
}

/// Records the outcomes of the decided fires.
#[must_use]
pub fn settle(schedule: &Schedule, timing: &Timing, fires: Vec<LastFire>) -> ScheduleState {
    let Schedule { schedule_id, definition, state, .. } = schedule;
    let mut next = ScheduleState {
        version: state.version + 1,
        firing: Vec::new(),
        firing_since: None,
        ..state.clone()
    };
    remember(&mut next, fires);
    wait(next, definition.enabled, schedule_id, timing)
}

/// Returns the state under another definition. Fires that are due at `now` belong to the old
/// definition. Where the timing changes, or the schedule was disabled, its new fires start after
/// `now`.
#[must_use]
pub fn redefine(
    schedule: &Schedule,
    old: &Timing,
    definition: &ScheduleDefinition,
    timing: &Timing,
    now: Timestamp,
) -> ScheduleState {
    // Fires that were decided before may still be running.
    let mut settled = schedule.clone();
    let mut firing = std::mem::take(&mut settled.state.firing);
    let since = settled.state.firing_since.take();
    let state = decide(&settled, old, now, None).unwrap_or(settled.state);
    firing.extend(&state.firing);
    let firing_since = since.or(state.firing_since);
    let state = ScheduleState { firing, firing_since, ..state };
    let is_new = timing != old || (definition.enabled && !schedule.definition.enabled);
    let handled = if is_new { state.handled.max(Some(now)) } else { state.handled };
    let state = ScheduleState { version: schedule.state.version + 1, handled, ..state };
    wait(state, definition.enabled, &schedule.schedule_id, timing)
}

/// Sets the next fire, and the time when the schedule is due.
pub(crate) fn wait(
    state: ScheduleState,
    is_enabled: bool,
    schedule_id: &str,
    timing: &Timing,
) -> ScheduleState {
    let next = if is_enabled { next_fire(schedule_id, timing, state.handled) } else { None };
    let is_over = is_enabled && next.is_none() && state.handled.is_some();
    let due_at =
        state.firing_since.or(next.map(|fire| fire.invoke_at)).or(is_over.then_some(NEVER));
    ScheduleState { next_fire_at: next.map(|fire| fire.at), due_at, ..state }
}

fn next_fire(schedule_id: &str, timing: &Timing, handled: Option<Timestamp>) -> Option<Fire> {
    due(timing, schedule_id, handled, Timestamp::from_ms(i64::MIN), CatchUp::Skip).next
}

fn is_on_time(at: Timestamp, timing: &Timing, now: Timestamp) -> bool {
    let late_ms = now.as_ms().saturating_sub(at.as_ms());
    (-SKEW_MS..=timing.window_ms().saturating_add(GRACE_MS)).contains(&late_ms)
}

/// EventBridge identifies a fire by its second, and no second has two fires.
fn whole_second(at: Timestamp) -> Timestamp {
    let ms = at.as_ms();
    Timestamp::from_ms(ms.saturating_sub(ms.rem_euclid(1_000)).saturating_add(999))
}

fn missed_fires(missed: MissedFires, now: Timestamp) -> LastFire {
    LastFire {
        scheduled_for: missed.last,
        fired_at: now,
        outcome: FireOutcome::Missed,
        job_id: None,
        error: None,
        missed_count: Some(missed.count as u64),
        missed_from: Some(missed.first),
    }
}

/// Records past fires, which are given oldest first.
fn remember(state: &mut ScheduleState, fires: impl IntoIterator<Item = LastFire>) {
    for fire in fires {
        state.last_fires.insert(0, fire);
    }
    state.last_fires.truncate(LAST_FIRES_MAX);
}

#[cfg(test)]
mod tests {
    use writ_model::RawJson;

    use super::*;

    fn minute(number: i64) -> Timestamp {
        Timestamp::from_ms(number * 60_000)
    }

    /// A fire each minute from 00:00 on; those up to `handled` are decided.
    fn schedule(expression: &str) -> (Schedule, Timing) {
        let definition = ScheduleDefinition {
            schedule_expression: expression.to_owned(),
            timezone: "UTC".to_owned(),
            start_at: None,
            end_at: None,
            flexible_time_window_minutes: None,
            enabled: true,
            catch_up: CatchUp::Skip,
            description: None,
            target: RawJson::empty_object(),
        };
        let timing = timing_of(&definition, minute(0)).unwrap();
        let schedule = Schedule {
            schedule_id: "s".to_owned(),
            workspace: "home".parse().unwrap(),
            name: "n".to_owned(),
            state: initial_state(&definition, "s", &timing),
            definition,
            revision: 1,
            created_at: minute(0),
            updated_at: minute(0),
            identity: "ada".to_owned(),
            on_behalf_of: None,
            mask: Vec::new(),
        };
        (schedule, timing)
    }

    #[test]
    fn what_was_decided_is_run_before_anything_else_is() {
        let (mut schedule, timing) = schedule("rate(1 minute)");
        schedule.state = decide(&schedule, &timing, minute(1), None).unwrap();
        assert_eq!(schedule.state.firing, [minute(0), minute(1)]);
        assert_eq!(
            schedule.state.due_at,
            Some(minute(1)),
            "at once, for whoever comes after a crash"
        );
        assert_eq!(decide(&schedule, &timing, minute(9), None), None);
        let state = settle(&schedule, &timing, Vec::new());
        assert_eq!((state.firing, state.due_at), (vec![], Some(minute(2))));
    }

    #[test]
    fn another_timing_loses_nothing_that_was_due_under_the_old_one() {
        let (mut schedule, timing) = schedule("rate(1 minute)");
        schedule.state = decide(&schedule, &timing, minute(0), None).unwrap();
        let definition = ScheduleDefinition {
            schedule_expression: "rate(1 hour)".to_owned(),
            ..schedule.definition.clone()
        };
        let hourly = timing_of(&definition, minute(0)).unwrap();
        let state = redefine(&schedule, &timing, &definition, &hourly, minute(2));
        // One that was decided, two that fell due meanwhile.
        assert_eq!(state.firing, [minute(0), minute(1), minute(2)]);
        assert_eq!((state.next_fire_at, state.version), (Some(minute(60)), 3));
        assert_eq!(state.due_at, Some(minute(0)));
    }

    #[test]
    fn nothing_to_do_writes_nothing() {
        let (mut schedule, timing) = schedule("rate(1 hour)");
        schedule.state = decide(&schedule, &timing, minute(0), None).unwrap();
        schedule.state = settle(&schedule, &timing, Vec::new());
        for now in [0, 1, 59] {
            assert_eq!(decide(&schedule, &timing, minute(now), None), None);
        }
    }
}
