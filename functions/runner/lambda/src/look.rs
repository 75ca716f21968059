//! What a hint leads to.

use std::future::Future;

use writ_jobs::Runner;
use writ_model::{Error, JobHint};
use writ_job_runner::{Looked, Ports};

/// Looks at jobs.
pub trait Look: Send + Sync + 'static {
    /// Does what the hint leads to.
    ///
    /// # Errors
    /// As [`writ_job_runner::look`].
    fn look(&self, hint: &JobHint) -> impl Future<Output = Result<Looked, Error>> + Send;
}

/// A runner over the ports.
#[derive(Debug)]
pub struct Looker<P> {
    ports: P,
    runner: Runner,
}

impl<P> Looker<P> {
    /// The runner of this name over these ports.
    #[must_use]
    pub fn new(ports: P, runner: Runner) -> Self {
        Self { ports, runner }
    }
}

impl<P: Ports + 'static> Look for Looker<P> {
    async fn look(&self, hint: &JobHint) -> Result<Looked, Error> {
        writ_job_runner::look(&self.ports, &self.runner, hint).await
    }
}
