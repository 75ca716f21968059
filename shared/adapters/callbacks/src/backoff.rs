//! The retry schedule of callbacks.

use std::time::Duration;

/// The maximum number of delivery attempts of a callback. With the delays below, the last attempt
/// is 16 to 31 hours after the first one, 24 hours on average.
pub const ATTEMPTS_MAX: u32 = 41;

/// The upper bound of the delay after the first attempt. It doubles with each attempt.
pub const FIRST_DELAY_MAX: Duration = Duration::from_secs(5);

/// The upper bound of every delay, and of the delay that a receiver may request.
pub const DELAY_MAX: Duration = Duration::from_secs(3_600);

/// Returns the delay before the next attempt after `attempts` failed attempts; `None` where no attempt
/// follows. Half of the delay is fixed, the other half is scaled by `jitter`, a random number of
/// the whole range of `u64`, so that callbacks that failed together are not retried together.
#[must_use]
pub fn retry_delay(attempts: u32, jitter: u64) -> Option<Duration> {
    if attempts >= ATTEMPTS_MAX {
        return None;
    }
    let Some(doublings) = attempts.checked_sub(1) else {
        return Some(Duration::ZERO);
    };
    let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
    let longest = FIRST_DELAY_MAX.saturating_mul(factor).min(DELAY_MAX);
    let half = longest / 2;
    let half_ms = u64::try_from(half.as_millis()).unwrap_or(u64::MAX);
    let share_ms = (u128::from(half_ms) * u128::from(jitter)) >> u64::BITS;
    Some(half + Duration::from_millis(u64::try_from(share_ms).unwrap_or(half_ms)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn in_all(jitter: u64) -> Duration {
        (1..=ATTEMPTS_MAX).filter_map(|attempts| retry_delay(attempts, jitter)).sum()
    }

    #[test]
    fn waits_double_up_to_an_hour_for_about_a_day() {
        let seconds = |attempts| retry_delay(attempts, 0).unwrap().as_secs_f64();
        assert_eq!([1, 2, 3, 10, 11, 40].map(seconds), [2.5, 5.0, 10.0, 1_280.0, 1_800.0, 1_800.0]);
        assert_eq!(retry_delay(0, u64::MAX), Some(Duration::ZERO));
        assert_eq!(retry_delay(ATTEMPTS_MAX, 0), None);
        let hours = |jitter| in_all(jitter).as_secs() / 3_600;
        assert_eq!([0, u64::MAX / 2, u64::MAX].map(hours), [15, 23, 31]);
    }

    proptest! {
        #[test]
        fn a_wait_has_its_bounds_and_an_end(attempts: u32, few in 0..ATTEMPTS_MAX, jitter: u64) {
            prop_assert_eq!(retry_delay(attempts, jitter).is_none(), attempts >= ATTEMPTS_MAX);
            let wait = retry_delay(few, jitter).unwrap();
            prop_assert!(wait <= DELAY_MAX);
            if few > 0 {
                prop_assert!(wait >= FIRST_DELAY_MAX / 2);
                prop_assert!(wait >= retry_delay(few, 0).unwrap());
                prop_assert!(wait < retry_delay(few, 0).unwrap() * 2);
            }
        }

        /// The delay does not decrease with the jitter, nor with the number of attempts.
        #[test]
        fn waits_never_shrink(attempts in 0..ATTEMPTS_MAX - 1, a: u64, b: u64) {
            prop_assert!(retry_delay(attempts, a.min(b)) <= retry_delay(attempts, a.max(b)));
            prop_assert!(retry_delay(attempts, a) <= retry_delay(attempts + 1, a));
        }
    }
}
