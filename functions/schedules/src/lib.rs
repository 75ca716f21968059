//! The routes of schedules, one file each.

mod create;
mod definition;
mod delete;
mod get;
mod list;
mod lookup;
mod query;
mod timer;
mod update;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

writ_edge::binary! {
    /// Records schedules and shows them.
    schedules = "schedules" serves [create, list, query, get, update, delete]
}
