//! When a schedule fires: [`Expression`] (`rate(...)`, `cron(...)`, `at(...)`) in a time [`Zone`],
//! between a start and an end ([`Timing`]), and what becomes of fires that nobody was awake for
//! ([`due`]); and how a schedule goes on by that ([`decided`], [`settled`], [`replaced`]).
//!
//! Semantics are those of Amazon EventBridge Scheduler ("Schedule types" in its user guide), so
//! that a schedule fires at the same instants there and here. Where the guide is silent we accept
//! only what it documents, and print only what it documents: what [`Expression`] prints means to
//! EventBridge what it means here. What we chose ourselves is said where it is done, and in
//! `docs/schedules.md`.
//!
//! Nothing here reads a clock or does I/O; the time zones are compiled in. All work is bounded:
//! a search looks at no more than the 2,760 months of the years 1970 to 2199.

mod at;
mod catch_up;
mod cron;
mod document;
mod error;
mod expression;
mod life;
mod rate;
mod run_id;
mod timing;
mod zone;

pub use at::At;
pub use catch_up::{BACKLOG_MAX, DueFires, Fire, GRACE_MS, MissedFires, RUNS_MAX, due};
pub use cron::Cron;
pub use document::{ADDED, document};
pub use error::{ExpressionError, TimingError};
pub use expression::{EXPRESSION_LENGTH_MAX, Expression};
pub use life::{LAST_FIRES_MAX, begun, decided, replaced, settled, timing_of};
pub use rate::{RATE_MAX_DAYS, Rate, Unit};
pub use run_id::run_id;
pub use timing::{FLEXIBLE_WINDOW_MINUTES_MAX, Timing, TimingSpec};
pub use writ_model::CatchUp;
pub use zone::Zone;
