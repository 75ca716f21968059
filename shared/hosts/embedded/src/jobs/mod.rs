//! Jobs of the embedded deployment: the queue of signals, and the runners that process them.

mod queue;
mod runners;

pub use queue::SignalQueue;
pub(crate) use runners::{RunnerThreads, Runners};
