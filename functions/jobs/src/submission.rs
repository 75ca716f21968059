//! What submitting does, whichever executor is named.

use writ_edge::{Reply, Request};
use writ_job_control::{submit, validate};
use writ_model::{Error, ExecutorId, RawJson};
use writ_pipeline::{LoadPolicy, known_executor};
use writ_ports::{Clock, CountQueued, Ids, JobNotifier, PutJob, SendCallback};

use crate::document::text;
use crate::new_job::{parse, submitter};
use crate::notify::notify_runners;

/// Submits the job. Its record is written before the runners are notified and before the reply.
pub(crate) async fn submit_job(
    ports: &(
         impl JobNotifier
         + SendCallback
         + Clock
         + CountQueued
         + GetBody
         + GetPolicy
         + Ids
         + PutJob
         + HasPolicyCache
     ),
    request: &Request,
    executor_id: ExecutorId,
) -> Result<Reply, Error> {
    known_executor(&executor_id)?;
    let now = ports.now();
    let new = parse(request, now)?;
    let mask = validate(ports, &request.caller.identity.workspace, &new, "").await?;
    let submitter = submitter(request)?;
    let submission = new.into_submission(submitter, ports.id(now), executor_id, mask, now);
    let state = enqueue(&submission);
    ports.put_job(&submission, &state).await?;
    let job = Job { submission, state, output: None };
    notify_runners(ports, &job).await;
    let job_id = &job.submission.job_id;
    let quoted = RawJson::of(&job_id.as_str().into());
    let reply = Reply::data_with(&text(ports, &job).await?, &[("job_id", quoted.as_str())]);
    Ok(reply.created(format!("/jobs/{job_id}")))
}
