//! What submitting does, whichever executor is named.

use writ_edge::{Reply, Request};
use writ_jobs::enqueue;
use writ_model::{Error, Job, RawJson};
use writ_pipeline::{HasPolicyCache, RegistrySource, known_executor, look_up};
use writ_ports::{Clock, CountQueued, GetBody, GetPolicy, Ids, JobNotifier, PutJob, SendCallback};

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
    executor_id: &str,
) -> Result<Reply, Error> {
    known_executor(executor_id)?;
    let now = ports.now();
    let new = parse(request, now)?;
    if let Some(url) = &new.callback_url {
        ports.check_callback(url).map_err(|error| error.at("/callback_url"))?;
    }
    let workspace = &request.caller.identity.workspace;
    let uri = &new.policy_rule_uri;
    let policy = look_up(&RegistrySource(ports), ports.policy_cache(), workspace, uri).await?;
    policy.check_job(new.policy_rule_parameters.as_ref(), &new.inputs)?;
    let (submitter, mask) = (submitter(request)?, policy.mask().to_vec());
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
