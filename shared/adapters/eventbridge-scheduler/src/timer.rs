//! The timer that EventBridge Scheduler gets for a schedule.

use std::time::Duration;

use aws_sdk_scheduler::types::{FlexibleTimeWindow, FlexibleTimeWindowMode, RetryPolicy, Target};
use aws_smithy_types::DateTime;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use writ_model::{Error, Schedule, Timestamp, Workspace};
use writ_schedules::{Expression, timing_of};

use super::TimerTarget;

/// Characters of the workspace and of the schedule's name that a timer's name shows.
const NAME_PREFIX_CHARS: usize = 20;

/// Bytes of the hash that makes a timer's name unique.
const HASH_BYTES: usize = 10;

/// EventBridge replaces this by the fire's time ("Adding context attributes" in its user guide).
const SCHEDULED_TIME: &str = "<aws.scheduler.scheduled-time>";

/// Seconds after which EventBridge drops an invocation that failed; the sweep fires the schedule by
/// then.
const EVENT_AGE_MAX_S: i32 = 120;

/// Added to a schedule's end, because EventBridge must still fire at the end itself; shorter than
/// any rate.
const END_MARGIN: Duration = Duration::from_secs(30);

/// The parameters of a schedule in EventBridge Scheduler.
#[derive(Clone, Debug)]
pub(super) struct Timer {
    pub(super) expression: String,
    pub(super) timezone: String,
    start_at: Option<Timestamp>,
    end_at: Option<Timestamp>,
    window_minutes: Option<u32>,
    input: String,
}

impl Timer {
    /// The timer of the schedule; `None` where it will not fire again.
    pub(super) fn of(schedule: &Schedule) -> Result<Option<Self>, Error> {
        let Some(next) = schedule.state.next_fire_at else { return Ok(None) };
        let definition = &schedule.definition;
        let timing = timing_of(definition, schedule.created_at).map_err(Error::internal)?;
        let start_at = match timing.expression() {
            // A rate counts from its start, which must not be in the past.
            Expression::Rate(_) => Some(next),
            Expression::Cron(_) => definition.start_at.filter(|start| *start > schedule.updated_at),
            Expression::At(_) => None,
        };
        let is_once = matches!(timing.expression(), Expression::At(_));
        let end_at = definition.end_at.filter(|_| !is_once);
        let input = json!({
            "workspace": schedule.workspace,
            "name": schedule.name,
            "scheduled_for": SCHEDULED_TIME,
        });
        Ok(Some(Self {
            // Both read the same syntax of expressions with the same meaning.
            expression: timing.expression().to_string(),
            timezone: definition.timezone.clone(),
            start_at,
            end_at: end_at.map(|end| end + END_MARGIN),
            window_minutes: definition.flexible_time_window_minutes,
            input: input.to_string(),
        }))
    }

    pub(super) fn start_date(&self) -> Option<DateTime> {
        self.start_at.map(|time| DateTime::from_millis(time.as_ms()))
    }

    pub(super) fn end_date(&self) -> Option<DateTime> {
        self.end_at.map(|time| DateTime::from_millis(time.as_ms()))
    }

    pub(super) fn window(&self) -> Result<FlexibleTimeWindow, Error> {
        let mode = match self.window_minutes {
            Some(_) => FlexibleTimeWindowMode::Flexible,
            None => FlexibleTimeWindowMode::Off,
        };
        let minutes = self.window_minutes.and_then(|minutes| minutes.try_into().ok());
        let window = FlexibleTimeWindow::builder().mode(mode);
        window.set_maximum_window_in_minutes(minutes).build().map_err(Error::internal)
    }

    pub(super) fn target(&self, target: &TimerTarget) -> Result<Target, Error> {
        let retry = RetryPolicy::builder()
            .maximum_event_age_in_seconds(EVENT_AGE_MAX_S)
            .maximum_retry_attempts(2)
            .build();
        Target::builder()
            .arn(&target.function_arn)
            .role_arn(&target.role_arn)
            .input(&self.input)
            .retry_policy(retry)
            .build()
            .map_err(Error::internal)
    }
}

