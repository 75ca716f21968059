//! Line coverage of a policy by its test cases.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use writ_engine::Coverage;

/// Line coverage of one policy, over all its cases.
#[derive(Clone, Debug, Default)]
pub(crate) struct LineCoverage {
    covered: BTreeSet<u32>,
    /// Covered and missed lines.
    executable: BTreeSet<u32>,
}

impl LineCoverage {
    /// Merges the coverage of one run.
    pub(crate) fn add(&mut self, coverage: &Coverage) {
        self.covered.extend(&coverage.covered);
        self.executable.extend(coverage.covered.iter().chain(&coverage.missed));
    }

    /// Lines that no run covered, as `3, 7-9`.
    pub(crate) fn missed(&self) -> String {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for &line in self.executable.difference(&self.covered) {
            match ranges.last_mut() {
                Some((_, end)) if *end + 1 == line => *end = line,
                _ => ranges.push((line, line)),
            }
        }
        let format = |&(start, end): &(u32, u32)| {
            if start == end { start.to_string() } else { format!("{start}-{end}") }
        };
        ranges.iter().map(format).collect::<Vec<_>>().join(", ")
    }

    /// The covered share of all lines, as `91.7% (11 of 12 lines)`.
    pub(crate) fn percentage(&self) -> String {
        let (covered, total) = (self.covered.len(), self.executable.len());
        // Rounded down, so that 100% means every line.
        let tenths = (covered * 1000).checked_div(total).unwrap_or(1000);
        format!("{}.{}% ({covered} of {total} lines)", tenths / 10, tenths % 10)
    }

    pub(crate) fn data(&self) -> Value {
        let missed: Vec<_> = self.executable.difference(&self.covered).collect();
        json!({"covered": self.covered, "missed": missed})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_one_case_ran_is_covered() {
        let mut lines = LineCoverage::default();
        lines.add(&Coverage { covered: vec![1, 2], missed: vec![3, 4, 6, 7, 8] });
        lines.add(&Coverage { covered: vec![1, 4], missed: vec![2, 3, 6, 7, 8] });
        assert_eq!(lines.missed(), "3, 6-8");
        assert_eq!(lines.percentage(), "42.8% (3 of 7 lines)");
        assert_eq!(LineCoverage::default().percentage(), "100.0% (0 of 0 lines)");
    }
}
