//! Schedules: one file per route, and what is done at their fires.
//!
//! A schedule makes jobs. When it is due stands in its table; whoever is woken for it ([`tick`] by
//! a clock, [`wake_for`] by somebody who planned it) decides what to run, runs it and writes it
//! off. Each of the three may be repeated or cut off, by several at once, and no fire is lost or
//! made twice.

mod create;
mod definition;
mod delete;
mod event;
mod fire;
mod found;
mod get;
mod list;
mod members;
mod plan;
mod query;
mod target;
mod update;
mod wake;

#[cfg(test)]
mod memory;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

pub use event::Event;
pub use wake::{WakePorts, Woken, tick, wake_for};

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
