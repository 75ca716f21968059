//! Telling whoever wakes us.

use writ_model::{Error, Schedule};
use writ_ports::{CancelTimer, ScheduleTimer};

/// Plans the fires of a schedule that was just written. What fails here is not the caller's: the
/// table knows what is due.
pub(crate) async fn schedule_timer(ports: &impl ScheduleTimer, schedule: &Schedule) {
    log(ports.schedule_timer(schedule).await);
}

/// Forgets those of one that is gone: whoever is woken for it finds nothing.
pub(crate) async fn cancel_timer(ports: &impl CancelTimer, schedule: &Schedule) {
    log(ports.cancel_timer(&schedule.workspace, &schedule.name).await);
}

fn log(planned: Result<(), Error>) {
    if let Err(error) = planned {
        let log = error.log.as_deref();
        tracing::warn!(%error, log, "a schedule's plan is not up to date; the ticker fires it");
    }
}
