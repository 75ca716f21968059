//! Heartbeats: a runner renews the lease of its job while the policy runs.

use writ_jobs::bounds::{FIRST_HEARTBEAT, HEARTBEAT};
use writ_jobs::{has_lapsed, renew_lease, start};
use writ_model::{JobStatus, Timestamp};

use crate::Ports;
use crate::leased_job::LeasedJob;

/// Renews the lease for as long as it is polled. Returns when the lease is lost: the job was
/// cancelled or leased by another runner, or the lease was not renewed in time.
pub(crate) async fn renew_until_lost<P: Ports>(leased_job: &LeasedJob<'_, P>, began: Timestamp) {
    let ports = leased_job.ports;
    let mut pause = FIRST_HEARTBEAT;
    loop {
        ports.sleep(pause).await;
        pause = HEARTBEAT;
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
        let renewal = match ports.change_job(&leased_job.submission, &next).await {
            Ok(true) => {
                *state = next;
                Ok(true)
            }
            Ok(false) => leased_job.refresh(&mut state).await,
            Err(error) => Err(error),
        };
        match renewal {
            Ok(true) => {}
            Ok(false) => return,
            // The store may answer again at the next heartbeat, unless that comes too late.
            Err(error) => {
                let job_id = &leased_job.submission.job_id;
                tracing::warn!(%job_id, %error, log = error.log, "a heartbeat was not written");
                if has_lapsed(&state, ports.now()) {
                    return;
                }
            }
        }
    }
}
