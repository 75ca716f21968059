//! Delivery of the callback that reports a job's end.

use serde::Serialize;
use writ_jobs::{Delivery, claim_callback, record_delivery};
use writ_model::{Error, Job, JobStatus, PolicyUri, RawJson, Timestamp, Workspace};
use writ_ports::{CallbackRequest, DeliveryResult, SEED_BITS};

use crate::{Ports, SignalOutcome};

/// A larger output is left out: the receiver reads the job to get it.
const OUTPUT_BYTES_MAX: usize = 128 << 10;

/// The body of the callback.
#[derive(Serialize)]
struct Message<'a> {
    #[serde(rename = "type")]
    kind: String,
    timestamp: Option<Timestamp>,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    job_id: &'a str,
    name: &'a str,
    job_status: JobStatus,
    policy_rule_uri: &'a PolicyUri,
    job_output_data: Option<&'a RawJson>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_output_left_out: bool,
    error: Option<&'a Error>,
    attempts_made: u32,
    submitted_at: Timestamp,
    finished_at: Option<Timestamp>,
}

/// Delivers the job's callback, if that is due and no other runner has claimed it.
///
/// # Errors
/// The store's: the callback may have been sent, and will be sent again.
pub(crate) async fn deliver_callback<P: Ports>(
    ports: &P,
    workspace: &Workspace,
    job_id: &str,
) -> Result<SignalOutcome, Error> {
    let Some(job) = ports.get_job(workspace, job_id).await? else { return Ok(SignalOutcome::Idle) };
    let Some(claimed) = claim_callback(&job.state, ports.now()) else {
        return Ok(SignalOutcome::Idle);
    };
    if !ports.change_job(&job.submission, &claimed).await? {
        return Ok(SignalOutcome::Idle);
    }
    let job = Job { state: claimed, ..job };
    let delivery = send(ports, &job).await?;
    let Some(state) = record_delivery(&job.state, delivery) else { return Ok(SignalOutcome::Idle) };
    // A write that is lost means that the job was retried meanwhile: its callback is void.
    ports.change_job(&job.submission, &state).await?;
    Ok(SignalOutcome::CallbackSent)
}

async fn send<P: Ports>(ports: &P, job: &Job) -> Result<Delivery, Error> {
    let Job { submission, state, output } = job;
    let message = Message {
        kind: format!("job.{}", state.job_status),
        timestamp: state.finished_at,
        data: Data {
            job_id: &submission.job_id,
            name: &submission.name,
            job_status: state.job_status,
            policy_rule_uri: &submission.policy_rule_uri,
            job_output_data: output.as_ref().filter(|output| is_sent(output)),
            is_output_left_out: output.as_ref().is_some_and(|output| !is_sent(output)),
            error: state.error.as_ref(),
            attempts_made: state.attempts_made,
            submitted_at: submission.submitted_at,
            finished_at: state.finished_at,
        },
    };
    let body = serde_json::to_string(&message).map_err(Error::internal)?;
    let secrets = writ_job_control::current_secrets(ports, &submission.workspace).await?;
    let now = ports.now();
    let callback = state.callback.as_ref();
    let result = ports
        .send_callback(CallbackRequest {
            url: submission.callback_url.as_deref().unwrap_or_default(),
            callback_id: callback.map_or("", |callback| &callback.callback_id),
            now,
            body: &body,
            secrets: &secrets,
            tries: callback.map_or(0, |callback| callback.tries),
            jitter: jitter(ports.seed()),
        })
        .await;
    Ok(match result {
        DeliveryResult::Delivered => Delivery::Delivered,
        DeliveryResult::Failed { reason, again_in: None } => Delivery::GivenUp { reason },
        DeliveryResult::Failed { reason, again_in: Some(pause) } => {
            Delivery::Again { reason, at: ports.now() + pause }
        }
    })
}

/// A random number out of all of `u64`, from a seed, which has fewer bits.
fn jitter(seed: u64) -> u64 {
    seed << (u64::BITS - SEED_BITS)
}

fn is_sent(output: &RawJson) -> bool {
    output.as_str().len() <= OUTPUT_BYTES_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_jitter_of_a_callback_spreads_over_all_of_its_range() {
        let seeds = [0, 1, 1 << (SEED_BITS - 1), (1 << SEED_BITS) - 1];
        assert_eq!(seeds.map(jitter), [0, 1 << 11, 1 << 63, u64::MAX - (1 << 11) + 1]);
    }
}
