//! The platform's side of one reply, with given bytes instead of a worker. Used by fuzz targets.

use std::io::Write;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::channel::Channel;
use super::deadline::Deadline;
use super::validate;
use crate::wire::{Reply, WorkerRequestRef};
use crate::{Budget, Call, FailedRun, Outcome};

/// Longer input is cut to what a socket buffers unread, so that no second thread is needed.
const BYTES_MAX: usize = 64 << 10;

/// The result that the platform derives from a worker that replies to `call` with `bytes` and then
/// closes its socket; `None` when the bytes are no valid reply.
pub(crate) fn answer(
    bytes: &[u8],
    call: &Call,
    budget: &Budget,
) -> std::io::Result<Option<Result<Outcome, FailedRun>>> {
    let (local_end, mut remote_end) = UnixStream::pair()?;
    local_end.set_nonblocking(true)?;
    remote_end.write_all(bytes.get(..BYTES_MAX).unwrap_or(bytes))?;
    remote_end.shutdown(Shutdown::Write)?;
    let mut channel = Channel::new(local_end.into())?;
    // Never reached: the whole reply is already in the socket's buffer.
    let deadline = Deadline::after(Duration::from_secs(60))?;
    let reply = channel.exchange(WorkerRequestRef::Run { call, budget }, &deadline, BYTES_MAX);
    Ok(match reply {
        Ok(Reply::RunFinished { result, printed, .. }) => {
            Some(validate::result(result, printed, call, budget))
        }
        _ => None,
    })
}
