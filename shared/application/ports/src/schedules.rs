//! Schedules: their definitions and states, and their timers.

use std::future::Future;

use writ_model::{Error, Schedule, Timestamp, Workspace};

use crate::{Page, Query};

/// Writes new schedules to the store.
pub trait PutSchedule: Send + Sync {
    /// Writes the new schedule.
    ///
    /// # Errors
    /// [`writ_model::ErrorKind::Conflict`] where the workspace has one of that name; the store's.
    fn put_schedule(&self, schedule: &Schedule) -> impl Future<Output = Result<(), Error>> + Send;
}

crate::port!(PutSchedule);

/// Reads a schedule by name.
pub trait GetSchedule: Send + Sync {
    /// The schedule, read consistently; `None` where there is none of that name.
    ///
    /// # Errors
    /// The store's.
    fn get_schedule(
        &self,
        workspace: &Workspace,
        name: &str,
    ) -> impl Future<Output = Result<Option<Schedule>, Error>> + Send;
}

crate::port!(GetSchedule);

/// Writes the states and revisions of schedules.
pub trait ChangeSchedule: Send + Sync {
    /// Writes the schedule, if the stored one has the same id and the version before. Returns whether
    /// it had.
    ///
    /// # Errors
    /// The store's.
    fn change_schedule(
        &self,
        schedule: &Schedule,
    ) -> impl Future<Output = Result<bool, Error>> + Send;
}

crate::port!(ChangeSchedule);

/// Removes schedules from the store.
pub trait DeleteSchedule: Send + Sync {
    /// Removes the schedule, if the stored one has this version. Returns whether it is gone.
    ///
    /// # Errors
    /// The store's.
    fn delete_schedule(
        &self,
        schedule: &Schedule,
    ) -> impl Future<Output = Result<bool, Error>> + Send;
}

crate::port!(DeleteSchedule);

/// Searches a workspace's schedules.
pub trait QuerySchedules: Send + Sync {
    /// One page of schedules, as `writ_schedules::document` gives them; without a sort by name.
    ///
    /// # Errors
    /// As [`crate::QueryPolicies::query_policies`].
    fn query_schedules(
        &self,
        workspace: &Workspace,
        query: &Query,
    ) -> impl Future<Output = Result<Page, Error>> + Send;
}

crate::port!(QuerySchedules);

/// Some of the schedules that are due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DueSchedulesPage {
    /// Workspace and name, of all workspaces.
    pub schedules: Vec<(Workspace, String)>,
    /// The token of the next page; `None` at the end.
    pub next: Option<String>,
}

/// Finds due schedules in all workspaces, for the tick.
pub trait DueSchedules: Send + Sync {
    /// Schedules that are due at or before `before`, a page of them.
    ///
    /// # Errors
    /// The store's.
    fn due_schedules(
        &self,
        before: Timestamp,
        next: Option<&str>,
    ) -> impl Future<Output = Result<DueSchedulesPage, Error>> + Send;
}

crate::port!(DueSchedules);

/// Sets the timers that call the platform when a schedule fires.
///
/// A timer is a signal: what is due stands in the table, and a call without anything due does
/// nothing. A timer that is lost or out of date makes fires less punctual, no more.
pub trait ScheduleTimer: CancelTimer {
    /// Sets the timer to the next fires of the schedule, or cancels it where no fire is to come.
    ///
    /// # Errors
    /// The timer service's.
    fn schedule_timer(&self, schedule: &Schedule)
    -> impl Future<Output = Result<(), Error>> + Send;
}

crate::port!(ScheduleTimer);

/// Cancels the timers that [`trait@ScheduleTimer`] set.
pub trait CancelTimer: Send + Sync {
    /// Cancels the timer of a schedule that was removed.
    ///
    /// # Errors
    /// The timer service's. A timer that does not exist is no error.
    fn cancel_timer(
        &self,
        workspace: &Workspace,
        name: &str,
    ) -> impl Future<Output = Result<(), Error>> + Send;
}

crate::port!(CancelTimer);
