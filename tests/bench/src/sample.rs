//! Samples of durations, and their table rows.

use std::time::{Duration, Instant};

/// Durations of the same work, done many times.
pub struct Sample(Vec<Duration>);

impl Sample {
    /// Does `work` a few times unmeasured, then `count` times measured.
    pub fn of<E>(count: usize, work: impl FnMut() -> Result<(), E>) -> Result<Self, E> {
        Self::of_paced(count, Duration::ZERO, work)
    }

    /// The same, with a pause before each time that is measured.
    pub fn of_paced<E>(
        count: usize,
        pause: Duration,
        mut work: impl FnMut() -> Result<(), E>,
    ) -> Result<Self, E> {
        for _ in 0..count.div_ceil(10) {
            work()?;
        }
        let mut taken = Vec::with_capacity(count);
        for _ in 0..count {
            if !pause.is_zero() {
                std::thread::sleep(pause);
            }
            let started = Instant::now();
            work()?;
            taken.push(started.elapsed());
        }
        Ok(Self::from(taken))
    }

    /// The duration below which `share` (0 to 1) of them lie.
    fn quantile(&self, share: f64) -> Duration {
        let last = self.0.len().saturating_sub(1);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "within 0..=last"
        )]
        #[expect(clippy::cast_precision_loss, reason = "counts are small")]
        let index = (last as f64 * share).round() as usize;
        self.0.get(index).copied().unwrap_or_default()
    }

    /// The median of the sample.
    #[must_use]
    pub fn p50(&self) -> Duration {
        self.quantile(0.5)
    }

    /// The duration that one in a hundred exceeds.
    #[must_use]
    pub fn p99(&self) -> Duration {
        self.quantile(0.99)
    }

    /// A table row: the name, p50, p99, and the bound of the design.
    #[must_use]
    pub fn row(&self, name: &str, bound: &str) -> String {
        format!("| {name} | {} | {} | {bound} |\n", text(self.p50()), text(self.p99()))
    }
}

impl From<Vec<Duration>> for Sample {
    fn from(mut taken: Vec<Duration>) -> Self {
        taken.sort_unstable();
        Self(taken)
    }
}

/// The head of a table of [`Sample::row`]s.
pub const HEAD: &str = "| what | p50 | p99 | bound (p50) |\n|---|---|---|---|\n";

/// A duration as text, with a suitable unit.
#[must_use]
pub fn text(duration: Duration) -> String {
    let us = duration.as_secs_f64() * 1e6;
    if us < 1_000.0 { format!("{us:.1} µs") } else { format!("{:.2} ms", us / 1_000.0) }
}
