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

mod retry;
mod backoff;
mod enqueue;
pub mod bounds;
mod callback;
mod document;
mod due;
mod complete;
mod lease;
mod queue;
mod new_job;
mod transition_error;
mod truncate_error;
mod cancel;

pub use retry::retry;
pub use backoff::backoff_ms;
pub use enqueue::queued;
pub use callback::{Delivery, called_back, claim_callback};
pub use document::{QueuePosition, document};
pub use due::{DueAction, announced, due};
pub use complete::{AttemptEnd, expired, finished, given_back};
pub use lease::{LeaseRequest, Runner, renew_lease, has_lapsed, leased, running};
pub use queue::queue_key;
pub use new_job::{NewJob, NewJobBody, Submitter};
pub use transition_error::{LeaseLost, TransitionError};
pub use cancel::cancelled;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod lifecycle;
