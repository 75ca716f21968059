//! The stack of who fires schedules: its role follows from what waking up names as its ports.

use crate::fill::fill;
use crate::{
    Document, InfraError, Signatures, needed, needed_of_queues, queue_statements, statements,
};

const FIRES: &str = include_str!("snippets/fires.yaml");

pub(crate) fn document(signatures: &Signatures) -> Result<Document, InfraError> {
    let wakes = signatures.waker()?;
    let allowed = statements(&needed(&wakes)) + &queue_statements(&needed_of_queues(&wakes));
    let values = [("statements", &*allowed)];
    Ok(Document { path: "infra/stacks/fires.yaml".into(), text: fill(FIRES, &values)? })
}
