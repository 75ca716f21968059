//! Fires schedules: decides what is due, makes the jobs and records the results.
//!
//! A schedule makes jobs. When it is due stands in its table; a tick ([`tick`]) or a timer
//! ([`run_due_schedule`]) decides which fires to make, makes them and settles them. Each of the three
//! steps may be repeated or cut off, in several processes at the same time, and no fire is lost or made
//! twice.

mod clock_watch;
mod event;
mod fire;
mod members;
mod target;
mod tick;

pub use clock_watch::ClockWatch;
pub use event::Event;
pub use members::{Members, below};
pub use target::{TARGET_BYTES_MAX, Target};
pub use tick::{
    Ports, SchedulePorts, TickPorts, TickReport, TimerPorts, run_due_schedule, tick, tick_with,
};
