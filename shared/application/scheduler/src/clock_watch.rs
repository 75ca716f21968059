//! Notices that the wall clock was set back.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use writ_model::Timestamp;

/// A clock that is behind by less goes on as it is: no schedule is silent for longer.
const SET_BACK_MIN: Duration = Duration::from_secs(60);

/// The latest wall clock time that this process has seen. A new one has seen none, so that the first
/// look counts as after a change: the clock may have been set while no process ran.
#[derive(Debug, Default)]
pub struct ClockWatch(Mutex<Option<Timestamp>>);

impl ClockWatch {
    fn latest(&self) -> std::sync::MutexGuard<'_, Option<Timestamp>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the clock was set back, or may have been.
    pub(crate) fn was_set_back(&self, now: Timestamp) -> bool {
        self.latest().is_none_or(|latest| latest - now > SET_BACK_MIN)
    }

    /// Takes note of the time.
    pub(crate) fn observe(&self, now: Timestamp) {
        let mut latest = self.latest();
        *latest = (*latest).max(Some(now));
    }

    /// Takes note of the time after a change: from here on it is the latest.
    pub(crate) fn restart_at(&self, now: Timestamp) {
        *self.latest() = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_set_back_at_first_and_after_a_step_back_that_matters() {
        let at = |s: i64| Timestamp::from_ms(s * 1_000);
        let watch = ClockWatch::default();
        assert!(watch.was_set_back(at(500)));
        watch.restart_at(at(500));
        for (now, is_back) in [(500, false), (900, false), (850, false), (840, false), (839, true)]
        {
            assert_eq!(watch.was_set_back(at(now)), is_back, "{now}");
            if !is_back {
                watch.observe(at(now));
            }
        }
        watch.restart_at(at(100));
        assert!(!watch.was_set_back(at(100)));
    }
}
