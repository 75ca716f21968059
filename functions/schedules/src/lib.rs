//! The routes of schedules, one file each.

mod create;
mod definition;
mod delete;
mod found;
mod get;
mod list;
mod plan;
mod query;
mod update;

#[cfg(test)]
mod memory;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

use writ_pipeline::Shelved;
use writ_ports::{
    CallBack, ChangeSchedule, Clock, DeleteSchedule, GetBody, GetPolicy, GetSchedule, Ids,
    PlanFires, PutSchedule, QuerySchedules,
};

writ_edge::binary! {
    /// Records schedules and shows them.
    calendar = "schedules"
        needs [
            CallBack, ChangeSchedule, Clock, DeleteSchedule, GetBody, GetPolicy, GetSchedule, Ids,
            PlanFires, PutSchedule, QuerySchedules, Shelved,
        ]
        serves [create, list, query, get, update, delete]
}
