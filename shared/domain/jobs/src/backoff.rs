//! The backoff between two attempts.

use crate::bounds::{BACKOFF_MS, BACKOFF_MS_MAX};

/// Returns the delay after attempt `made`, from 1, in milliseconds: between half of an exponential
/// step and the whole step, chosen by the random number `rng`, so that attempts that failed
/// together are not repeated together.
#[must_use]
pub fn backoff_ms(made: u32, rng: u64) -> i64 {
    let doublings = made.saturating_sub(1).min(30);
    let step = BACKOFF_MS.saturating_mul(1 << doublings).min(BACKOFF_MS_MAX);
    let half = step / 2;
    let jitter = i64::try_from(rng % 1_000_000).unwrap_or(0);
    half + (step - half) * jitter / 1_000_000
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_pause_is_between_half_a_step_and_a_step(made in 1_u32.., rng: u64) {
            let pause = backoff_ms(made, rng);
            let step = BACKOFF_MS.saturating_mul(1 << (made - 1).min(30)).min(BACKOFF_MS_MAX);
            prop_assert!((step / 2..=step).contains(&pause), "{pause} of {step}");
        }
    }
}
