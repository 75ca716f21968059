//! One fire: the job that it makes.

use writ_job_runner::notify;
use writ_jobs::{Submitter, enqueue};
use writ_model::{Cause, Error, ErrorKind, FireOutcome, Job, LastFire, Schedule, Timestamp};
use writ_pipeline::HasPolicyCache;
use writ_ports::{Clock, GetBody, GetJob, GetPolicy, JobNotifier, PutJob, SendCallback};
use writ_schedules::run_id;

use crate::target::Target;

/// What kind of principal submits a schedule's jobs.
const PRINCIPAL_KIND: &str = "schedule";

/// What the platform cannot do is tried again this long, then the fire has failed.
const PATIENCE_MS: i64 = 15 * 60_000;

/// Makes the job of the fire `at`, or says why there is none. However often this is done, there is
/// one job: its id is drawn from the fire.
///
/// # Errors
/// The platform's: the fire is still to be made.
pub(crate) async fn fire(
    ports: &(
         impl JobNotifier + SendCallback + Clock + GetBody + GetJob + GetPolicy + PutJob + HasPolicyCache
     ),
    schedule: &Schedule,
    at: Timestamp,
) -> Result<LastFire, Error> {
    let job_id = run_id(&schedule.workspace, &schedule.schedule_id, at);
    let made = make(ports, schedule, &job_id).await;
    let fired_at = ports.now();
    let done = |outcome, job_id, error| LastFire {
        scheduled_for: at,
        fired_at,
        outcome,
        job_id,
        error,
        missed_count: None,
        missed_from: None,
    };
    let Err(error) = made else { return Ok(done(FireOutcome::Submitted, Some(job_id), None)) };
    // Whoever made this fire before may have come as far as its job.
    if ports.get_job(&schedule.workspace, &job_id).await?.is_some() {
        return Ok(done(FireOutcome::Submitted, Some(job_id), None));
    }
    let since = schedule.state.firing_since.unwrap_or(fired_at);
    let waited = fired_at.as_ms().saturating_sub(since.as_ms());
    if is_passing(error.kind) && waited < PATIENCE_MS {
        return Err(error);
    }
    let (name, log) = (&schedule.name, error.log.as_deref());
    tracing::warn!(schedule = %name, %at, %error, log, "a fire of a schedule made no job");
    Ok(done(FireOutcome::Failed, None, Some(error)))
}

async fn make(
    ports: &(impl JobNotifier + SendCallback + Clock + GetBody + GetPolicy + PutJob + HasPolicyCache),
    schedule: &Schedule,
    job_id: &str,
) -> Result<(), Error> {
    let now = ports.now();
    let target = Target::of(&schedule.name, &schedule.definition.target, now)?;
    let mask = target.vetted(ports, &schedule.workspace).await?;
    let submitter = Submitter {
        workspace: schedule.workspace.clone(),
        identity: schedule.identity.clone(),
        principal_kind: PRINCIPAL_KIND.to_owned(),
        on_behalf_of: schedule.on_behalf_of.clone(),
        cause: Cause::Schedule,
        schedule: Some(schedule.name.clone()),
        idempotency_key: None,
        trace_id: None,
    };
    let Target { new, executor_id, .. } = target;
    let submission = new.into_submission(submitter, job_id.to_owned(), &executor_id, mask, now);
    let state = enqueue(&submission);
    ports.put_job(&submission, &state).await?;
    let job = Job { submission, state, output: None };
    if let Err(error) = notify(ports, &job.submission, &job.state).await {
        let log = error.log.as_deref();
        tracing::warn!(%error, log, "the runners were not told of a job; the sweep will tell them");
    }
    Ok(())
}

/// Whether it may be gone at the next try.
fn is_passing(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Internal
            | ErrorKind::Unavailable
            | ErrorKind::TimedOut
            | ErrorKind::Limited
            | ErrorKind::Conflict
    )
}
