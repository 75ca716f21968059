//! What would otherwise be read from thin air.

use writ_model::Timestamp;

/// The time.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

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
