//! The clock, the timer and the sources of ids and random numbers.

use std::future::Future;
use std::time::Duration;

use writ_model::Timestamp;

/// Reads the current time.
pub trait Clock: Send + Sync {
    /// The current time of day.
    fn now(&self) -> Timestamp;

    /// Microseconds since some moment, for durations: on a monotonic clock where there is one.
    fn ticks_us(&self) -> u64 {
        u64::try_from(self.now().as_ms()).unwrap_or(0).saturating_mul(1_000)
    }
}

crate::port!(Clock, local);

/// Waits for a time.
pub trait Sleep: Send + Sync {
    /// Returns after `time` has gone by.
    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send;
}

crate::port!(Sleep, local);

/// The bits of a seed.
pub const SEED_BITS: u32 = 53;

/// Makes ids, seeds and secrets.
pub trait Ids: Send + Sync {
    /// A new identifier: a UUID, version 7, that sorts by `now`.
    fn id(&self, now: Timestamp) -> String;

    /// A seed of [`SEED_BITS`] bits, so that every JSON reader keeps it.
    fn seed(&self) -> u64;

    /// 32 bytes from a cryptographic source.
    ///
    /// # Errors
    /// The operating system gives no random numbers.
    fn secret(&self) -> Result<[u8; 32], writ_model::Error>;
}

crate::port!(Ids, local);
