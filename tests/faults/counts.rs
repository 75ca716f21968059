//! Counters of what happened, so that a suite shows it when it tests nothing.

use std::collections::BTreeMap;

/// How often each event happened, and the maxima of measured values.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    counts: BTreeMap<&'static str, u64>,
    maxima: BTreeMap<&'static str, u64>,
}

impl Counts {
    pub(crate) fn add(&mut self, event: &'static str) {
        *self.counts.entry(event).or_default() += 1;
    }

    pub(crate) fn get(&self, event: &str) -> u64 {
        self.counts.get(event).copied().unwrap_or(0)
    }

    pub(crate) fn record_max(&mut self, name: &'static str, value: u64) {
        let max = self.maxima.entry(name).or_default();
        *max = value.max(*max);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (event, count) in &other.counts {
            *self.counts.entry(event).or_default() += count;
        }
        for (name, value) in &other.maxima {
            self.record_max(name, *value);
        }
    }
}
