//! What happened, so that a suite that looks at nothing shows it.

use std::collections::BTreeMap;

/// How often each thing happened, and how far things went.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    times: BTreeMap<&'static str, u64>,
    most: BTreeMap<&'static str, u64>,
}

impl Counts {
    pub(crate) fn add(&mut self, what: &'static str) {
        *self.times.entry(what).or_default() += 1;
    }

    pub(crate) fn of(&self, what: &str) -> u64 {
        self.times.get(what).copied().unwrap_or(0)
    }

    pub(crate) fn most(&mut self, what: &'static str, value: u64) {
        let most = self.most.entry(what).or_default();
        *most = value.max(*most);
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (what, times) in &other.times {
            *self.times.entry(what).or_default() += times;
        }
        for (what, value) in &other.most {
            self.most(what, *value);
        }
    }
}
