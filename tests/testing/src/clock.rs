//! A clock that only a test moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use writ_model::Timestamp;
use writ_ports::Clock;

use crate::START;

/// A wall clock and a monotonic clock that stand still until a test moves them. Clones share both.
#[derive(Clone, Debug)]
pub struct ManualClock {
    wall_us: Arc<AtomicI64>,
    ticks_us: Arc<AtomicU64>,
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::starting_at(START)
    }
}

impl ManualClock {
    /// A clock with the wall at `now` and the monotonic clock at zero.
    #[must_use]
    pub fn starting_at(now: Timestamp) -> Self {
        let wall_us = AtomicI64::new(now.as_ms() * 1_000);
        Self { wall_us: Arc::new(wall_us), ticks_us: Arc::default() }
    }

    /// Lets time pass on both clocks.
    pub fn advance(&self, time: Duration) {
        let us = u64::try_from(time.as_micros()).unwrap();
        self.ticks_us.fetch_add(us, Ordering::SeqCst);
        self.wall_us.fetch_add(i64::try_from(us).unwrap(), Ordering::SeqCst);
    }

    /// Lets so many seconds pass on both clocks.
    pub fn advance_s(&self, seconds: u64) {
        self.advance(Duration::from_secs(seconds));
    }

    /// Moves the wall clock alone by so many milliseconds, also back, as an adjustment does.
    pub fn shift_wall_ms(&self, ms: i64) {
        self.wall_us.fetch_add(ms * 1_000, Ordering::SeqCst);
    }

    /// Lets time pass on the monotonic clock alone, as while the wall clock is held back.
    pub fn advance_ticks(&self, time: Duration) {
        self.ticks_us.fetch_add(u64::try_from(time.as_micros()).unwrap(), Ordering::SeqCst);
    }

    /// Sets the wall clock alone.
    pub fn set_wall(&self, now: Timestamp) {
        self.wall_us.store(now.as_ms() * 1_000, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.wall_us.load(Ordering::SeqCst) / 1_000)
    }

    fn ticks_us(&self) -> u64 {
        self.ticks_us.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clocks_advance_and_an_adjustment_moves_the_wall_alone() {
        let clock = ManualClock::starting_at(Timestamp::from_ms(5_000));
        let same = clock.clone();
        clock.advance(Duration::from_millis(2));
        clock.shift_wall_ms(-1_000);
        assert_eq!((same.now(), same.ticks_us()), (Timestamp::from_ms(4_002), 2_000));
        clock.set_wall(Timestamp::from_ms(7));
        clock.advance_ticks(Duration::from_millis(1));
        assert_eq!((same.now(), same.ticks_us()), (Timestamp::from_ms(7), 3_000));
    }
}
