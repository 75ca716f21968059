//! Job signals and dead letters.

use std::time::Duration;

use writ_model::{Error, JobSignal, SignalKind};
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

    /// Sets how many signals are dead letters.
    pub fn set_dead_letters(&self, count: u64) {
        self.tables().dead_letters = count;
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
    async fn redrive(&self) -> Result<RedriveReport, Error> {
        let mut tables = self.enter("redrive", "").await?;
        let signals = tables.dead_letters.min(REDRIVE_STEP);
        tables.dead_letters -= signals;
        Ok(RedriveReport { signals, more: tables.dead_letters > 0 })
    }
}

impl CountSignals for MemoryPlatform {
    fn backlog(&self) -> Backlog {
        let tables = self.tables();
        let dead = usize::try_from(tables.dead_letters).unwrap();
        Backlog { waiting: tables.signals.len(), dead }
    }
}
