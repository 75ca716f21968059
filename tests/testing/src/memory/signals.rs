//! Job signals and dead letters.

use std::time::Duration;

use writ_model::{Error, JobSignal, SignalKind, Workspace};
use writ_ports::{Backlog, CountSignals, DELAY_MAX, JobNotifier, Redrive, RedriveReport};

use super::MemoryPlatform;

/// Dead letters that one step of [`trait@Redrive`] puts back.
pub const REDRIVE_STEP: u64 = 10;

impl MemoryPlatform {
    /// The signals so far, the oldest first: the job's id, the kind, the delay.
    #[must_use]
    pub fn signals(&self) -> Vec<(String, SignalKind, Duration)> {
        self.tables().signals.clone()
    }

    /// Sets how many signals of a workspace are dead letters.
    pub fn set_dead_letters(&self, workspace: &Workspace, count: u64) {
        self.tables().dead_letters.insert(workspace.clone(), count);
    }

    /// The dead letters of a workspace.
    #[must_use]
    pub fn dead_letters(&self, workspace: &Workspace) -> u64 {
        self.tables().dead_letters.get(workspace).copied().unwrap_or_default()
    }
}

impl JobNotifier for MemoryPlatform {
    async fn notify(&self, signals: &[JobSignal], delay: Duration) -> Result<(), Error> {
        assert!(delay <= DELAY_MAX, "no queue keeps a signal for {delay:?}");
        let mut tables = self.enter("notify", "").await?;
        let sent = signals.iter().map(|signal| (signal.job_id.clone(), signal.kind, delay));
        tables.signals.extend(sent);
        Ok(())
    }
}

impl Redrive for MemoryPlatform {
    async fn redrive(&self, workspace: &Workspace) -> Result<RedriveReport, Error> {
        let mut tables = self.enter("redrive", workspace.as_str()).await?;
        let own = tables.dead_letters.entry(workspace.clone()).or_default();
        let signals = REDRIVE_STEP.min(*own);
        *own -= signals;
        Ok(RedriveReport { signals, more: *own > 0 })
    }
}

impl CountSignals for MemoryPlatform {
    fn backlog(&self) -> Backlog {
        let tables = self.tables();
        let dead = usize::try_from(tables.dead_letters.values().sum::<u64>()).unwrap();
        Backlog { waiting: tables.signals.len(), dead }
    }
}
