//! The stack of the function that fires schedules: its role follows from the ports that a tick
//! names.

use crate::fill::fill;
use crate::{Document, InfraError, Needs, statements, timer_statements};

const FIRES: &str = include_str!("snippets/fires.yaml");

pub(crate) fn document() -> Result<Document, InfraError> {
    let grants = Needs::of("schedules-fire", [&writ_scheduler::Ports])?.grants();
    let values = [
        ("statements", &*statements(&grants)),
        ("timer_statements", &*timer_statements(&grants, "Group")),
    ];
    Ok(Document { path: "infra/stacks/fires.yaml".into(), text: fill(FIRES, &values)? })
}
