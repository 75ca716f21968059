//! Identifiers, seeds and secrets that a test can predict.

use std::sync::atomic::{AtomicU64, Ordering};

use writ_model::{Digest, Error, Timestamp};
use writ_ports::Ids;

/// The first seed unless a test chooses another one.
const SEED: u64 = 42;

/// Counts instead of drawing: identifiers, seeds and secrets each have a count of their own.
#[derive(Debug)]
pub struct SeededIds {
    ids: AtomicU64,
    seeds: AtomicU64,
    secrets: AtomicU64,
}

impl Default for SeededIds {
    fn default() -> Self {
        Self::new(SEED)
    }
}

impl SeededIds {
    /// Seeds begin with `seed` and go up by one.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            ids: AtomicU64::default(),
            seeds: AtomicU64::new(seed),
            secrets: AtomicU64::default(),
        }
    }
}

impl Ids for SeededIds {
    fn id(&self, now: Timestamp) -> String {
        let (ms, number) = (now.as_ms(), self.ids.fetch_add(1, Ordering::SeqCst) + 1);
        format!("{:08x}-{:04x}-7000-8000-{number:012x}", ms >> 16, ms & 0xffff)
    }

    fn seed(&self) -> u64 {
        self.seeds.fetch_add(1, Ordering::SeqCst)
    }

    /// The hash of a count, so that all bytes of two secrets differ.
    fn secret(&self) -> Result<[u8; 32], Error> {
        let number = self.secrets.fetch_add(1, Ordering::SeqCst);
        let hash = Digest::of(&number.to_be_bytes());
        let byte = |at: usize| u8::from_str_radix(&hash.as_str()[2 * at..2 * at + 2], 16);
        Ok(std::array::from_fn(|at| byte(at).unwrap()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::at;

    #[test]
    fn identifiers_sort_by_time_and_secrets_differ() {
        let ids = SeededIds::new(7);
        let (late, early) = (ids.id(at(70_000)), ids.id(at(0)));
        assert!(early < late, "{early} {late}");
        assert_ne!(ids.id(at(0)), early);
        assert_eq!((ids.seed(), ids.seed()), (7, 8));
        assert_ne!(ids.secret(), ids.secret());
    }
}
