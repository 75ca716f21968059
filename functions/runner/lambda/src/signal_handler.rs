//! What a job signal leads to.

use std::future::Future;

use writ_job_runner::{Ports, SignalOutcome};
use writ_jobs::Runner;
use writ_model::{Error, JobSignal};

/// What a batch hands its signals to: the pipeline, or what a test puts in its place.
pub trait SignalHandler: Send + Sync + 'static {
    /// Processes one job signal.
    ///
    /// # Errors
    /// As [`writ_job_runner::process_signal`].
    fn process_signal(
        &self,
        signal: &JobSignal,
    ) -> impl Future<Output = Result<SignalOutcome, Error>> + Send;
}

/// A runner over the ports.
#[derive(Debug)]
pub struct PipelineSignalHandler<P> {
    ports: P,
    runner: Runner,
}

impl<P> PipelineSignalHandler<P> {
    /// The runner of this name over these ports.
    #[must_use]
    pub fn new(ports: P, runner: Runner) -> Self {
        Self { ports, runner }
    }
}

impl<P: Ports + 'static> SignalHandler for PipelineSignalHandler<P> {
    async fn process_signal(&self, signal: &JobSignal) -> Result<SignalOutcome, Error> {
        writ_job_runner::process_signal(&self.ports, &self.runner, signal).await
    }
}
