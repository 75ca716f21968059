//! Timers of schedules that were just written.

use writ_model::{Error, Schedule};
use writ_ports::{CancelTimer, ScheduleTimer};

/// Sets the timer of a schedule that was just written. A failure is not the caller's: the table
/// knows what is due.
pub(crate) async fn schedule_timer(ports: &impl ScheduleTimer, schedule: &Schedule) {
    log(ports.schedule_timer(schedule).await);
}

/// Cancels the timer of a schedule that was removed. A call of a timer that is left finds nothing
/// due.
pub(crate) async fn cancel_timer(ports: &impl CancelTimer, schedule: &Schedule) {
    log(ports.cancel_timer(&schedule.workspace, &schedule.name).await);
}

fn log(result: Result<(), Error>) {
    if let Err(error) = result {
        let log = error.log.as_deref();
        tracing::warn!(%error, log, "the timer of a schedule is not up to date; the tick of each minute fires it");
    }
}
