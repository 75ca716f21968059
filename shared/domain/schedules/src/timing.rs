//! The timing of one schedule, and the time within the flexible window at which each fire runs.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use writ_model::Timestamp;

use crate::error::TimingError;
use crate::expression::Expression;
use crate::zone::Zone;

/// The maximum width of a flexible window, in minutes: the limit of EventBridge.
pub const FLEXIBLE_WINDOW_MINUTES_MAX: u32 = 1440;

const MINUTE_MS: i64 = 60_000;

/// The timing of a schedule as its owner wrote it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimingSpec {
    /// The expression: `rate(...)`, `cron(...)` or `at(...)`.
    pub expression: String,
    /// The IANA name of the time zone of `cron` and `at`; UTC where it is `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// The time before which nothing fires, and from which a rate counts. `at` ignores it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_at: Option<Timestamp>,
    /// The time after which nothing fires. `at` ignores it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_at: Option<Timestamp>,
    /// The width of the flexible window, in minutes, 1 to 1440. A fire runs at some time within it;
    /// on time where it is `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flexible_window_minutes: Option<u32>,
}

impl TimingSpec {
    /// Creates a timing of `expression` in UTC, without a flexible window, start or end.
    #[must_use]
    pub fn new(expression: impl Into<String>) -> Self {
        Self {
            expression: expression.into(),
            timezone: None,
            start_at: None,
            end_at: None,
            flexible_window_minutes: None,
        }
    }
}

/// The parsed timing of a schedule.
///
/// Fires are at or after the schedule's creation. `cron` and `rate` also stay between `start_at`
/// and `end_at`, both included. A rate's first fire is `start_at` itself, or the creation if there
/// is none: EventBridge, too, "starts invoking the target immediately".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    expression: Expression,
    zone: Zone,
    created_at: Timestamp,
    start_at: Option<Timestamp>,
    end_at: Option<Timestamp>,
    window_ms: Option<i64>,
}

impl Timing {
    /// Parses `spec`, for a schedule that was created at `created_at`.
    ///
    /// # Errors
    /// Returns an error with the invalid member and the fix.
    pub fn new(spec: &TimingSpec, created_at: Timestamp) -> Result<Self, TimingError> {
        let expression = Expression::parse(&spec.expression)?;
        let zone = match &spec.timezone {
            Some(name) => Zone::named(name)?,
            None => Zone::utc(),
        };
        if let (Some(start_at), Some(end_at)) = (spec.start_at, spec.end_at)
            && end_at <= start_at
        {
            return Err(TimingError::Order { start_at, end_at });
        }
        let window_ms = match spec.flexible_window_minutes {
            Some(minutes) if !(1..=FLEXIBLE_WINDOW_MINUTES_MAX).contains(&minutes) => {
                return Err(TimingError::Window(minutes));
            }
            window => window.map(|minutes| i64::from(minutes) * MINUTE_MS),
        };
        let (start_at, end_at) = (spec.start_at, spec.end_at);
        Ok(Self { expression, zone, created_at, start_at, end_at, window_ms })
    }

    /// Returns the parsed expression.
    #[must_use]
    pub fn expression(&self) -> &Expression {
        &self.expression
    }

    /// Returns the time zone of `cron` and `at`.
    #[must_use]
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// Returns the same timing without a flexible window: each fire runs on time.
    #[must_use]
    pub fn on_the_dot(&self) -> Self {
        Self { window_ms: None, ..self.clone() }
    }

    /// Returns the width of the flexible window in milliseconds; 0 without one.
    #[must_use]
    pub fn window_ms(&self) -> i64 {
        self.window_ms.unwrap_or(0)
    }

    /// Returns the first fire; `None` if the schedule never fires, because its time is past or it
    /// ends first.
    #[must_use]
    pub fn first(&self) -> Option<Timestamp> {
        self.next_after(Timestamp::from_ms(i64::MIN))
    }

