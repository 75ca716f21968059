//! Schedules at home: a ticker fires them.

use std::sync::Arc;
use std::time::Duration;

use writ_model::{Error, Schedule, Workspace};
use writ_ports::ScheduleTimer;

use crate::Platform;
use crate::jobs::Queue;
use crate::ticker::{Ticker, every};

/// How often schedules that are due are looked for.
const EVERY: Duration = Duration::from_secs(1);

/// Nobody has to be told of fires to come: the ticker finds them in the table.
impl ScheduleTimer for Queue {
    async fn schedule_timer(&self, _: &Schedule) -> Result<(), Error> {
        Ok(())
    }

    async fn cancel_timer(&self, _: &Workspace, _: &str) -> Result<(), Error> {
        Ok(())
    }
}

/// Fires schedules: first what fell due while nothing served, by each one's catch-up rule.
pub(crate) fn fire_schedules(platform: &Arc<Platform>) -> Ticker {
    let platform = Arc::clone(platform);
    Ticker::start(every(Duration::ZERO, EVERY), move || {
        let platform = Arc::clone(&platform);
        async move {
            if let Err(error) = writ_scheduler::tick(&*platform).await {
                tracing::error!(%error, log = error.log, "schedules that are due were not found");
            }
        }
    })
}
