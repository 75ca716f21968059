//! What submitting does, whichever executor is named.

use writ_edge::{Reply, Request};
use writ_job_control::{submit, validate};
use writ_model::{Error, ExecutorId, Job, RawJson};
use writ_pipeline::{LoadPolicy, known_executor};
use writ_ports::{
    Clock, CountQueued, GetJob, Ids, JobNotifier, PutJob, SendCallback, ValidateDocuments, ports,
};

use crate::document::text;
use crate::new_job::{parse, submitter};

ports! {
    /// What submitting a job needs.
    pub trait Ports = Clock + CountQueued + GetJob + Ids + JobNotifier + LoadPolicy + PutJob
        + SendCallback + ValidateDocuments;
}

/// Records the job that the request holds and answers it as it was recorded. A job that an earlier
/// request with the same key recorded is answered as it is now.
pub(crate) async fn submit_job(
    ports: &impl Ports,
    request: &Request,
    executor_id: ExecutorId,
) -> Result<Reply, Error> {
    let workspace = &request.caller.identity.workspace;
    if let Some(job_id) = request.retried_id()
        && let Some(job) = ports.get_job(workspace, job_id).await?
    {
        return reply(ports, &job).await;
    }
    known_executor(&executor_id)?;
    let now = ports.now();
    let new = parse(request, now)?;
    let mask = validate(ports, workspace, &new, "").await?;
    let submitter = submitter(request)?;
    let job_id = request.new_id(ports, now);
    let submission = new.into_submission(submitter, job_id, executor_id, mask, now);
    match submit(ports, submission).await {
        Ok(job) => reply(ports, &job).await,
        Err(error) => {
            let job_id = request.conflicting_id(&error);
            let stored = match job_id {
                Some(job_id) => ports.get_job(workspace, job_id).await?,
                None => None,
            };
            reply(ports, &stored.ok_or(error)?).await
        }
    }
}

async fn reply(ports: &impl CountQueued, job: &Job) -> Result<Reply, Error> {
    let job_id = &job.submission.job_id;
    let quoted = RawJson::of(&job_id.as_str().into());
    let reply = Reply::data_with(&text(ports, job).await?, &[("job_id", quoted.as_str())]);
    Ok(reply.created(format!("/jobs/{job_id}")))
}
