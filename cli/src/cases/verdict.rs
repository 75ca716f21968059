//! Comparison of a run with the expectations of its case.

use serde::Serialize;
use writ_model::{Error, Execution};

use super::{Case, Expected, ExpectedError};

/// A difference between a run and its case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Mismatch {
    /// The property that was compared, as `output`.
    pub(crate) subject: String,
    pub(crate) expected: String,
    pub(crate) actual: String,
}

/// Compares a run with its case and returns every difference. The run is a record, or the error of
/// a run that did not start.
pub(crate) fn compare(case: &Case, run: Result<&Execution, &Error>) -> Vec<Mismatch> {
    let error = run.err().or_else(|| run.ok().and_then(|execution| execution.error.as_ref()));
    let mut mismatches = match (&case.expected, error) {
        (Expected::Error(expected), Some(error)) => compare_error(expected, error),
        (Expected::Error(expected), None) => {
            return vec![mismatch("error", expected.kind.names().join(" or "), output_of(run))];
        }
        (Expected::Output(json), Some(error)) => {
            return vec![mismatch("output", json.clone(), render_error(error))];
        }
        (Expected::Output(json), None) => {
            let actual = output_of(run);
            if *json == actual {
                Vec::new()
            } else {
                vec![mismatch("output", json.clone(), actual)]
            }
        }
    };
    let actual = run.map(|execution| execution.printed.as_str()).unwrap_or_default();
    if let Some(printed) = case.printed.as_ref().filter(|printed| *printed != actual) {
        mismatches.push(mismatch("printed", printed.clone(), actual));
    }
    mismatches
}

fn mismatch(subject: &str, expected: impl Into<String>, actual: impl Into<String>) -> Mismatch {
    Mismatch { subject: subject.to_owned(), expected: expected.into(), actual: actual.into() }
}

fn output_of(run: Result<&Execution, &Error>) -> String {
    run.ok()
        .and_then(|execution| execution.output.as_ref())
        .map(|raw| raw.as_str().to_owned())
        .unwrap_or_default()
}

/// Renders an unexpected error with its diagnostics and its traceback.
fn render_error(error: &Error) -> String {
    let mut text = format!("error {}: {error}", error.kind.name());
    for diagnostic in &error.diagnostics {
        text.push_str(&format!("\n{diagnostic}"));
    }
    if let Some(traceback) = &error.traceback {
        text.push_str(&format!("\n{}", traceback.trim_end()));
    }
    text
}

fn compare_error(expected: &ExpectedError, error: &Error) -> Vec<Mismatch> {
    let mut mismatches = Vec::new();
    if !expected.kind.names().iter().any(|name| name == error.kind.name()) {
        mismatches.push(mismatch(
            "error type",
            expected.kind.names().join(" or "),
            render_error(error),
        ));
        return mismatches;
    }
    if let Some(message) = expected.message.as_ref().filter(|message| !has_message(error, message))
    {
        mismatches.push(mismatch(
            "error message",
            format!("... {message} ..."),
            render_error(error),
        ));
    }
    mismatches.extend(compare_violations(expected, error));
    if !has_location(expected, error) {
        let location = |line: Option<u32>, column: Option<u32>| {
            let line = line.map(|line| format!("line {line}"));
            let column = column.map(|column| format!("column {column}"));
            [line, column].into_iter().flatten().collect::<Vec<_>>().join(", ")
        };
        let first = error.diagnostics.first();
        let line = error.line.or(first.and_then(|diagnostic| diagnostic.line));
        let actual = location(line, first.and_then(|diagnostic| diagnostic.column));
        mismatches.push(mismatch("error place", location(expected.line, expected.column), actual));
    }
    mismatches
}

/// Whether the message of the error, of a violation or of a diagnostic contains `part`.
fn has_message(error: &Error, part: &str) -> bool {
    error.message.contains(part)
        || error.violations.iter().any(|violation| violation.message.contains(part))
        || error.diagnostics.iter().any(|diagnostic| diagnostic.message.contains(part))
}

