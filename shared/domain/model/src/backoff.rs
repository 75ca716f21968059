//! How long to wait before another try.

use std::time::Duration;

/// Exponential backoff: the first wait is `first`, each further one is twice as long, and none is
/// longer than `max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The wait after the first try.
    pub first: Duration,
    /// The upper bound of a wait without its jitter.
    pub max: Duration,
}

impl Backoff {
    /// The wait after `tries` tries, from 1; zero before the first one.
    #[must_use]
    pub fn wait(self, tries: u32) -> Duration {
        let Some(doublings) = tries.checked_sub(1) else { return Duration::ZERO };
        let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
        self.first.saturating_mul(factor).min(self.max)
    }

    /// The wait with "equal jitter" ("Exponential Backoff And Jitter", AWS Architecture Blog): half
    /// of it is fixed, and of the other half the share `random / range`, in whole milliseconds, so
    /// that what failed together is not tried again together. `random` is below `range`.
    #[must_use]
    pub fn wait_with_jitter(self, tries: u32, random: u64, range: u128) -> Duration {
        let half = self.wait(tries) / 2;
        let share_ms = half.as_millis().saturating_mul(u128::from(random)) / range.max(1);
        half + Duration::from_millis(u64::try_from(share_ms).unwrap_or(u64::MAX)).min(half)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff =
        Backoff { first: Duration::from_secs(1), max: Duration::from_secs(300) };

    #[test]
    fn waits_double_up_to_the_longest() {
        let seconds = [0, 1, 2, 3, 9, 10, 32, 33, 34, u32::MAX].map(|n| BACKOFF.wait(n).as_secs());
        assert_eq!(seconds, [0, 1, 2, 4, 256, 300, 300, 300, 300, 300]);
        let endless = Backoff { first: Duration::from_secs(u64::MAX), max: Duration::MAX };
        assert_eq!(endless.wait(40), Duration::MAX);
    }

    #[test]
    fn jitter_spreads_half_of_a_wait_over_its_range() {
        let ms = |random| BACKOFF.wait_with_jitter(2, random, 1_000_000).as_millis();
        assert_eq!([0, 1, 1_000, 500_000, 999_999].map(ms), [1_000, 1_000, 1_001, 1_500, 1_999]);
        let whole = |random| BACKOFF.wait_with_jitter(2, random, 1 << 64).as_millis();
        assert_eq!([0, 1 << 63, u64::MAX].map(whole), [1_000, 1_500, 1_999]);
        assert_eq!(BACKOFF.wait_with_jitter(0, 7, 10), Duration::ZERO);
    }
}
