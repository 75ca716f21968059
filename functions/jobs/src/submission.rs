//! What submitting does, whichever executor is named.

use writ_edge::{Reply, Request};
use writ_job_control::{submit, validate};
use writ_model::{Error, ExecutorId, RawJson};
use writ_pipeline::{LoadPolicy, known_executor};
use writ_ports::{Clock, CountQueued, Ids, JobNotifier, PutJob, SendCallback, ports};

use crate::document::text;
use crate::new_job::{parse, submitter};

ports! {
    /// What submitting a job needs.
    pub trait Ports = Clock + CountQueued + Ids + JobNotifier + LoadPolicy + PutJob + SendCallback;
}

/// Records the job that the request holds and answers it as it was recorded.
pub(crate) async fn submit_job(
    ports: &impl Ports,
    request: &Request,
    executor_id: ExecutorId,
) -> Result<Reply, Error> {
    known_executor(&executor_id)?;
    let now = ports.now();
    let new = parse(request, now)?;
    let mask = validate(ports, &request.caller.identity.workspace, &new, "").await?;
    let submitter = submitter(request)?;
    let submission = new.into_submission(submitter, ports.id(now), executor_id, mask, now);
    let job = submit(ports, submission).await?;
    let job_id = &job.submission.job_id;
    let quoted = RawJson::of(&job_id.as_str().into());
    let reply = Reply::data_with(&text(ports, &job).await?, &[("job_id", quoted.as_str())]);
    Ok(reply.created(format!("/jobs/{job_id}")))
}
