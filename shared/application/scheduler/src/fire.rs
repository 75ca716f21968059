//! One fire: the job that it makes.

use std::time::Duration;

use writ_job_control::submit;
use writ_jobs::Submitter;
use writ_model::{
    Cause, Error, ErrorKind, FireOutcome, LastFire, PrincipalKind, Schedule, Timestamp,
};
use writ_pipeline::LoadPolicy;
use writ_ports::{Clock, GetJob, JobNotifier, PutJob, SendCallback, ValidateDocuments};
use writ_schedules::run_id;

use crate::target::Target;

/// A fire that meets a transient error is tried again for so long, then it has failed.
const RETRY_WINDOW: Duration = Duration::from_secs(15 * 60);

/// Makes the job of the fire `at`, or returns the fire as failed. It may be repeated: there is one
/// job, with an id that is derived from the fire.
///
/// # Errors
/// The platform's: the fire is still to be made.
pub(crate) async fn fire(
    ports: &(impl JobNotifier + SendCallback + Clock + GetJob + PutJob + LoadPolicy + ValidateDocuments),
    schedule: &Schedule,
    at: Timestamp,
) -> Result<LastFire, Error> {
    let job_id = run_id(&schedule.workspace, &schedule.schedule_id, at);
    let result = submit_job(ports, schedule, &job_id).await;
    let fired_at = ports.now();
    let last_fire = |outcome, job_id, error| LastFire {
        scheduled_for: at,
        fired_at,
        outcome,
        job_id,
        error,
        missed_count: None,
        missed_from: None,
    };
    let submitted = |job_id| last_fire(FireOutcome::Submitted, Some(job_id), None);
    let Err(error) = result else { return Ok(submitted(job_id)) };
    // An earlier try of this fire may have come as far as its job.
    if ports.get_job(&schedule.workspace, &job_id).await?.is_some() {
        return Ok(submitted(job_id));
    }
    let since = schedule.state.firing_since.unwrap_or(fired_at);
    if is_transient(error.kind) && fired_at - since < RETRY_WINDOW {
        return Err(error);
    }
    let (name, log) = (&schedule.name, error.log.as_deref());
    tracing::warn!(schedule = %name, %at, %error, log, "a fire of a schedule made no job");
    Ok(last_fire(FireOutcome::Failed, None, Some(error)))
}

async fn submit_job(
    ports: &(impl JobNotifier + SendCallback + Clock + PutJob + LoadPolicy + ValidateDocuments),
    schedule: &Schedule,
    job_id: &str,
) -> Result<(), Error> {
    let now = ports.now();
    let target = Target::of(&schedule.name, &schedule.definition.target, now)?;
    let mask = schedule.extend_mask(target.validate(ports, &schedule.workspace).await?);
    let submitter = Submitter {
        workspace: schedule.workspace.clone(),
        identity: schedule.identity.clone(),
        principal_kind: PrincipalKind::Schedule,
        on_behalf_of: schedule.on_behalf_of.clone(),
        cause: Cause::Schedule,
        schedule: Some(schedule.name.clone()),
        idempotency_key: None,
        trace_id: None,
    };
    let Target { job, executor_id, .. } = target;
    let submission = job.into_submission(submitter, job_id.to_owned(), executor_id, mask, now);
    submit(ports, submission).await.map(drop)
}

/// Whether the next try may succeed.
fn is_transient(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Internal
            | ErrorKind::ExecutorFault
            | ErrorKind::Unavailable
            | ErrorKind::TimedOut
            | ErrorKind::Limited
            | ErrorKind::Conflict
    )
}
