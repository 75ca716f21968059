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
    /// Records schedules, after workers have applied the schemas of their policies.
    schedules_write = "schedules-write" serves [create, update]
}

writ_edge::binary! {
    /// Shows schedules and removes them.
    schedules = "schedules" serves [list, query, get, delete]
}
