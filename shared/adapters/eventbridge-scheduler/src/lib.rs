//! Timers in EventBridge Scheduler, which invokes a function when a schedule fires.
//!
//! A timer is a signal only: the invoked function reads the table, as a sweep does each minute. So
//! a timer need not be consistent with the table; it is created, updated or deleted after the table
//! was written.

#[cfg(test)]
mod grants;
#[cfg(test)]
mod recorder;
mod timer;

use std::fmt::Debug;

use aws_sdk_scheduler::Client;
use aws_sdk_scheduler::config::Builder;
use aws_sdk_scheduler::config::http::HttpResponse;
use aws_sdk_scheduler::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_scheduler::types::{ActionAfterCompletion, ScheduleState};
use writ_aws::Aws;
use writ_model::{Error, ErrorKind, Schedule, Workspace};
use writ_ports::{CancelTimer, ScheduleTimer};

use timer::{Timer, timer_name};

/// Attempts to create or update one timer: concurrent writers of the same timer can conflict.
const ATTEMPTS_MAX: u32 = 3;

/// What EventBridge invokes when a schedule fires; the deployment's template sets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimerTarget {
    /// The ARN of the function to invoke.
    pub function_arn: String,
    /// The ARN of the role that EventBridge assumes to invoke it.
    pub role_arn: String,
}

/// The configuration of timers for a function. The deployment's template sets what the function's
/// ports need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimerConfig {
    /// The name of the schedule group that holds the timers; `None` where the function uses no
    /// timers.
    pub group: Option<String>,
    /// What the timers invoke; `None` for a function that only deletes timers.
    pub target: Option<TimerTarget>,
}

/// Creates and deletes timers. Without a target it creates none, and only the sweep fires
/// schedules. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Scheduler {
    client: Client,
    config: TimerConfig,
}

/// The request with all that a timer says. Requests to create and to update one have types of their
/// own, with the same methods.
macro_rules! with_timer {
    ($request:expr, $timer:expr, $target:expr) => {
        $request
            .schedule_expression(&$timer.expression)
            .schedule_expression_timezone(&$timer.timezone)
            .set_start_date($timer.start_date())
            .set_end_date($timer.end_date())
            .state(ScheduleState::Enabled)
            .action_after_completion(ActionAfterCompletion::Delete)
            .flexible_time_window($timer.window()?)
            .target($timer.target($target)?)
    };
}

impl Scheduler {
    /// Uses the timers of this configuration through this client.
    #[must_use]
    pub fn new(client: Client, config: TimerConfig) -> Self {
        Self { client, config }
    }

    /// Uses the timers of the deployment that the function belongs to.
    #[must_use]
    pub fn of(aws: &Aws, config: TimerConfig) -> Self {
        let mut client = Builder::from(&aws.sdk_config());
        client.set_endpoint_url(aws.environment().scheduler_endpoint().map(str::to_owned));
        Self::new(Client::from_conf(client.build()), config)
    }

    /// Creates the timer; `false` where it exists already.
    async fn create(
        &self,
        group: &str,
        name: &str,
        timer: &Timer,
        target: &TimerTarget,
    ) -> Result<bool, Error> {
        let request = self.client.create_schedule().group_name(group).name(name);
        match with_timer!(request, timer, target).send().await {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some("ConflictException") => Ok(false),
            Err(error) => Err(scheduler_error(error)),
        }
    }

    /// Updates the timer; `false` where it does not exist.
    async fn update(
        &self,
        group: &str,
        name: &str,
        timer: &Timer,
        target: &TimerTarget,
    ) -> Result<bool, Error> {
        let request = self.client.update_schedule().group_name(group).name(name);
        match with_timer!(request, timer, target).send().await {
            Ok(_) => Ok(true),
            Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(false),
            Err(error) => Err(scheduler_error(error)),
        }
    }
}

impl ScheduleTimer for Scheduler {
    async fn schedule_timer(&self, schedule: &Schedule) -> Result<(), Error> {
        let TimerConfig { group: Some(group), target: Some(target) } = &self.config else {
            return Ok(());
        };
        let Some(timer) = Timer::of(schedule)? else {
            return self.cancel_timer(&schedule.workspace, &schedule.name).await;
        };
        let name = timer_name(&schedule.workspace, &schedule.name);
        let is_new = schedule.revision == 1;
        for attempt in 0..ATTEMPTS_MAX {
            // Begins with the call that is more likely to succeed.
            let is_done = match is_new == attempt.is_multiple_of(2) {
                true => self.create(group, &name, &timer, target).await?,
                false => self.update(group, &name, &timer, target).await?,
            };
            if is_done {
                return Ok(());
            }
        }
        Err(unavailable("other requests change the same timer".to_owned()))
    }
}

