//! Schedules as pure functions: an [`Expression`] (`rate(...)`, `cron(...)`, `at(...)`) in a time
//! [`Zone`], between a start and an end ([`Timing`]); the decision about overdue fires ([`due`]);
//! and the transitions of a schedule's state ([`decide`], [`settle`], [`redefine`]).
//!
//! The semantics are those of Amazon EventBridge Scheduler ("Schedule types" in its user guide), so
//! that a schedule fires at the same instants on both. Where the guide is silent, the parser
//! accepts only the documented forms. [`Expression`] displays documented forms only, which mean the
//! same to EventBridge. Decisions of this crate beyond the guide are documented at the item, and in
//! `docs/schedules.md`.
//!
//! This crate reads no clock and does no I/O; the time zone database is compiled in. All work is
//! bounded: a search visits no more than the 2,760 months of the years 1970 to 2199.

mod at;
mod catch_up;
mod cron;
mod document;
mod error;
mod expression;
mod lifecycle;
mod rate;
mod rewind;
mod run_id;
mod timing;
mod zone;

pub use at::At;
pub use catch_up::{BACKLOG_MAX, DueFires, Fire, GRACE_MS, MissedFires, RUNS_MAX, due};
pub use cron::Cron;
pub use document::{ADDED, document};
pub use error::{ExpressionError, TimingError};
pub use expression::{EXPRESSION_LENGTH_MAX, Expression};
pub use lifecycle::{LAST_FIRES_MAX, decide, initial_state, redefine, settle, timing_of};
pub use rate::{RATE_MAX_DAYS, Rate, Unit};
pub use rewind::rewind;
pub use run_id::run_id;
pub use timing::{FLEXIBLE_WINDOW_MINUTES_MAX, Timing, TimingSpec};
pub use writ_model::CatchUp;
pub use zone::Zone;
