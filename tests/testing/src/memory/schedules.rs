//! Schedules and their timers.

use writ_model::{Error, ErrorKind, LastFire, Schedule, Timestamp, Workspace};
use writ_ports::{
    CancelTimer, ChangeSchedule, DeleteSchedule, DueSchedules, DueSchedulesPage, GetSchedule, Page,
    PutSchedule, Query, QuerySchedules, ScheduleTimer,
};
use writ_schedules::document;

use super::jobs::due_page;
use super::query::{Entry, Listing};
use super::{MemoryPlatform, key};

/// A change of the timers that wake the scheduler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimerChange {
    /// The timers of this revision of a schedule were set.
    Set {
        /// The name of the schedule.
        name: String,
        /// The revision of the schedule.
        revision: u64,
    },
    /// The timers of a schedule were cancelled.
    Cancelled {
        /// The name of the schedule.
        name: String,
    },
}

impl MemoryPlatform {
    /// The schedule of this name.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn schedule(&self, workspace: &Workspace, name: &str) -> Schedule {
        let schedule = self.tables().schedules.get(&key(workspace, name)).cloned();
        schedule.unwrap_or_else(|| panic!("there is no schedule `{name}` in `{workspace}`"))
    }

    /// The newest fire of each change of a schedule that had a new one, in the order of the changes.
    #[must_use]
    pub fn fires(&self) -> Vec<LastFire> {
        self.tables().fires.clone()
    }

    /// The changes of timers, the oldest first.
    #[must_use]
    pub fn timers(&self) -> Vec<TimerChange> {
        self.tables().timers.clone()
    }
}

impl PutSchedule for MemoryPlatform {
    async fn put_schedule(&self, schedule: &Schedule) -> Result<(), Error> {
        let Schedule { workspace, name, .. } = schedule;
        let mut tables = self.enter("put_schedule", name).await?;
        let key = key(workspace, name);
        if tables.schedules.contains_key(&key) {
            let message = format!("there is a schedule `{name}` already");
            return Err(Error::new(ErrorKind::Conflict, message));
        }
        tables.schedules.insert(key, schedule.clone());
        Ok(())
    }
}

impl GetSchedule for MemoryPlatform {
    async fn get_schedule(
        &self,
        workspace: &Workspace,
        name: &str,
    ) -> Result<Option<Schedule>, Error> {
        Ok(self.enter("get_schedule", name).await?.schedules.get(&key(workspace, name)).cloned())
    }
}

impl ChangeSchedule for MemoryPlatform {
    async fn change_schedule(&self, schedule: &Schedule) -> Result<bool, Error> {
        let Schedule { workspace, name, schedule_id, state, .. } = schedule;
        let mut tables = self.enter("change_schedule", name).await?;
        let Some(stored) = tables.schedules.get_mut(&key(workspace, name)) else {
            return Ok(false);
        };
        if stored.schedule_id != *schedule_id || stored.state.version + 1 != state.version {
            return Ok(false);
        }
        let newest = state.last_fires.first();
        let is_new = newest != stored.state.last_fires.first();
        *stored = schedule.clone();
        tables.fires.extend(newest.filter(|_| is_new).cloned());
        Ok(true)
    }
}

impl DeleteSchedule for MemoryPlatform {
    async fn delete_schedule(&self, schedule: &Schedule) -> Result<bool, Error> {
        let Schedule { workspace, name, schedule_id, state, .. } = schedule;
        let mut tables = self.enter("delete_schedule", name).await?;
        let key = key(workspace, name);
        let stored = tables.schedules.get(&key).filter(|other| other.schedule_id == *schedule_id);
        match stored.map(|stored| stored.state.version) {
            // It is gone, or another one has its name.
            None => Ok(true),
            Some(version) if version != state.version => Ok(false),
            Some(_) => {
                tables.schedules.remove(&key);
                Ok(true)
            }
        }
    }
}

impl QuerySchedules for MemoryPlatform {
    async fn query_schedules(&self, workspace: &Workspace, query: &Query) -> Result<Page, Error> {
        let tables = self.enter("query_schedules", workspace.as_str()).await?;
        let own = tables.schedules.values().filter(|schedule| schedule.workspace == *workspace);
        let entry = |one: &Schedule| Ok(Entry::new(&one.name, &one.name, document(one)?));
        let entries = own.map(entry).collect::<Result<_, Error>>()?;
        Listing { name: "schedules", workspace, is_descending: false }.page(query, entries)
    }
}

impl DueSchedules for MemoryPlatform {
    async fn due_schedules(
        &self,
        before: Timestamp,
        next: Option<&str>,
    ) -> Result<DueSchedulesPage, Error> {
        let tables = self.enter("due_schedules", "").await?;
        let due = tables.schedules.values().filter_map(|one| {
            let id = format!("{}#{}", one.workspace, one.name);
            let due_at = one.state.due_at.filter(|due_at| *due_at <= before)?;
            Some((due_at, id, (one.workspace.clone(), one.name.clone())))
        });
        let (schedules, next) = due_page(due, next);
        Ok(DueSchedulesPage { schedules, next })
    }
}

impl ScheduleTimer for MemoryPlatform {
    async fn schedule_timer(&self, schedule: &Schedule) -> Result<(), Error> {
        let Schedule { name, revision, .. } = schedule.clone();
        self.enter("schedule_timer", &schedule.name)
            .await?
            .timers
            .push(TimerChange::Set { name, revision });
        Ok(())
    }
}

impl CancelTimer for MemoryPlatform {
    async fn cancel_timer(&self, _: &Workspace, name: &str) -> Result<(), Error> {
        let change = TimerChange::Cancelled { name: name.to_owned() };
        self.enter("cancel_timer", name).await?.timers.push(change);
        Ok(())
    }
}
