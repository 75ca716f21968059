//! Tests as `cargo test` reports them.

use std::time::Duration;

use serde_json::{Value, json};
use similar::{ChangeTag, TextDiff};

use super::Mismatch;
use crate::style::{ADDED, ERROR, GOOD, REMOVED, harmless, paint};

/// One finished test.
#[derive(Debug)]
pub(crate) struct Tested {
    /// `policy::case`.
    pub(crate) name: String,
    pub(crate) cases_file: String,
    pub(crate) mismatches: Vec<Mismatch>,
}

impl Tested {
    fn passed(&self) -> bool {
        self.mismatches.is_empty()
    }

    /// The line that says how it went.
    pub(crate) fn line(&self) -> String {
        let verdict = if self.passed() { paint(GOOD, "ok") } else { paint(ERROR, "FAILED") };
        format!("test {} ... {verdict}\n", harmless(&self.name))
    }
}

/// All tests of a run.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) tests: Vec<Tested>,
    pub(crate) filtered_out: usize,
}

impl Report {
    pub(crate) fn failed(&self) -> usize {
        self.tests.iter().filter(|test| !test.passed()).count()
    }

    /// What stands below the tests' lines.
    pub(crate) fn summary(&self, took: Duration) -> String {
        let failed = self.failed();
        let mut text = String::new();
        if failed > 0 {
            text.push_str("\nfailures:\n");
            for test in self.tests.iter().filter(|test| !test.passed()) {
                text.push_str(&format!(
                    "\n---- {} ({}) ----\n",
                    harmless(&test.name),
                    test.cases_file
                ));
                for mismatch in &test.mismatches {
                    text.push_str(&explained(mismatch));
                }
            }
            text.push_str("\nfailures:\n");
            for test in self.tests.iter().filter(|test| !test.passed()) {
                text.push_str(&format!("    {}\n", harmless(&test.name)));
            }
        }
        let verdict = if failed == 0 { paint(GOOD, "ok") } else { paint(ERROR, "FAILED") };
        let passed = self.tests.len() - failed;
        text.push_str(&format!("\ntest result: {verdict}. {passed} passed; {failed} failed"));
        if self.filtered_out > 0 {
            text.push_str(&format!("; {} filtered out", self.filtered_out));
        }
        text.push_str(&format!("; finished in {:.2}s\n", took.as_secs_f64()));
        text
    }

    pub(crate) fn data(&self) -> Value {
        let tests: Vec<_> = self
            .tests
            .iter()
            .map(|test| {
                json!({
                    "name": test.name,
                    "file": test.cases_file,
                    "passed": test.passed(),
                    "mismatches": test.mismatches,
                })
            })
            .collect();
        json!({
            "passed": self.tests.len() - self.failed(),
            "failed": self.failed(),
            "filtered_out": self.filtered_out,
            "tests": tests,
        })
    }
}

fn explained(mismatch: &Mismatch) -> String {
    let pretty =
        |text: &str| serde_json::from_str::<Value>(text).ok().map(|value| format!("{value:#}"));
    let (expected, actual) = match (pretty(&mismatch.expected), pretty(&mismatch.actual)) {
        (Some(expected), Some(actual)) if expected != actual => (expected, actual),
        // The values are the same and the bytes are not, or one is no JSON.
        _ => (mismatch.expected.clone(), mismatch.actual.clone()),
    };
    let mut text = format!(
        "{} differs ({}, {}):\n",
        mismatch.subject,
        paint(REMOVED, "- expected"),
        paint(ADDED, "+ actual")
    );
    for change in TextDiff::from_lines(ended(&expected), ended(&actual)).iter_all_changes() {
        let line = harmless(change.value().trim_end_matches('\n'));
        text.push_str(&match change.tag() {
            ChangeTag::Delete => paint(REMOVED, &format!("- {line}")),
            ChangeTag::Insert => paint(ADDED, &format!("+ {line}")),
            ChangeTag::Equal => format!("  {line}"),
        });
        text.push('\n');
    }
    text
}

fn ended(text: &str) -> String {
    if text.is_empty() || text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::tests::plain;

    fn tested(name: &str, mismatches: &[(&str, &str)]) -> Tested {
        Tested {
            name: name.to_owned(),
            cases_file: "p/cases.yaml".to_owned(),
            mismatches: mismatches
                .iter()
                .map(|(expected, actual)| Mismatch {
                    subject: "output".to_owned(),
                    expected: (*expected).to_owned(),
                    actual: (*actual).to_owned(),
                })
                .collect(),
        }
    }

    #[test]
    fn a_failure_shows_what_was_expected_and_what_came() {
        let report = Report {
            tests: vec![
                tested("p::allows", &[]),
                tested("p::denies", &[(r#"{"allowed":false,"n":1}"#, r#"{"allowed":true,"n":1}"#)]),
            ],
            filtered_out: 3,
        };
        let lines: String = report.tests.iter().map(Tested::line).collect();
        assert_eq!(plain(&lines), "test p::allows ... ok\ntest p::denies ... FAILED\n");
        assert_eq!(
            plain(&report.summary(Duration::from_millis(1234))),
            "\nfailures:\n\n---- p::denies (p/cases.yaml) ----\n\
             output differs (- expected, + actual):\n  {\n-   \"allowed\": false,\n+   \"allowed\": true,\n    \"n\": 1\n  }\n\
             \nfailures:\n    p::denies\n\n\
             test result: FAILED. 1 passed; 1 failed; 3 filtered out; finished in 1.23s\n"
        );
    }

    #[test]
    fn equal_values_of_other_bytes_are_shown_as_bytes() {
        let report = Report {
            tests: vec![tested("p::a", &[(r#"{"a": 1}"#, r#"{"a":1}"#)])],
            filtered_out: 0,
        };
        let text = plain(&report.summary(Duration::ZERO));
        assert!(text.contains("- {\"a\": 1}\n+ {\"a\":1}\n"), "{text}");
    }

    #[test]
    fn all_passed_is_one_line() {
        let report = Report { tests: vec![tested("p::a", &[])], filtered_out: 0 };
        assert_eq!(
            plain(&report.summary(Duration::ZERO)),
            "\ntest result: ok. 1 passed; 0 failed; finished in 0.00s\n"
        );
    }
}
