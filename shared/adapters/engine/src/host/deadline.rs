//! Deadlines on the boot-time clock, which goes on while a host is suspended.

use std::time::Duration;

use nix::sys::time::TimeSpec;
use nix::sys::timer::{Expiration, TimerSetTimeFlags};
use nix::sys::timerfd::{ClockId, TimerFd, TimerFlags};

/// The time at which a run must have ended, on `CLOCK_BOOTTIME`: after a host was suspended, the
/// deadline may have passed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    at: Duration,
    budget: Duration,
}

impl Deadline {
    /// The deadline that lies `budget` after now.
    pub(crate) fn after(budget: Duration) -> nix::Result<Self> {
        Ok(Self { at: now()?.saturating_add(budget), budget })
    }

    /// Checks that this host has the clock and the timer that deadlines need.
    pub(crate) fn probe() -> nix::Result<()> {
        DeadlineTimer::new()?.set(&Self::after(Duration::from_secs(1))?)
    }

    /// The budget that the deadline was made from, in whole milliseconds.
    pub(crate) fn budget_ms(&self) -> u64 {
        u64::try_from(self.budget.as_millis()).unwrap_or(u64::MAX)
    }
}

fn now() -> nix::Result<Duration> {
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_BOOTTIME).map(Into::into)
}

/// A timer that fires at a [`Deadline`].
#[derive(Debug)]
pub(crate) struct DeadlineTimer(TimerFd);

impl DeadlineTimer {
    pub(crate) fn new() -> nix::Result<Self> {
        let flags = TimerFlags::TFD_CLOEXEC | TimerFlags::TFD_NONBLOCK;
        TimerFd::new(ClockId::CLOCK_BOOTTIME, flags).map(Self)
    }

    /// Arms the timer; an earlier setting is replaced.
    pub(crate) fn set(&self, deadline: &Deadline) -> nix::Result<()> {
        let at = Expiration::OneShot(TimeSpec::from_duration(deadline.at));
        self.0.set(at, TimerSetTimeFlags::TFD_TIMER_ABSTIME)
    }
}

impl std::os::fd::AsFd for DeadlineTimer {
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
        let timer = DeadlineTimer::new().unwrap();
        timer.set(&Deadline::after(Duration::ZERO).unwrap()).unwrap();
        assert!(crate::sys::readable(timer.as_fd(), Duration::from_secs(60)));
        timer.set(&Deadline::after(Duration::from_secs(3600)).unwrap()).unwrap();
        assert!(!crate::sys::readable(timer.as_fd(), Duration::ZERO));
    }
}
