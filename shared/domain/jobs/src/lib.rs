//! The life cycle of jobs as a pure state machine: leases, fencing tokens, attempts and callbacks.
//!
//! Each transition takes the state of a job and returns its next state, or an error. The caller
//! writes it on the condition that the stored version is the one that it read, so of two concurrent
//! transitions one fails and is repeated. Time and random numbers are arguments.
//!
//! ```text
//! queued -> admitted -> running -> completed | failed | timed_out
//!    ^         |           |
//!    +---------+-----------+   a runner was lost, or the attempt may be repeated
//! queued | admitted | running -> cancelled
//! failed | cancelled | timed_out -> queued   by a retry
//! ```

mod backoff;
pub mod bounds;
mod callback;
mod cancel;
mod complete;
mod document;
mod due;
mod enqueue;
mod lease;
mod new_job;
mod queue;
mod retry;
mod transition_error;
mod truncate_error;

pub use backoff::backoff;
pub use callback::{Delivery, claim_callback, record_delivery};
pub use cancel::cancel;
pub use complete::{AttemptEnd, complete, expire, release};
pub use document::{QueuePosition, document};
pub use due::{DueAction, due, record_notification};
pub use enqueue::enqueue;
pub use lease::{LeaseRequest, Runner, has_lapsed, lease, renew_lease, start};
pub use new_job::{NewJob, NewJobBody, Submitter};
pub use queue::queue_key;
pub use retry::{retry, retry_once};
pub use transition_error::{LeaseLost, TransitionError};

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod lifecycle;
