//! The platform's side of the processes: starting, limiting, asking, killing, burying them.

mod channel;
mod deadline;
mod ending;
mod launch;
pub(crate) mod reply_fuzz;
mod validate;
mod worker;
mod zygote;

pub(crate) use deadline::Deadline;
pub(crate) use worker::{RunError, Worker, cancelled};
pub(crate) use zygote::Zygote;
