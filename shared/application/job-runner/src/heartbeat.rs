//! Beats: the runner is alive, and still holds its job.

use std::time::Duration;

use writ_jobs::bounds::{FIRST_HEARTBEAT_MS, HEARTBEAT_MS};
use writ_jobs::{has_lapsed, renew_lease, start};
use writ_model::{JobStatus, Timestamp};

use crate::Ports;
use crate::leased_job::LeasedJob;

/// Renews the lease for as long as it is polled. Comes back when the job is lost: cancelled,
/// another's, or not renewed in time.
pub(crate) async fn keep<P: Ports>(leased_job: &LeasedJob<'_, P>, began: Timestamp) {
    let ports = leased_job.ports;
    let mut pause = Duration::from_millis(FIRST_HEARTBEAT_MS);
    loop {
        ports.sleep(pause).await;
        pause = Duration::from_millis(HEARTBEAT_MS);
        let mut state = leased_job.state.lock().await;
        if state.job_status.is_final() || state.job_status == JobStatus::Queued {
            // The end is committed, and the lease with it; what is left to do needs none.
            drop(state);
            std::future::pending::<()>().await;
            return;
        }
        let now = ports.now();
        let next = match state.job_status {
            JobStatus::Admitted => start(&state, &leased_job.fencing_token, began, now),
            _ => renew_lease(&state, &leased_job.fencing_token, now),
        };
        let Ok(next) = next else { return };
        let held = match ports.change_job(&leased_job.submission, &next).await {
            Ok(true) => {
                *state = next;
                Ok(true)
            }
            Ok(false) => leased_job.refresh(&mut state).await,
            Err(error) => Err(error),
        };
        match held {
            Ok(true) => {}
            Ok(false) => return,
            // The store may be back for the next beat, unless that comes too late.
            Err(error) => {
                let job_id = &leased_job.submission.job_id;
                tracing::warn!(%job_id, %error, log = error.log, "a beat was not written");
                if has_lapsed(&state, ports.now()) {
                    return;
                }
            }
        }
    }
}
