//! A job's life as a pure state machine: leases, fences, attempts, callbacks.
//!
//! Every function takes how a job stands and gives how it stands next, or says why it does not
//! move. Whoever calls one writes the answer under the condition that the version it read is still
//! there, so of two that move a job at once one begins again. Time and chance come in as arguments.
//!
//! ```text
//! queued -> admitted -> running -> completed | failed | timed_out
//!    ^         |           |
//!    +---------+-----------+   a runner was lost, or the attempt may be repeated
//! queued | admitted | running -> cancelled
//! failed | cancelled | timed_out -> queued   by a retry
//! ```

mod again;
mod backoff;
mod begin;
pub mod bounds;
mod callback;
mod document;
mod due;
mod end;
mod lease;
mod line;
mod new_job;
mod refusal;
mod remembered;
mod stop;

pub use again::retry;
pub use backoff::backoff_ms;
pub use begin::queued;
pub use callback::{Delivery, called_back, claim_callback};
pub use document::{Position, document};
pub use due::{Due, announced, due};
pub use end::{Ended, expired, finished, given_back};
pub use lease::{Grant, Runner, beat, has_lapsed, leased, running};
pub use line::rank;
pub use new_job::{NewJob, NewJobBody, Submitter};
pub use refusal::{Fenced, Refusal};
pub use stop::cancelled;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod life;