/// Returns a mismatch unless one violation has all expected properties.
fn compare_violations(expected: &ExpectedError, error: &Error) -> Option<Mismatch> {
    let parts = [&expected.subject, &expected.path, &expected.rule];
    if parts.iter().all(|part| part.is_none()) {
        return None;
    }
    let matches =
        |part: &Option<String>, actual: &str| part.as_ref().is_none_or(|part| part == actual);
    let is_found = error.violations.iter().any(|violation| {
        matches(&expected.subject, &violation.subject)
            && matches(&expected.path, &violation.path)
            && matches(&expected.rule, &violation.rule)
    });
    if is_found {
        return None;
    }
    let format = |subject: &str, path: &str, rule: &str| format!("{subject}{path} ({rule})");
    let any = |part: &Option<String>| part.clone().unwrap_or_else(|| "*".to_owned());
    let actual: Vec<_> = error
        .violations
        .iter()
        .map(|violation| format(&violation.subject, &violation.path, &violation.rule))
        .collect();
    let expected = format(&any(&expected.subject), &any(&expected.path), &any(&expected.rule));
    Some(mismatch("violation", expected, actual.join("\n")))
}

fn has_location(expected: &ExpectedError, error: &Error) -> bool {
    let matches =
        |expected: Option<u32>, actual: Option<u32>| expected.is_none() || expected == actual;
    let is_raised_there = expected.column.is_none() && matches(expected.line, error.line);
    is_raised_there
        || error.diagnostics.iter().any(|diagnostic| {
            matches(expected.line, diagnostic.line) && matches(expected.column, diagnostic.column)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::tests::case;
    use writ_model::{Diagnostic, ErrorKind, Violation};

    fn subjects(expected: &str, error: &Error) -> Vec<String> {
        compare(&case(expected), Err(error)).into_iter().map(|mismatch| mismatch.subject).collect()
    }

    #[test]
    fn an_error_fits_where_all_that_is_said_of_it_does() {
        let mut raised = Error::new(ErrorKind::PolicyRaised, "the policy raised KeyError: 'ip'");
        raised.line = Some(7);
        for (expected, mismatches) in [
            ("error: {type: policy_raised}", vec![]),
            ("error: {type: [policy_crashed, policy_raised], line: 7, message: KeyError}", vec![]),
            ("error: {type: policy_crashed, line: 1}", vec!["error type"]),
            (
                "error: {type: policy_raised, line: 8, message: ValueError}",
                vec!["error message", "error place"],
            ),
            ("error: {type: policy_raised, path: /ip}", vec!["violation"]),
            ("error: {type: policy_raised}, printed: x", vec!["printed"]),
            ("error: {type: policy_raised}, printed: ''", vec![]),
            ("output: '1', printed: x", vec!["output"]),
        ] {
            assert_eq!(subjects(expected, &raised), mismatches, "{expected}");
        }
    }

    #[test]
    fn any_one_violation_may_fit_but_as_a_whole() {
        let violation = |path: &str, rule: &str| Violation {
            subject: "input_data".to_owned(),
            path: path.to_owned(),
            rule: rule.to_owned(),
            message: "no".to_owned(),
        };
        let error = Error::violations(vec![violation("/a", "type"), violation("/b", "pattern")]);
        for (expected, fits) in [
            ("path: /a, rule: type", true),
            ("path: /b, subject: input_data", true),
            ("path: /a, rule: pattern", false),
            ("subject: output", false),
        ] {
            let expected = format!("error: {{type: schema_violation, {expected}}}");
            assert_eq!(subjects(&expected, &error).is_empty(), fits, "{expected}");
        }
    }

    #[test]
    fn a_diagnostics_place_is_compared() {
        let mut error = Error::new(ErrorKind::PolicyDoesNotCompile, "x");
        error.diagnostics = vec![Diagnostic::error("python.syntax", "m").at(3, 9)];
        for (location, fits) in
            [("line: 3, column: 9", true), ("line: 3", true), ("line: 3, column: 1", false)]
        {
            let expected = format!("error: {{type: policy_does_not_compile, {location}}}");
            assert_eq!(subjects(&expected, &error).is_empty(), fits, "{location}");
        }
    }
}
