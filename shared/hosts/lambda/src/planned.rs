//! The queue of hints, with a planner of fires beside it.

use std::time::Duration;

use writ_model::{Error, JobHint, Schedule, Workspace};
use writ_ports::{Announce, PlanFires};

use writ_eventbridge_scheduler::Scheduler;
use writ_sqs::Sqs;

/// Whom the programs of schedules tell things. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Of jobs.
    pub queue: Sqs,
    /// Of fires to come.
    pub scheduler: Scheduler,
}

impl Announce for Planned {
    async fn announce(&self, hints: &[JobHint], delay: Duration) -> Result<(), Error> {
        self.queue.announce(hints, delay).await
    }
}

impl PlanFires for Planned {
    async fn plan_fires(&self, schedule: &Schedule) -> Result<(), Error> {
        self.scheduler.plan_fires(schedule).await
    }

    async fn forget_fires(&self, workspace: &Workspace, name: &str) -> Result<(), Error> {
        self.scheduler.forget_fires(workspace, name).await
    }
}
