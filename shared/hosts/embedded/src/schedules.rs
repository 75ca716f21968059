//! Schedules of the embedded deployment: a ticker fires them.

use std::sync::Arc;
use std::time::Duration;

use writ_model::{Error, Schedule, Workspace};
use writ_ports::{CancelTimer, ScheduleTimer};
use writ_scheduler::ClockWatch;

use crate::Platform;
use crate::jobs::SignalQueue;
use crate::ticker::{Ticker, interval};

/// The interval at which due schedules are read.
const TICK_INTERVAL: Duration = Duration::from_secs(1);

/// No timers are needed: the ticker finds due schedules in the table.
impl ScheduleTimer for SignalQueue {
    async fn schedule_timer(&self, _: &Schedule) -> Result<(), Error> {
        Ok(())
    }
}

impl CancelTimer for SignalQueue {
    async fn cancel_timer(&self, _: &Workspace, _: &str) -> Result<(), Error> {
        Ok(())
    }
}

/// Starts the ticker that fires schedules. It first fires those that became due while the platform
/// was down, by the catch-up rule of each.
pub(crate) fn start_scheduler(platform: &Arc<Platform>) -> Ticker {
    let (platform, watch) = (Arc::clone(platform), Arc::new(ClockWatch::default()));
    Ticker::start(interval(Duration::ZERO, TICK_INTERVAL), move || {
        let (platform, watch) = (Arc::clone(&platform), Arc::clone(&watch));
        async move {
            if let Err(error) = writ_scheduler::tick_with(&*platform, &watch).await {
                tracing::error!(%error, log = error.log, "due schedules could not be read");
            }
        }
    })
}
