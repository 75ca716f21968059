//! The store on the real embedded database: one suite, one binary.

#[cfg(test)]
mod executions;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod idempotency;
#[cfg(test)]
mod isolation;
#[cfg(test)]
mod policies;
#[cfg(test)]
mod queries;
#[cfg(test)]
mod tables;
#[cfg(test)]
mod tokens;

// By its path: the crate around it holds the whole platform with its engines, minutes of compiling
// that the store's tests do not need.
#[expect(unreachable_pub, reason = "public where it lives")]
#[path = "../../../embedded/src/dynamodb/mod.rs"]
mod dynamodb;
