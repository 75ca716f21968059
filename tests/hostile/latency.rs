//! How long the calls of each kind took, and the table of it.

use std::collections::BTreeMap;
use std::time::Duration;

/// The times of successful calls by kind, and the errors of the others.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latencies {
    times: BTreeMap<&'static str, Vec<Duration>>,
    pub(crate) errors: Vec<String>,
}

impl Latencies {
    pub(crate) fn record(&mut self, kind: &'static str, took: Duration) {
        self.times.entry(kind).or_default().push(took);
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (kind, times) in other.times {
            self.times.entry(kind).or_default().extend(times);
        }
        self.errors.extend(other.errors);
    }

    pub(crate) fn kinds(&self) -> Vec<&'static str> {
        self.times.keys().copied().collect()
    }

    pub(crate) fn count(&self, kind: &str) -> usize {
        self.times.get(kind).map_or(0, Vec::len)
    }

    /// The time that this share of the calls of a kind does not exceed; zero where there are none.
    pub(crate) fn percentile(&self, kind: &str, percent: usize) -> Duration {
        let mut times = self.times.get(kind).cloned().unwrap_or_default();
        times.sort_unstable();
        let at = (times.len() * percent).div_ceil(100).saturating_sub(1);
        times.get(at).copied().unwrap_or_default()
    }
}

/// The table of both phases, a line per kind of call.
pub(crate) fn table(quiet: &Latencies, attack: &Latencies) -> String {
    let ms = |time: Duration| format!("{:.1}", time.as_secs_f64() * 1_000.0);
    let mut lines = vec![format!(
        "{:<18} {:>6} {:>8} {:>8}   {:>6} {:>8} {:>8} {:>8}",
        "call", "quiet", "p50 ms", "p99 ms", "attack", "p50 ms", "p99 ms", "max ms"
    )];
    for kind in quiet.kinds() {
        lines.push(format!(
            "{kind:<18} {:>6} {:>8} {:>8}   {:>6} {:>8} {:>8} {:>8}",
            quiet.count(kind),
            ms(quiet.percentile(kind, 50)),
            ms(quiet.percentile(kind, 99)),
            attack.count(kind),
            ms(attack.percentile(kind, 50)),
            ms(attack.percentile(kind, 99)),
            ms(attack.percentile(kind, 100)),
        ));
    }
    lines.join("\n")
}
