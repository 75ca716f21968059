//! The platform's side of the processes: starting, limiting, asking, killing, burying them.

mod channel;
mod deadline;
mod ending;
pub(crate) mod hostile;
mod launch;
mod vet;
mod worker;
mod zygote;

pub(crate) use deadline::Deadline;
pub(crate) use worker::{Lost, Worker, cancelled};
pub(crate) use zygote::Zygote;
