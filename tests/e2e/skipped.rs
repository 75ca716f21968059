//! The summary of skipped steps and checks, printed at the end of a run.

use std::collections::BTreeMap;

/// Skipped steps and checks, grouped by the requirement that the target lacks.
#[derive(Debug, Default)]
pub(crate) struct Skipped {
    steps: BTreeMap<String, Vec<String>>,
    checks: BTreeMap<String, Vec<String>>,
}

impl Skipped {
    /// Adds steps, each as its requirement and its name.
    pub(crate) fn add_steps(&mut self, steps: Vec<(String, String)>) {
        for (needs, step) in steps {
            self.steps.entry(needs).or_default().push(step);
        }
    }

    /// Adds a check with its requirement.
    pub(crate) fn add_check(&mut self, name: &str, needs: &str) {
        self.checks.entry(needs.to_owned()).or_default().push(name.to_owned());
    }

    /// Renders the skipped steps and checks of a target with their requirements.
    pub(crate) fn report(&self, target: &str) -> String {
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
