//! Moments on the clock that goes on while a host is frozen.

use std::time::Duration;

use nix::sys::time::TimeSpec;
use nix::sys::timer::{Expiration, TimerSetTimeFlags};
use nix::sys::timerfd::{ClockId, TimerFd, TimerFlags};

/// When a run has to be over, in boot time: a frozen host wakes up to an expired deadline.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    at: Duration,
    budget: Duration,
}

impl Deadline {
    /// `budget` from now.
    pub(crate) fn after(budget: Duration) -> nix::Result<Self> {
        Ok(Self { at: now()?.saturating_add(budget), budget })
    }

    /// Whether this host has what deadlines need.
    pub(crate) fn probe() -> nix::Result<()> {
        Alarm::new()?.set(&Self::after(Duration::from_secs(1))?)
    }

    /// What was given, in whole milliseconds.
    pub(crate) fn budget_ms(&self) -> u64 {
        u64::try_from(self.budget.as_millis()).unwrap_or(u64::MAX)
    }
}

fn now() -> nix::Result<Duration> {
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_BOOTTIME).map(Into::into)
}

/// A timer that fires at a [`Deadline`].
#[derive(Debug)]
pub(crate) struct Alarm(TimerFd);

impl Alarm {
    pub(crate) fn new() -> nix::Result<Self> {
        let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
        TimerFd::new(ClockId::CLOCK_BOOTTIME, flags).map(Self)
    }

    /// Forgets what it was set to before.
    pub(crate) fn set(&self, deadline: &Deadline) -> nix::Result<()> {
        let at = Expiration::OneShot(TimeSpec::from_duration(deadline.at));
        self.0.set(at, TimerSetTimeFlags::TFD_TIMER_ABSTIME)
    }
}

impl std::os::fd::AsFd for Alarm {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    #[test]
    fn a_deadline_in_the_past_fires_at_once_and_one_far_away_does_not() {
        let alarm = Alarm::new().unwrap();
        alarm.set(&Deadline::after(Duration::ZERO).unwrap()).unwrap();
        assert!(crate::sys::readable(alarm.as_fd(), Duration::from_secs(60)));
        alarm.set(&Deadline::after(Duration::from_secs(3600)).unwrap()).unwrap();
        assert!(!crate::sys::readable(alarm.as_fd(), Duration::ZERO));
    }
}
