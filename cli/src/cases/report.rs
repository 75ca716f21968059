//! Test results in the format of `cargo test`.

use std::time::Duration;

use serde_json::{Value, json};
use similar::{ChangeTag, TextDiff};

use super::Mismatch;
use crate::style::{ADDED, ERROR, REMOVED, SUCCESS, apply_style, sanitize};

/// The result of one test case.
#[derive(Debug)]
pub(crate) struct TestResult {
    /// The full name of the test, as `policy::case`.
    pub(crate) name: String,
    pub(crate) cases_file: String,
    pub(crate) mismatches: Vec<Mismatch>,
}

impl TestResult {
    fn has_passed(&self) -> bool {
        self.mismatches.is_empty()
    }

    /// The line of the test with its verdict.
    pub(crate) fn line(&self) -> String {
        let verdict = if self.has_passed() {
            apply_style(SUCCESS, "ok")
        } else {
            apply_style(ERROR, "FAILED")
        };
        format!("test {} ... {verdict}\n", sanitize(&self.name))
    }
}

/// The results of all tests.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) tests: Vec<TestResult>,
    pub(crate) filtered_out: usize,
}

impl Report {
    pub(crate) fn failed(&self) -> usize {
        self.tests.iter().filter(|test| !test.has_passed()).count()
    }

    /// The text below the tests' lines: failures in detail, then the counts.
    pub(crate) fn summary(&self, elapsed: Duration) -> String {
        let failed = self.failed();
        let mut text = String::new();
        if failed > 0 {
            text.push_str("\nfailures:\n");
            for test in self.tests.iter().filter(|test| !test.has_passed()) {
                text.push_str(&format!(
                    "\n---- {} ({}) ----\n",
                    sanitize(&test.name),
                    test.cases_file
                ));
                for mismatch in &test.mismatches {
                    text.push_str(&render_mismatch(mismatch));
                }
            }
            text.push_str("\nfailures:\n");
            for test in self.tests.iter().filter(|test| !test.has_passed()) {
                text.push_str(&format!("    {}\n", sanitize(&test.name)));
            }
        }
        let verdict =
            if failed == 0 { apply_style(SUCCESS, "ok") } else { apply_style(ERROR, "FAILED") };
        let passed = self.tests.len() - failed;
        text.push_str(&format!("\ntest result: {verdict}. {passed} passed; {failed} failed"));
        if self.filtered_out > 0 {
            text.push_str(&format!("; {} filtered out", self.filtered_out));
        }
        text.push_str(&format!("; finished in {:.2}s\n", elapsed.as_secs_f64()));
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
                    "passed": test.has_passed(),
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

fn render_mismatch(mismatch: &Mismatch) -> String {
    let pretty =
        |text: &str| serde_json::from_str::<Value>(text).ok().map(|value| format!("{value:#}"));
    let (expected, actual) = match (pretty(&mismatch.expected), pretty(&mismatch.actual)) {
        (Some(expected), Some(actual)) if expected != actual => (expected, actual),
        // Equal values of different bytes, or text that is not JSON.
        _ => (mismatch.expected.clone(), mismatch.actual.clone()),
    };
    let mut text = format!(
        "{} differs ({}, {}):\n",
        mismatch.subject,
        apply_style(REMOVED, "- expected"),
        apply_style(ADDED, "+ actual")
    );
    for change in TextDiff::from_lines(with_line_break(&expected), with_line_break(&actual))
        .iter_all_changes()
    {
        let line = sanitize(change.value().trim_end_matches('\n'));
        text.push_str(&match change.tag() {
            ChangeTag::Delete => apply_style(REMOVED, &format!("- {line}")),
            ChangeTag::Insert => apply_style(ADDED, &format!("+ {line}")),
            ChangeTag::Equal => format!("  {line}"),
        });
        text.push('\n');
    }
    text
}

fn with_line_break(text: &str) -> String {
    if text.is_empty() || text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::tests::plain;

    fn result(name: &str, mismatches: &[(&str, &str)]) -> TestResult {
        TestResult {
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
                result("p::allows", &[]),
                result("p::denies", &[(r#"{"allowed":false,"n":1}"#, r#"{"allowed":true,"n":1}"#)]),
            ],
            filtered_out: 3,
        };
        let lines: String = report.tests.iter().map(TestResult::line).collect();
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
            tests: vec![result("p::a", &[(r#"{"a": 1}"#, r#"{"a":1}"#)])],
            filtered_out: 0,
        };
        let text = plain(&report.summary(Duration::ZERO));
        assert!(text.contains("- {\"a\": 1}\n+ {\"a\":1}\n"), "{text}");
    }

    #[test]
    fn all_passed_is_one_line() {
        let report = Report { tests: vec![result("p::a", &[])], filtered_out: 0 };
        assert_eq!(
            plain(&report.summary(Duration::ZERO)),
            "\ntest result: ok. 1 passed; 0 failed; finished in 0.00s\n"
        );
    }
}
