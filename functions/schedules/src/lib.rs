//! The routes of schedules, one file each.

mod create;
mod definition;
mod delete;
mod found;
mod get;
mod list;
mod query;
mod timer;
mod update;

#[cfg(test)]
mod memory;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

use writ_pipeline::HasPolicyCache;
use writ_ports::{
    ChangeSchedule, Clock, DeleteSchedule, GetBody, GetPolicy, GetSchedule, Ids, PutSchedule,
    QuerySchedules, ScheduleTimer, SendCallback,
};

writ_edge::binary! {
    /// Records schedules and shows them.
    schedules = "schedules"
        needs [
            SendCallback, ChangeSchedule, Clock, DeleteSchedule, GetBody, GetPolicy, GetSchedule, Ids,
            ScheduleTimer, PutSchedule, QuerySchedules, HasPolicyCache,
        ]
        serves [create, list, query, get, update, delete]
}
