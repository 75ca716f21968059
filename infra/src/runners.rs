//! The stack of those who do jobs: its roles follow from what a runner and a sweep name as their
//! ports.

use writ_sqs::grants::{AGAIN, EVENT_SOURCE};

use crate::fill::fill;
use crate::{
    Document, InfraError, Signatures, needed, needed_of_queues, queue_statements, statements,
};

const RUNNERS: &str = include_str!("snippets/runners.yaml");

pub(crate) fn document(signatures: &Signatures) -> Result<Document, InfraError> {
    let (runner, sweeper) = (signatures.runner()?, signatures.sweeper()?);
    let mut queues = needed_of_queues(&runner);
    queues.extend(EVENT_SOURCE);
    queues.extend(AGAIN);
    let of_runner = statements(&needed(&runner)) + &queue_statements(&queues);
    let of_sweeper = statements(&needed(&sweeper)) + &queue_statements(&needed_of_queues(&sweeper));
    let values = [("runner_statements", &*of_runner), ("sweeper_statements", &*of_sweeper)];
    Ok(Document { path: "infra/stacks/runners.yaml".into(), text: fill(RUNNERS, &values)? })
}
