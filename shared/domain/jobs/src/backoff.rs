//! The backoff between two attempts.

use std::time::Duration;

use crate::bounds::RETRY;

/// The parts of a pause that jitter chooses from.
const JITTER_PARTS: u64 = 1_000_000;

/// The pause after attempt `made`, from 1: between half of an exponential step and all of it, by any
/// random number.
#[must_use]
pub fn backoff(made: u32, jitter: u64) -> Duration {
    RETRY.wait_with_jitter(made.max(1), jitter % JITTER_PARTS, JITTER_PARTS.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn pauses_double_from_a_second_to_five_minutes() {
        let ms = |made, jitter| backoff(made, jitter).as_millis();
        assert_eq!(
            [0, 1, 2, 5, 9, 10, 40].map(|made| ms(made, 0)),
            [500, 500, 1_000, 8_000, 128_000, 150_000, 150_000]
        );
        assert_eq!([1, 2, 40].map(|made| ms(made, 999_999)), [999, 1_999, 299_999]);
        assert_eq!(ms(40, u64::MAX), 232_742, "a random number of any size");
    }

    proptest! {
        #[test]
        fn a_pause_is_between_half_a_step_and_a_step(made in 1_u32.., jitter: u64) {
            let (pause, step) = (backoff(made, jitter), RETRY.wait(made));
            prop_assert!((step / 2..=step).contains(&pause), "{pause:?} of {step:?}");
        }
    }
}
