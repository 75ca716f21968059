//! The store on the real embedded database: one suite, one binary.

#[cfg(test)]
mod contexts;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod executions;
#[cfg(test)]
mod expiry;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod grants;
#[cfg(test)]
mod idempotency;
#[cfg(test)]
mod interleave;
#[cfg(test)]
mod isolation;
#[cfg(test)]
mod job;
#[cfg(test)]
mod job_completion;
#[cfg(test)]
mod job_queries;
#[cfg(test)]
mod job_queue;
#[cfg(test)]
mod job_races;
#[cfg(test)]
mod jobs;
#[cfg(test)]
mod policies;
#[cfg(test)]
mod queries;
#[cfg(test)]
mod schedules;
#[cfg(test)]
mod script;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tables;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod uploads;

/// Calls every operation that the port can make the watched store perform, in the module of the
/// port's resource. Returns whether a module has the port; those that no module has are in
/// `grants`.
#[cfg(test)]
async fn exercise(
    port: &str,
    watched: &writ_store::Store,
    quiet: &writ_store::Store,
    home: &writ_model::Workspace,
) -> bool {
    schedules::exercise(port, watched, quiet, home).await
}
