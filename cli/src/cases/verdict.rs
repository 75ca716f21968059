//! Whether a run fits its case.

use serde::Serialize;
use writ_model::{Error, Execution};

use super::{Case, Expected, ExpectedError};

/// One thing that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Mismatch {
    /// What was compared, as `output`.
    pub(crate) subject: String,
    pub(crate) expected: String,
    pub(crate) actual: String,
}

/// Everything about a run that does not fit its case; the run is a record, or what kept it from
/// starting.
pub(crate) fn compare(case: &Case, run: Result<&Execution, &Error>) -> Vec<Mismatch> {
    let error = run.err().or_else(|| run.ok().and_then(|execution| execution.error.as_ref()));
    let mut mismatches = match (&case.expected, error) {
        (Expected::Error(expected), Some(error)) => compare_error(expected, error),
        (Expected::Error(expected), None) => {
            return vec![mismatch("error", expected.kind.names().join(" or "), output_of(run))];
        }
        (Expected::Output(json), Some(error)) => {
            return vec![mismatch("output", json.clone(), told(error))];
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

/// An error that nobody expected, with all that helps to understand it.
fn told(error: &Error) -> String {
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
        mismatches.push(mismatch("error type", expected.kind.names().join(" or "), told(error)));
        return mismatches;
    }
    if let Some(message) = expected.message.as_ref().filter(|message| !says(error, message)) {
        mismatches.push(mismatch("error message", format!("... {message} ..."), told(error)));
    }
    if let Some(found) = no_violation_fits(expected, error) {
        mismatches.push(found);
    }
    if !at_place(expected, error) {
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

/// Whether the error, a violation or a diagnostic of it has this part in its message.
fn says(error: &Error, part: &str) -> bool {
    error.message.contains(part)
        || error.violations.iter().any(|violation| violation.message.contains(part))
        || error.diagnostics.iter().any(|diagnostic| diagnostic.message.contains(part))
}

fn no_violation_fits(expected: &ExpectedError, error: &Error) -> Option<Mismatch> {
    let wanted = [&expected.subject, &expected.path, &expected.rule];
    if wanted.iter().all(|part| part.is_none()) {
        return None;
    }
    let fits =
        |part: &Option<String>, actual: &str| part.as_ref().is_none_or(|part| part == actual);
    let fitting = error.violations.iter().any(|violation| {
        fits(&expected.subject, &violation.subject)
            && fits(&expected.path, &violation.path)
            && fits(&expected.rule, &violation.rule)
    });
    if fitting {
        return None;
    }
    let show = |subject: &str, path: &str, rule: &str| format!("{subject}{path} ({rule})");
    let any = |part: &Option<String>| part.clone().unwrap_or_else(|| "*".to_owned());
    let actual: Vec<_> = error
        .violations
        .iter()
        .map(|violation| show(&violation.subject, &violation.path, &violation.rule))
        .collect();
    let expected = show(&any(&expected.subject), &any(&expected.path), &any(&expected.rule));
    Some(mismatch("violation", expected, actual.join("\n")))
}

fn at_place(expected: &ExpectedError, error: &Error) -> bool {
    let fits = |wanted: Option<u32>, actual: Option<u32>| wanted.is_none() || wanted == actual;
    let raised = expected.column.is_none() && fits(expected.line, error.line);
    raised
        || error.diagnostics.iter().any(|diagnostic| {
            fits(expected.line, diagnostic.line) && fits(expected.column, diagnostic.column)
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
