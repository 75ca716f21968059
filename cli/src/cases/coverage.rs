//! Which lines of a policy its cases ran.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use writ_engine::Coverage;

/// Lines of one policy, over all its cases.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines {
    covered: BTreeSet<u32>,
    seen: BTreeSet<u32>,
}

impl Lines {
    /// Adds one run.
    pub(crate) fn add(&mut self, coverage: &Coverage) {
        self.covered.extend(&coverage.covered);
        self.seen.extend(coverage.covered.iter().chain(&coverage.missed));
    }

    /// Lines that could have run and never did, as `3, 7-9`.
    pub(crate) fn missed(&self) -> String {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for &line in self.seen.difference(&self.covered) {
            match ranges.last_mut() {
                Some((_, end)) if *end + 1 == line => *end = line,
                _ => ranges.push((line, line)),
            }
        }
        let show = |&(start, end): &(u32, u32)| {
            if start == end { start.to_string() } else { format!("{start}-{end}") }
        };
        ranges.iter().map(show).collect::<Vec<_>>().join(", ")
    }

    /// As `91.7% (11 of 12 lines)`.
    pub(crate) fn share(&self) -> String {
        let (covered, seen) = (self.covered.len(), self.seen.len());
        // Rounded down: only everything is 100%.
        let tenths = (covered * 1000).checked_div(seen).unwrap_or(1000);
        format!("{}.{}% ({covered} of {seen} lines)", tenths / 10, tenths % 10)
    }

    pub(crate) fn data(&self) -> Value {
        let missed: Vec<_> = self.seen.difference(&self.covered).collect();
        json!({"covered": self.covered, "missed": missed})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_one_case_ran_is_covered() {
        let mut lines = Lines::default();
        lines.add(&Coverage { covered: vec![1, 2], missed: vec![3, 4, 6, 7, 8] });
        lines.add(&Coverage { covered: vec![1, 4], missed: vec![2, 3, 6, 7, 8] });
        assert_eq!(lines.missed(), "3, 6-8");
        assert_eq!(lines.share(), "42.8% (3 of 7 lines)");
        assert_eq!(Lines::default().share(), "100.0% (0 of 0 lines)");
    }
}