impl CancelTimer for Scheduler {
    async fn cancel_timer(&self, workspace: &Workspace, name: &str) -> Result<(), Error> {
        let Some(group) = &self.config.group else { return Ok(()) };
        let name = timer_name(workspace, name);
        let deleted = self.client.delete_schedule().group_name(group).name(name).send().await;
        match deleted {
            Ok(_) => Ok(()),
            Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(()),
            Err(error) => Err(scheduler_error(error)),
        }
    }
}

/// Converts an SDK error. All of them are temporary for the caller, since the sweep fires the
/// schedule anyway; the SDK's message goes to the log.
fn scheduler_error<E>(error: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + Debug + std::error::Error + Send + Sync + 'static,
{
    unavailable(DisplayErrorContext(&error).to_string())
}

fn unavailable(log: String) -> Error {
    let message = "the timer of the schedule cannot be set now; the sweep fires it within a minute";
    Error::new(ErrorKind::Unavailable, message).log(log)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::recorder::Recorder;
    use super::timer::tests::schedule;
    use super::*;

    #[tokio::test]
    async fn a_new_schedule_creates_a_timer_and_a_changed_one_updates_it() {
        for (revision, methods) in [(1, vec!["POST"]), (2, vec!["PUT"])] {
            let recorder = Recorder::default();
            let schedule = Schedule { revision, ..schedule("cron(0 2 * * ? *)") };
            recorder.scheduler().schedule_timer(&schedule).await.unwrap();
            let calls = recorder.take();
            assert_eq!(calls.iter().map(|call| call.method.as_str()).collect::<Vec<_>>(), methods);
            let call = calls.first().unwrap();
            assert!(call.path.starts_with("/schedules/home-nightly-"), "{}", call.path);
            assert_eq!(call.body["GroupName"], "writ");
            assert_eq!(call.body["ScheduleExpression"], "cron(0 2 * * ? *)");
            assert_eq!(call.body["ScheduleExpressionTimezone"], "Europe/Berlin");
            assert_eq!(call.body["State"], "ENABLED");
            assert_eq!(call.body["FlexibleTimeWindow"], json!({"Mode": "OFF"}));
            assert_eq!(
                (&call.body["Target"]["Arn"], &call.body["Target"]["RoleArn"]),
                (&json!("f"), &json!("r"))
            );
            let input = call.body["Target"]["Input"].as_str().unwrap();
            let input: serde_json::Value = serde_json::from_str(input).unwrap();
            assert_eq!(
                input,
                json!({"workspace": "home", "name": "nightly", "scheduled_for": "<aws.scheduler.scheduled-time>"})
            );
        }
    }

    #[tokio::test]
    async fn a_timer_that_exists_or_is_missing_is_no_error() {
        let recorder = Recorder::default();
        recorder.answers([(409, "ConflictException"), (200, "")]);
        recorder.scheduler().schedule_timer(&schedule("rate(1 day)")).await.unwrap();
        assert_eq!(recorder.methods(), ["POST", "PUT"]);

        recorder.answers([(404, "ResourceNotFoundException"), (200, "")]);
        let changed = Schedule { revision: 2, ..schedule("rate(1 day)") };
        recorder.scheduler().schedule_timer(&changed).await.unwrap();
        assert_eq!(recorder.methods(), ["PUT", "POST"]);

        recorder.answers([(404, "ResourceNotFoundException")]);
        recorder.scheduler().cancel_timer(&changed.workspace, "nightly").await.unwrap();
        assert_eq!(recorder.methods(), ["DELETE"]);

        recorder.answers([(429, "ThrottlingException")]);
        let error = recorder.scheduler().schedule_timer(&changed).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable);
        assert!(error.log.unwrap().contains("ThrottlingException"));
    }

    #[tokio::test]
    async fn a_schedule_that_fires_no_more_has_no_timer() {
        let recorder = Recorder::default();
        let mut off = Schedule { revision: 2, ..schedule("rate(1 day)") };
        off.state.next_fire_at = None;
        recorder.scheduler().schedule_timer(&off).await.unwrap();
        assert_eq!(recorder.methods(), ["DELETE"]);
    }

    #[tokio::test]
    async fn without_a_target_no_timer_is_set() {
        let recorder = Recorder::default();
        let scheduler = Scheduler { config: TimerConfig::default(), ..recorder.scheduler() };
        scheduler.schedule_timer(&schedule("rate(1 day)")).await.unwrap();
        scheduler.cancel_timer(&"home".parse().unwrap(), "nightly").await.unwrap();
        assert!(recorder.methods().is_empty());
    }
}
