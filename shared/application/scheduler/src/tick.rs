//! The tick: decides which fires of all schedules are due, makes their jobs and records the results.

use writ_model::{Error, LastFire, Schedule, Timestamp, Workspace};
use writ_pipeline::LoadPolicy;
use writ_ports::{
    CancelTimer, ChangeSchedule, Clock, DueSchedules, GetJob, GetSchedule, JobNotifier, PutJob,
    SendCallback, ValidateDocuments, ports,
};
use writ_schedules::{decide, rewind, settle, timing_of};

use crate::ClockWatch;
use crate::fire::fire;

ports! {
    /// What running the due fires of one schedule needs.
    pub trait SchedulePorts = ChangeSchedule + Clock + GetJob + GetSchedule + JobNotifier + LoadPolicy
        + PutJob + SendCallback + ValidateDocuments;
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

/// The year 9999: every schedule that may fire is due before.
const END_OF_TIME: Timestamp = Timestamp::from_ms(253_402_300_000_000);

/// A tick begins no schedule later than this after its start: the rest waits for the next one.
const TICK_US_MAX: u64 = 20_000_000;

/// Steps for one schedule in one tick at most; each decides or settles up to a hundred fires.
const STEPS_MAX: usize = 16;

/// What a tick did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TickReport {
    /// Fires that were processed, whether they made a job or failed.
    pub fired: u64,
    /// Schedules that met an error; they are still due.
    pub failed: u64,
    /// Whether more is due already.
    pub more: bool,
}

/// Processes what is due of all schedules, for twenty seconds and one schedule at most. Two ticks at
/// the same time do no harm.
///
/// # Errors
/// The store's, reading what is due.
pub async fn tick(ports: &impl TickPorts) -> Result<TickReport, Error> {
    process_due(ports, || ports.now()).await
}

/// As [`tick`]. Where the clock was set back since the tick before, as `watch` tells, it checks all
/// schedules: those that were changed while the clock was ahead are due only when that time has come.
///
/// # Errors
/// As [`tick`].
pub async fn tick_with(ports: &impl TickPorts, watch: &ClockWatch) -> Result<TickReport, Error> {
    let now = ports.now();
    if !watch.was_set_back(now) {
        let report = tick(ports).await?;
        watch.observe(now);
        return Ok(report);
    }
    let report = process_due(ports, || END_OF_TIME).await?;
    // A pass that was cut off begins again.
    if !report.more {
        watch.restart_at(now);
    }
    Ok(report)
}

async fn process_due(
    ports: &impl TickPorts,
    before: impl Fn() -> Timestamp + Send,
) -> Result<TickReport, Error> {
    let start = ports.ticks_us();
    let (mut next, mut report) = (None, TickReport::default());
    loop {
        let page = ports.due_schedules(before(), next.as_deref()).await?;
        for (workspace, name) in &page.schedules {
            if ports.ticks_us().saturating_sub(start) >= TICK_US_MAX {
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

/// Processes what is due of one schedule, when its timer goes off for the fire `scheduled_for`. The
/// timer of a schedule that was deleted is cancelled.
///
/// # Errors
/// The store's: the fires that were decided are still to be made.
pub async fn run_due_schedule(
    ports: &impl TimerPorts,
    workspace: &Workspace,
    name: &str,
    scheduled_for: Timestamp,
) -> Result<TickReport, Error> {
    if ports.get_schedule(workspace, name).await?.is_none() {
        ports.cancel_timer(workspace, name).await?;
        return Ok(TickReport::default());
    }
    run_due_schedules(ports, workspace, name, Some(scheduled_for)).await
}

/// Processes what is due of one schedule.
async fn run_due_schedules(
    ports: &impl SchedulePorts,
    workspace: &Workspace,
    name: &str,
    scheduled_for: Option<Timestamp>,
) -> Result<TickReport, Error> {
    let mut report = TickReport::default();
    for _ in 0..STEPS_MAX {
        let Some(schedule) = ports.get_schedule(workspace, name).await? else { return Ok(report) };
        if let Some(schedule) = rewind(&schedule, ports.now()) {
            tracing::warn!(%workspace, schedule = name, "the clock was ahead; the schedule goes on");
            ports.change_schedule(&schedule).await?;
            continue;
        }
        // The definition was validated when it was written.
        let timing =
            timing_of(&schedule.definition, schedule.created_at).map_err(Error::internal)?;
        let state = if schedule.state.firing.is_empty() {
            match decide(&schedule, &timing, ports.now(), scheduled_for) {
                None => return Ok(report),
                Some(state) => state,
            }
        } else {
            let fires = fire_all(ports, &schedule).await?;
            report.fired += fires.len() as u64;
            settle(&schedule, &timing, fires)
        };
        // A write that is lost means that another tick was faster: the schedule is read again.
        ports.change_schedule(&Schedule { state, ..schedule }).await?;
    }
    Ok(TickReport { more: true, ..report })
}

/// Makes the fires that were decided, the oldest first.
async fn fire_all(ports: &impl SchedulePorts, schedule: &Schedule) -> Result<Vec<LastFire>, Error> {
    let mut fires = Vec::with_capacity(schedule.state.firing.len());
    for at in &schedule.state.firing {
        fires.push(fire(ports, schedule, *at).await?);
    }
    Ok(fires)
}