/// The timer's name: readable, and unique among all workspaces and schedules.
pub(super) fn timer_name(workspace: &Workspace, name: &str) -> String {
    let digest = Sha256::digest(format!("{workspace}#{name}").as_bytes());
    let hash = hex::encode(digest.get(..HASH_BYTES).unwrap_or_default());
    let prefix = |text: &str| text.chars().take(NAME_PREFIX_CHARS).collect::<String>();
    format!("{}-{}-{hash}", prefix(workspace.as_str()), prefix(name))
}

#[cfg(test)]
pub(super) mod tests {
    use writ_model::{CatchUp, RawJson, ScheduleDefinition, ScheduleState};

    use super::*;

    pub(crate) fn schedule(expression: &str) -> Schedule {
        let at = Timestamp::from_ms(1_790_000_000_000);
        Schedule {
            schedule_id: "s".to_owned(),
            workspace: "home".parse().unwrap(),
            name: "nightly".to_owned(),
            definition: ScheduleDefinition {
                schedule_expression: expression.to_owned(),
                timezone: "Europe/Berlin".to_owned(),
                start_at: None,
                end_at: None,
                flexible_time_window_minutes: None,
                enabled: true,
                catch_up: CatchUp::Skip,
                description: None,
                target: RawJson::empty_object(),
            },
            revision: 1,
            created_at: at,
            updated_at: at,
            identity: "ada".to_owned(),
            on_behalf_of: None,
            mask: Vec::new(),
            state: ScheduleState {
                version: 1,
                handled: None,
                firing: Vec::new(),
                firing_since: None,
                next_fire_at: Some(at + Duration::from_secs(60)),
                due_at: None,
                last_fires: Vec::new(),
            },
        }
    }

    #[test]
    fn a_rate_counts_from_its_next_fire_and_the_others_by_the_clock() {
        let next = schedule("rate(1 day)").state.next_fire_at;
        for (expression, start_at) in
            [("rate(1 day)", next), ("cron(0 2 * * ? *)", None), ("at(2027-01-01T00:00:00)", None)]
        {
            assert_eq!(Timer::of(&schedule(expression)).unwrap().unwrap().start_at, start_at);
        }
        let mut later = schedule("cron(0 2 * * ? *)");
        later.definition.start_at = next;
        assert_eq!(Timer::of(&later).unwrap().unwrap().start_at, next);
        later.updated_at = next.unwrap();
        assert_eq!(Timer::of(&later).unwrap().unwrap().start_at, None, "it is past");
    }

    #[test]
    fn an_end_and_a_window_are_part_of_the_timer() {
        let mut ends = schedule("rate(1 day)");
        ends.definition.end_at = Some(Timestamp::from_ms(1_800_000_000_000));
        ends.definition.flexible_time_window_minutes = Some(15);
        let timer = Timer::of(&ends).unwrap().unwrap();
        assert_eq!(timer.end_date().unwrap().secs(), 1_800_000_030);
        let window = timer.window().unwrap();
        assert_eq!(window.mode(), &FlexibleTimeWindowMode::Flexible);
        assert_eq!(window.maximum_window_in_minutes(), Some(15));
    }

    #[test]
    fn a_name_is_readable_and_unique_to_a_schedule() {
        let of = |workspace: &str, name: &str| timer_name(&workspace.parse().unwrap(), name);
        let name = of("home", "nightly");
        assert!(name.starts_with("home-nightly-") && name.len() == 33, "{name}");
        assert!(of(&"w".repeat(64), &"n".repeat(64)).len() <= 64);
        let long = "n".repeat(63);
        assert_ne!(of("home", &format!("{long}a")), of("home", &format!("{long}b")));
        assert_ne!(of("a", "b-c"), of("a-b", "c"));
    }
}
