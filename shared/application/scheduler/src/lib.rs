//! Fires schedules: decides what is due, makes the jobs and records what came of them.
//!
//! A schedule makes jobs. When it is due stands in its table; whoever is woken for it ([`tick`] by
//! a clock, [`run_due_schedule`] by somebody who planned it) decides what to run, runs it and writes it
//! off. Each of the three may be repeated or cut off, by several at once, and no fire is lost or
//! made twice.

mod event;
mod fire;
mod members;
mod target;
mod tick;

pub use event::Event;
pub use members::{Members, below};
pub use target::{TARGET_BYTES_MAX, Target};
pub use tick::{Ports, SchedulePorts, TickPorts, TickReport, TimerPorts, run_due_schedule, tick};
