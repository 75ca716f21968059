//! Submission: validates a new job and records it.

use writ_jobs::{NewJob, enqueue};
use writ_model::{Error, ErrorKind, Job, Submission, Workspace};
use writ_pipeline::{LoadPolicy, validate_documents};
use writ_ports::{Clock, JobNotifier, PutJob, SendCallback, ValidateDocuments};

use crate::try_notify;

/// Validates a new job against the schemas of its policy and against the callbacks that may be
/// sent. Returns the policy's mask, for the submission.
///
/// `location` is the JSON Pointer of the job in the request; errors of a member begin with it.
///
/// # Errors
/// [`writ_model::ErrorKind::NotFound`] without such a policy,
/// [`writ_model::ErrorKind::SchemaViolation`], [`writ_model::ErrorKind::InvalidRequest`] for a URL
/// that may not be called; the store's.
pub async fn validate(
    ports: &(impl SendCallback + LoadPolicy + ValidateDocuments),
    workspace: &Workspace,
    job: &NewJob,
    location: &str,
) -> Result<Vec<String>, Error> {
    if let Some(url) = &job.callback_url {
        let locate = |error: Error| error.at(format!("{location}/callback_url"));
        ports.check_callback(url).map_err(locate)?;
    }
    let policy = ports.load_policy(workspace, &job.policy_rule_uri).await;
    let policy = policy.map_err(|error| match error.kind {
        ErrorKind::NotFound => error.at(format!("{location}/policy_rule_uri")),
        _ => error,
    })?;
    let documents = policy.job_documents(job.policy_rule_parameters.as_ref(), &job.inputs)?;
    let validated = validate_documents(ports, workspace, &policy, documents).await;
    validated.map_err(|error| match error.kind {
        ErrorKind::InvalidRequest => error.at(format!("{location}/policy_rule_uri")),
        _ => error,
    })?;
    Ok(policy.mask().to_vec())
}

/// Records a job and notifies the runners. The record is written before anything else learns of the
/// job, and a runner that was not notified finds it by the sweep.
///
/// # Errors
/// [`writ_model::ErrorKind::Conflict`] where there is a job of that id; the store's.
pub async fn submit(
    ports: &(impl PutJob + JobNotifier + Clock),
    submission: Submission,
) -> Result<Job, Error> {
    let state = enqueue(&submission);
    ports.put_job(&submission, &state).await?;
    try_notify(ports, &submission, &state).await;
    Ok(Job { submission, state, output: None })
}
