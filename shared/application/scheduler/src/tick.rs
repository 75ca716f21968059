//! Waking up for schedules: what is due is decided, run and written off.

use writ_model::{Error, LastFire, Schedule, Timestamp, Workspace};
use writ_pipeline::HasPolicyCache;
use writ_ports::{
    CancelTimer, ChangeSchedule, Clock, DueSchedules, GetBody, GetJob, GetPolicy, GetSchedule,
    JobNotifier, PutJob, SendCallback, ports,
};
use writ_schedules::{decide, settle, timing_of};

use crate::fire::fire;

ports! {
    /// What running the due fires of one schedule needs.
    pub trait SchedulePorts = ChangeSchedule + Clock + GetBody + GetJob + GetPolicy + GetSchedule
        + HasPolicyCache + JobNotifier + PutJob + SendCallback;
}

ports! {
    /// What a tick needs.
    pub trait TickPorts = DueSchedules + SchedulePorts;
}

ports! {
    /// What answering a timer needs.
    pub trait TimerPorts = CancelTimer + SchedulePorts;
}

ports! {
    /// What a program that ticks and answers timers needs.
    pub trait Ports = TickPorts + TimerPorts;
}

/// A tick begins no schedule later than this after its start: the rest waits for the next one.
const TICK_US_MAX: u64 = 20_000_000;

/// Steps of one wake-up at most; each decides or settles up to a hundred fires.
const STEPS_MAX: usize = 16;

/// What was done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TickReport {
    /// Fires that were run, with whatever came of them.
    pub fired: u64,
    /// Schedules that could not be dealt with; they are due still.
    pub failed: u64,
    /// There is more to do at once.
    pub more: bool,
}

/// Does what is due of all schedules, for twenty seconds and one schedule at most. Two ticks at once
/// do no harm.
///
/// # Errors
/// The store's, reading what is due.
pub async fn tick(ports: &impl TickPorts) -> Result<TickReport, Error> {
    let begun = ports.ticks_us();
    let (mut next, mut report) = (None, TickReport::default());
    loop {
        let page = ports.due_schedules(ports.now(), next.as_deref()).await?;
        for (workspace, name) in &page.schedules {
            if ports.ticks_us().saturating_sub(begun) >= TICK_US_MAX {
                return Ok(TickReport { more: true, ..report });
            }
            match run_due_schedules(ports, workspace, name, None).await {
                Ok(one) => {
                    report.fired += one.fired;
                    report.more |= one.more;
                }
                Err(error) => {
                    report.failed += 1;
                    let log = error.log.as_deref();
                    tracing::error!(%workspace, schedule = name, %error, log, "a schedule is stuck");
                }
            }
        }
        next = page.next;
        if next.is_none() {
            return Ok(report);
        }
    }
}

/// Does what is due of one schedule, as somebody says who was to wake us for its fire `hinted`. One
/// that is not there any more is forgotten.
///
/// # Errors
/// The store's: what was decided is still to be done.
pub async fn run_due_schedule(
    ports: &impl TimerPorts,
    workspace: &Workspace,
    name: &str,
    hinted: Timestamp,
) -> Result<TickReport, Error> {
    if ports.get_schedule(workspace, name).await?.is_none() {
        ports.cancel_timer(workspace, name).await?;
        return Ok(TickReport::default());
    }
    run_due_schedules(ports, workspace, name, Some(hinted)).await
}

/// Does what is due of one schedule.
async fn run_due_schedules(
    ports: &impl SchedulePorts,
    workspace: &Workspace,
    name: &str,
    hinted: Option<Timestamp>,
) -> Result<TickReport, Error> {
    let mut report = TickReport::default();
    for _ in 0..STEPS_MAX {
        let Some(schedule) = ports.get_schedule(workspace, name).await? else { return Ok(report) };
        // It was understood when it was written.
        let timing =
            timing_of(&schedule.definition, schedule.created_at).map_err(Error::internal)?;
        let state = if schedule.state.firing.is_empty() {
            match decide(&schedule, &timing, ports.now(), hinted) {
                None => return Ok(report),
                Some(state) => state,
            }
        } else {
            let fires = run(ports, &schedule).await?;
            report.fired += fires.len() as u64;
            settle(&schedule, &timing, fires)
        };
        // Where somebody else has moved it on meanwhile, it is looked at again.
        ports.change_schedule(&Schedule { state, ..schedule }).await?;
    }
    Ok(TickReport { more: true, ..report })
}

/// Runs what was decided, the oldest first.
async fn run(ports: &impl SchedulePorts, schedule: &Schedule) -> Result<Vec<LastFire>, Error> {
    let mut fires = Vec::with_capacity(schedule.state.firing.len());
    for at in &schedule.state.firing {
        fires.push(fire(ports, schedule, *at).await?);
    }
    Ok(fires)
}
