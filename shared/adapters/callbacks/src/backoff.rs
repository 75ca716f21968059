//! The retry schedule of callbacks.

use std::time::Duration;

/// The maximum number of delivery attempts of a callback. With the delays below, the last attempt
/// is 16 to 31 hours after the first one, 24 hours on average.
pub const TRIES_MAX: u32 = 41;

/// The upper bound of the delay after the first attempt. It doubles with each attempt.
pub const FIRST_WAIT_MAX: Duration = Duration::from_secs(5);

/// The upper bound of every delay, and of the delay that a receiver may request.
pub const WAIT_MAX: Duration = Duration::from_secs(3_600);

/// Returns the delay before the next attempt after `tries` failed attempts; `None` where no attempt
/// follows. Half of the delay is fixed, the other half is scaled by `jitter`, a random number of
/// the whole range of `u64`, so that callbacks that failed together are not retried together.
#[must_use]
pub fn next_try(tries: u32, jitter: u64) -> Option<Duration> {
    if tries >= TRIES_MAX {
        return None;
    }
    let Some(doublings) = tries.checked_sub(1) else {
        return Some(Duration::ZERO);
    };
    let factor = 1_u32.checked_shl(doublings).unwrap_or(u32::MAX);
    let longest = FIRST_WAIT_MAX.saturating_mul(factor).min(WAIT_MAX);
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
        (1..=TRIES_MAX).filter_map(|tries| next_try(tries, jitter)).sum()
    }

    #[test]
    fn waits_double_up_to_an_hour_for_about_a_day() {
        let seconds = |tries| next_try(tries, 0).unwrap().as_secs_f64();
        assert_eq!([1, 2, 3, 10, 11, 40].map(seconds), [2.5, 5.0, 10.0, 1_280.0, 1_800.0, 1_800.0]);
        assert_eq!(next_try(0, u64::MAX), Some(Duration::ZERO));
        assert_eq!(next_try(TRIES_MAX, 0), None);
        let hours = |jitter| in_all(jitter).as_secs() / 3_600;
        assert_eq!([0, u64::MAX / 2, u64::MAX].map(hours), [15, 23, 31]);
    }

    proptest! {
        #[test]
        fn a_wait_has_its_bounds_and_an_end(tries: u32, few in 0..TRIES_MAX, jitter: u64) {
            prop_assert_eq!(next_try(tries, jitter).is_none(), tries >= TRIES_MAX);
            let wait = next_try(few, jitter).unwrap();
            prop_assert!(wait <= WAIT_MAX);
            if few > 0 {
                prop_assert!(wait >= FIRST_WAIT_MAX / 2);
                prop_assert!(wait >= next_try(few, 0).unwrap());
                prop_assert!(wait < next_try(few, 0).unwrap() * 2);
            }
        }

        /// The delay does not decrease with the jitter, nor with the number of attempts.
        #[test]
        fn waits_never_shrink(tries in 0..TRIES_MAX - 1, a: u64, b: u64) {
            prop_assert!(next_try(tries, a.min(b)) <= next_try(tries, a.max(b)));
            prop_assert!(next_try(tries, a) <= next_try(tries + 1, a));
        }
    }
}
