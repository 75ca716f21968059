//! The platform's side of the worker processes: start, limits, requests, kill and reaping.

mod channel;
mod deadline;
mod exit_status;
mod launch;
mod purpose;
pub(crate) mod reply_fuzz;
mod validate;
mod worker;
mod zygote;

pub(crate) use deadline::Deadline;
pub(crate) use purpose::Purpose;
pub(crate) use worker::{RunError, StartError, Worker, cancellation_failure};
pub(crate) use zygote::Zygote;
