//! Entry points for the fuzz targets in `fuzz/` and for the test that replays their corpora: the code
//! that untrusted bytes reach, without a worker process. Not a public interface.

use crate::wire::WorkerRequest;
use crate::{Budget, Call, FailedRun, Outcome};

/// The result that the platform derives from a worker that replies with `bytes`; `None` when they
/// are no valid reply.
///
/// # Errors
/// When the host cannot create a socket pair or a timer.
pub fn answer(
    bytes: &[u8],
    call: &Call,
    budget: &Budget,
) -> std::io::Result<Option<Result<Outcome, FailedRun>>> {
    crate::host::reply_fuzz::answer(bytes, call, budget)
}

/// Whether a worker would accept `bytes` as a request.
#[must_use]
pub fn is_worker_request(bytes: &[u8]) -> bool {
    serde_json::from_slice::<WorkerRequest>(bytes).is_ok()
}
