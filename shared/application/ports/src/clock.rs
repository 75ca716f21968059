//! What would otherwise be read from thin air.

use std::future::Future;
use std::time::Duration;

use writ_model::Timestamp;

/// The time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Microseconds since some moment, on a clock that never steps back where there is one: for
    /// durations.
    fn ticks_us(&self) -> u64 {
        u64::try_from(self.now().as_ms()).unwrap_or(0).saturating_mul(1_000)
    }
}

crate::port!(Clock, local);

/// Waiting.
pub trait Sleep: Send + Sync {
    /// Comes back after `time`.
    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send;
}

crate::port!(Sleep, local);

/// Names and chance.
pub trait Ids: Send + Sync {
    /// A new identifier: a UUID, version 7, that sorts by `now`.
    fn id(&self, now: Timestamp) -> String;

    /// A seed of 53 bits, so that every JSON reader keeps it.
    fn seed(&self) -> u64;

    /// 32 unguessable bytes.
    ///
    /// # Errors
    /// When the operating system has none to give.
    fn secret(&self) -> Result<[u8; 32], writ_model::Error>;
}

crate::port!(Ids, local);
