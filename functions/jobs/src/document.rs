//! A job as a reply shows it: with its position in the queue.

use writ_edge::Reply;
use writ_jobs::{QueuePosition, document, queue_key};
use writ_model::{Error, Job, Workspace};
use writ_ports::{CountQueued, GetJob};

/// Counting ends there, so that a reply costs the same however many jobs are queued.
pub(crate) const COUNTED_MAX: usize = 100;

/// The job as JSON text.
pub(crate) async fn text(ports: &impl CountQueued, job: &Job) -> Result<String, Error> {
    document(job, position(ports, job).await)
}

/// The job as a reply.
pub(crate) async fn reply(ports: &impl CountQueued, job: &Job) -> Result<Reply, Error> {
    Ok(Reply::data(&text(ports, job).await?))
}

/// The job of that id.
pub(crate) async fn find_job(
    ports: &impl GetJob,
    workspace: &Workspace,
    job_id: &str,
) -> Result<Job, Error> {
    let job = ports.get_job(workspace, job_id).await?;
    job.ok_or_else(|| Error::not_found(format!("there is no job `{job_id}`")))
}

/// The position of a job that is queued. A store that cannot count now fails no request: the rest of
/// the job is known without its position.
async fn position(ports: &impl CountQueued, job: &Job) -> Option<QueuePosition> {
    let Job { submission, state, .. } = job;
    if !state.is_queued {
        return None;
    }
    let queue_key = queue_key(submission, state);
    match ports.count_before(&submission.workspace, &queue_key, COUNTED_MAX).await {
        Ok(before) => {
            Some(QueuePosition { position: before + 1, is_at_least: before >= COUNTED_MAX })
        }
        Err(error) => {
            let log = error.log.as_deref();
            tracing::warn!(%error, log, "the position of a job in its queue is not known");
            None
        }
    }
}
