//! Changes a job for a caller, while its runner changes it too.

use writ_edge::Request;
use writ_jobs::{TransitionError, retry_once};
use writ_model::{Error, ErrorKind, Job, JobState, Workspace};
use writ_ports::{ChangeJob, Clock, GetJob};

use crate::document::find_job;

/// How often a change begins again. A runner writes a few times per attempt and every five seconds
/// between, so losing to it eight times in a row is an outage, not bad luck.
pub(crate) const TRIES_MAX: usize = 8;

/// Changes the job to the state that `next` gives for its present one, and returns it. Begins again
/// with the stored job where another process changed it in between.
///
/// # Errors
/// There is no such job; `next` refuses; [`ErrorKind::Unavailable`] where others were faster each
/// time.
pub(crate) async fn update_job(
    ports: &(impl ChangeJob + GetJob),
    workspace: &Workspace,
    job_id: &str,
    next: impl Fn(&Job) -> Result<JobState, TransitionError> + Send + Sync,
) -> Result<Job, Error> {
    for _ in 0..TRIES_MAX {
        let job = find_job(ports, workspace, job_id).await?;
        let state = next(&job).map_err(|refusal| refusal.to_error(job_id))?;
        if ports.change_job(&job.submission, &state).await? {
            return Ok(Job { state, ..job });
        }
    }
    Err(contention_error(job_id))
}

/// Starts another round of the job, once for all requests with the idempotency key that `request` has.
/// Returns the job, and whether this request started the round.
///
/// # Errors
/// As [`update_job`].
pub(crate) async fn retry_job(
    ports: &(impl ChangeJob + Clock + GetJob),
    request: &Request,
    job_id: &str,
) -> Result<(Job, bool), Error> {
    let workspace = &request.caller.identity.workspace;
    let round_id = request.derived_id.as_ref().map(|derived| derived.id.as_str());
    for _ in 0..TRIES_MAX {
        let job = find_job(ports, workspace, job_id).await?;
        let state = retry_once(&job.state, round_id, ports.now());
        let Some(state) = state.map_err(|refusal| refusal.to_error(job_id))? else {
            return Ok((job, false));
        };
        if ports.change_job(&job.submission, &state).await? {
            return Ok((Job { state, ..job }, true));
        }
    }
    Err(contention_error(job_id))
}

fn contention_error(job_id: &str) -> Error {
    let message = format!("job `{job_id}` is moved by others just now; ask again");
    Error::new(ErrorKind::Unavailable, message).retry_after(1)
}