    /// Returns the first fire strictly after `after`; `None` where none follows.
    #[must_use]
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        let once = matches!(self.expression, Expression::At(_));
        let start_at = self.start_at.filter(|_| !once);
        let begin = self.created_at.max(start_at.unwrap_or(self.created_at));
        let after = after.max(begin - Duration::from_millis(1));
        let anchor = start_at.unwrap_or(self.created_at);
        let next = self.expression.next_after(&self.zone, anchor, after)?;
        let ended = !once && self.end_at.is_some_and(|end_at| next > end_at);
        (!ended).then_some(next)
    }

    /// Returns the fires after `from` and up to `to`, in order, at most `limit` of them.
    #[must_use]
    pub fn fires_between(&self, from: Timestamp, to: Timestamp, limit: usize) -> Vec<Timestamp> {
        std::iter::successors(self.next_after(from), |fire| self.next_after(*fire))
            .take_while(|fire| *fire <= to)
            .take(limit)
            .collect()
    }

    /// Returns the time at which `fire` of the schedule `id` runs: on time, or within the flexible
    /// window.
    ///
    /// The time is derived from the id and the fire. So it is stable, and differs between schedules
    /// that fire together. It is before the next fire: runs keep the order of their fires even if
    /// the window is wider than their distance.
    #[must_use]
    pub fn invoke_at(&self, id: &str, fire: Timestamp) -> Timestamp {
        self.invoke_before(id, fire, || self.next_after(fire))
    }

    /// Like [`Self::invoke_at`], but computes the fire after `fire` only if it matters.
    pub(crate) fn invoke_before(
        &self,
        id: &str,
        fire: Timestamp,
        following: impl FnOnce() -> Option<Timestamp>,
    ) -> Timestamp {
        let Some(window_ms) = self.window_ms else { return fire };
        let window = Duration::from_millis(window_ms.unsigned_abs());
        let width = following().map_or(window, |next| window.min(next - fire));
        fire + draw(id, fire, width.max(Duration::from_millis(1)))
    }
}

/// A time of 0 to `width` - 1 milliseconds that depends on nothing but the arguments. Stored schedules
/// rely on it: a change of this function moves their runs.
fn draw(id: &str, fire: Timestamp, width: Duration) -> Duration {
    let digest = Sha256::new()
        .chain_update(fire.as_ms().to_be_bytes())
        .chain_update(id.as_bytes())
        .finalize();
    let (word, _) = digest.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
    // The top bit is dropped to stay positive; at most a day out of 2^63 is as good as even.
    let number = u64::from_be_bytes(*word) & i64::MAX.unsigned_abs();
    Duration::from_millis(number % u64::try_from(width.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn timing(spec: &TimingSpec) -> Timing {
        Timing::new(spec, at("2026-03-01T10:00:30Z")).unwrap()
    }

    #[test]
    fn a_timing_that_cannot_be_is_refused_with_its_member() {
        let late = Some(at("2026-05-01T00:00:00Z"));
        let zone = Some("Europe/Berln".to_owned());
        for (spec, member) in [
            (TimingSpec::new("rate(1 fortnight)"), "expression"),
            (TimingSpec { timezone: zone, ..TimingSpec::new("rate(1 day)") }, "timezone"),
            (
                TimingSpec { start_at: late, end_at: late, ..TimingSpec::new("rate(1 day)") },
                "end_at",
            ),
            (
                TimingSpec { flexible_window_minutes: Some(0), ..TimingSpec::new("rate(1 day)") },
                "flexible_window_minutes",
            ),
            (
                TimingSpec {
                    flexible_window_minutes: Some(1441),
                    ..TimingSpec::new("rate(1 day)")
                },
                "flexible_window_minutes",
            ),
        ] {
            let error = Timing::new(&spec, at("2026-03-01T10:00:30Z")).unwrap_err();
            assert_eq!(error.member(), member);
            assert!(error.to_string().starts_with(&format!("{member}: ")), "{error}");
        }
    }

    #[test]
    fn a_drawn_point_never_changes() {
        let flexible =
            TimingSpec { flexible_window_minutes: Some(60), ..TimingSpec::new("rate(1 day)") };
        let timing = timing(&flexible);
        let fire = at("2026-03-02T10:00:30Z");
        for (id, run) in [
            ("default/nightly", "2026-03-02T10:08:53.407Z"),
            ("default/weekly", "2026-03-02T10:26:51.858Z"),
        ] {
            assert_eq!(timing.invoke_at(id, fire).to_string(), run, "for `{id}`");
        }
    }

    #[test]
    fn a_window_wider_than_the_distance_of_two_fires_ends_at_the_next() {
        let flexible =
            TimingSpec { flexible_window_minutes: Some(60), ..TimingSpec::new("rate(1 minute)") };
        let timing = timing(&flexible);
        let fires = timing.fires_between(Timestamp::from_ms(0), at("2026-03-01T12:00:00Z"), 100);
        assert_eq!(fires.len(), 100);
        for fire in fires {
            let late = timing.invoke_at("id", fire).as_ms() - fire.as_ms();
            assert!((0..MINUTE_MS).contains(&late), "{late} ms");
        }
    }

    #[test]
    fn without_a_window_a_fire_is_run_on_time() {
        let fire = at("2026-03-02T10:00:30Z");
        assert_eq!(timing(&TimingSpec::new("rate(1 day)")).invoke_at("id", fire), fire);
    }
}
