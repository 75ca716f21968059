//! Jobs at home: the queue of hints, and the runners that take them.

mod queue;
mod runners;

pub use queue::Queue;
pub(crate) use runners::Runners;
