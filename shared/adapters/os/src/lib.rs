//! The operating system's clock, timer and random numbers, behind their ports.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use uuid::{NoContext, Uuid};
use writ_model::{Error, Timestamp};
use writ_ports::{Clock, Ids, SEED_BITS, Sleep};

/// The operating system of the current process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Os;

impl Clock for Os {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn ticks_us(&self) -> u64 {
        static ORIGIN: OnceLock<Instant> = OnceLock::new();
        let since = ORIGIN.get_or_init(Instant::now).elapsed();
        u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
    }
}

impl Sleep for Os {
    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}

impl Ids for Os {
    fn id(&self, now: Timestamp) -> String {
        let since = Duration::from_millis(u64::try_from(now.as_ms()).unwrap_or(0));
        let stamp = uuid::Timestamp::from_unix(NoContext, since.as_secs(), since.subsec_nanos());
        Uuid::new_v7(stamp).to_string()
    }

    fn seed(&self) -> u64 {
        // The low half of a version 7 UUID is random but for its two variant bits.
        let (_, low) = Uuid::now_v7().as_u64_pair();
        low & ((1 << SEED_BITS) - 1)
    }

    fn secret(&self) -> Result<[u8; 32], Error> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(Error::internal)?;
        Ok(secret)
    }
}

/// Lets other threads go before the calling one for the rest of its life, by this much niceness. It
/// fails only where a thread may not do that, and then changes nothing.
#[expect(unsafe_code, reason = "a call of the C library")]
pub fn lower_priority_of_thread(by: i32) {
    // SAFETY: has no preconditions. On Linux, niceness is a thread's own.
    unsafe { libc::nice(by) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_seeds_fit_a_double() {
        let system = Os;
        let (earlier, later) = (Timestamp::from_ms(1_000), Timestamp::from_ms(1_001));
        assert!(system.id(earlier) < system.id(later));
        assert_ne!(system.id(later), system.id(later));
        assert_ne!(system.seed(), system.seed());
        assert!(system.seed() < 1 << 53);
    }
}
