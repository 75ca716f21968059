//! What a run left out, for its last lines.

use std::collections::BTreeMap;

/// Steps and checks by what they would have needed.
#[derive(Debug, Default)]
pub(crate) struct Skipped {
    steps: BTreeMap<String, Vec<String>>,
    checks: BTreeMap<String, Vec<String>>,
}

impl Skipped {
    /// Steps, each with what it needs.
    pub(crate) fn steps(&mut self, steps: Vec<(String, String)>) {
        for (needs, step) in steps {
            self.steps.entry(needs).or_default().push(step);
        }
    }

    /// A check that needs something.
    pub(crate) fn check(&mut self, name: &str, needs: &str) {
        self.checks.entry(needs.to_owned()).or_default().push(name.to_owned());
    }

    /// What was left out on a target, and why.
    pub(crate) fn told(&self, target: &str) -> String {
        let mut text = String::new();
        for (kind, skipped) in [("steps", &self.steps), ("checks", &self.checks)] {
            let count: usize = skipped.values().map(Vec::len).sum();
            text.push_str(&format!("skipped on {target}: {count} {kind}\n"));
            for (needs, names) in skipped {
                text.push_str(&format!("  {} need {needs}:\n", names.len()));
                for name in names {
                    text.push_str(&format!("    {name}\n"));
                }
            }
        }
        text
    }
}
