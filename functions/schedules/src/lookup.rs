//! The schedule that a path names.

use writ_edge::Request;
use writ_model::{Error, ErrorKind, Schedule};
use writ_ports::GetSchedule;

/// How often a change is tried again that met a fire or another change.
pub(crate) const TRIES_MAX: usize = 8;

/// Reads the schedule that the path names.
///
/// # Errors
/// There is no such schedule.
pub(crate) async fn find_schedule(
    ports: &impl GetSchedule,
    request: &Request,
) -> Result<Schedule, Error> {
    let name = request.param("name");
    let found = ports.get_schedule(&request.caller.identity.workspace, name).await?;
    found.ok_or_else(|| Error::not_found(format!("there is no schedule `{name}`")))
}

/// Others were faster each time.
pub(crate) fn contention_error(name: &str) -> Error {
    let message = format!("schedule `{name}` is changed by others just now; ask again");
    Error::new(ErrorKind::Unavailable, message).retry_after(1)
}
