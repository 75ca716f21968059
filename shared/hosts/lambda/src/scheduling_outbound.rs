//! The queue of job signals and the timers of schedules, as one set of ports.

use std::time::Duration;

use writ_model::{Error, JobSignal, Schedule, Workspace};
use writ_ports::{CancelTimer, JobNotifier, ScheduleTimer};

use writ_eventbridge_scheduler::Scheduler;
use writ_sqs::Sqs;

/// The outbound ports of the programs for schedules. Cheap to clone.
#[derive(Clone, Debug)]
pub struct SchedulingOutbound {
    /// The queue of job signals.
    pub queue: Sqs,
    /// The timers of schedules.
    pub scheduler: Scheduler,
}

impl JobNotifier for SchedulingOutbound {
    async fn notify(&self, signals: &[JobSignal], delay: Duration) -> Result<(), Error> {
        self.queue.notify(signals, delay).await
    }
}

impl ScheduleTimer for SchedulingOutbound {
    async fn schedule_timer(&self, schedule: &Schedule) -> Result<(), Error> {
        self.scheduler.schedule_timer(schedule).await
    }
}

impl CancelTimer for SchedulingOutbound {
    async fn cancel_timer(&self, workspace: &Workspace, name: &str) -> Result<(), Error> {
        self.scheduler.cancel_timer(workspace, name).await
    }
}
