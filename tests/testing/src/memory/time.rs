//! Time, identifiers and random numbers.

use std::time::Duration;

use writ_model::{Error, Timestamp};
use writ_ports::{Clock, Ids, Sleep};

use super::MemoryPlatform;

impl MemoryPlatform {
    /// The sleeps so far, in milliseconds, the oldest first.
    #[must_use]
    pub fn slept_ms(&self) -> Vec<u128> {
        self.tables().slept.iter().map(Duration::as_millis).collect()
    }
}

impl Clock for MemoryPlatform {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn ticks_us(&self) -> u64 {
        self.clock.ticks_us()
    }
}

/// A sleep takes no time but moves the clock. A hook of `sleep` runs when the time has passed.
impl Sleep for MemoryPlatform {
    async fn sleep(&self, time: Duration) {
        self.clock.advance(time);
        self.tables().slept.push(time);
        self.run_hook("sleep", "");
    }
}

impl Ids for MemoryPlatform {
    fn id(&self, now: Timestamp) -> String {
        self.ids.id(now)
    }

    fn seed(&self) -> u64 {
        self.ids.seed()
    }

    fn secret(&self) -> Result<[u8; 32], Error> {
        self.ids.secret()
    }
}
