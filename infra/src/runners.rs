//! The stack of the functions that run jobs: their roles follow from what a runner and a sweep name
//! as their ports.

use writ_grants::{EVENT_SOURCE, REDELIVERY};

use crate::fill::fill;
use crate::{Document, InfraError, Needs, statements};

const RUNNERS: &str = include_str!("snippets/runners.yaml");

pub(crate) fn document() -> Result<Document, InfraError> {
    let mut runner = Needs::of("runner", [&writ_job_runner::Ports])?.grants();
    runner.extend(EVENT_SOURCE);
    runner.extend(REDELIVERY);
    let sweeper = Needs::of("sweeper", [&writ_job_runner::SweepPorts])?.grants();
    let (runner, sweeper) = (statements(&runner), statements(&sweeper));
    let values = [("runner_statements", &*runner), ("sweeper_statements", &*sweeper)];
    Ok(Document { path: "infra/stacks/runners.yaml".into(), text: fill(RUNNERS, &values)? })
}
