//! The test kit of the workspace: what the tests of several crates need, once.
//!
//! - [`MemoryPlatform`] implements the ports in memory. Its fault hooks make calls fail, yield, or
//!   let another writer act right before a call.
//! - [`builders`] make policies, records, jobs, schedules, tokens and requests with defaults that a
//!   test overrides with `..` syntax.
//! - [`ManualClock`] and [`SeededIds`] replace the clock and the random numbers.
//! - [`oidc`] is an identity provider: keys of every family, tokens good and bad, an HTTP server.
//! - [`contract`] holds what every implementation of the ports must do; [`port_contract!`] runs it.
//!
//! Cargo builds a crate a second time for its own unit tests. The types of `writ-edge` and
//! `writ-pipeline` that this kit uses are therefore not those of these crates' unit tests; the
//! types of `writ-model` and `writ-ports` are the same everywhere but in these two crates.

#![expect(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that fails by panicking is a test that fails"
)]

pub mod builders;
mod clock;
pub mod contract;
mod ids;
mod memory;
pub mod oidc;
mod receiver;

pub use builders::{START, at};
pub use clock::ManualClock;
pub use ids::SeededIds;
pub use memory::{Answer, KEPT_REPLY_S, LAPSE_MS, MemoryPlatform, REDRIVE_STEP, TimerChange};
pub use receiver::{CallbackReceiver, Delivery, PRIVATE_URL};
