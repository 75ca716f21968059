//! Conversion of the library's error texts to diagnostics and failures.

use regorus::unstable::Span;
use writ_model::Diagnostic;

use crate::Failure;

/// The file name of the policy's own code among its modules.
pub(super) const FILE: &str = "policy.rego";
/// The file name of the answer module.
pub(super) const ANSWER_FILE: &str = "answer.rego";
/// The columns that the library counts for a tab.
const TAB_COLUMNS: u32 = 4;

/// Adds the start of a span to a diagnostic as its location.
pub(super) fn at(finding: Diagnostic, span: &Span) -> Diagnostic {
    let line = span.source.get_contents().lines().nth(span.line.saturating_sub(1) as usize);
    let location = (span.line.max(1), column(line.unwrap_or_default(), span.col));
    with_location(finding, span.source.get_path(), location)
}

/// Adds a location to a diagnostic. A location in another file than the policy's own code is put into
/// the message.
pub(super) fn with_location(
    finding: Diagnostic,
    file: &str,
    (line, column): (u32, u32),
) -> Diagnostic {
    if file == FILE {
        return finding.at(line, column);
    }
    let message = format!("{file}:{line}:{column}: {}", finding.message);
    Diagnostic { message, ..finding }
}

/// Converts a column: the library counts a tab as four columns, this platform counts characters.
fn column(line: &str, column: u32) -> u32 {
    let mut at = 1;
    let mut characters = 1;
    for character in line.chars() {
        if at >= column {
            break;
        }
        at += if character == '\t' { TAB_COLUMNS } else { 1 };
        characters += 1;
    }
    // A location behind the line's end, as of a missing token, keeps its distance.
    characters + column.saturating_sub(at)
}

/// Converts an error text of the compiler to a diagnostic.
pub(super) fn compile_error(text: &str) -> Diagnostic {
    let ErrorReport { message, location } = parse_report(text);
    let (code, message, help) = match () {
        () if message.contains("unsafe") || message.contains("before definition") => (
            "rego.unsafe-variable",
            message,
            Some("give the variable a value in a positive expression of the same body"),
        ),
        () if message.contains("depth") => (
            "rego.too-deep",
            message,
            Some("give parts of the expression to rules or variables of their own"),
        ),
        () => ("rego.syntax", message, None),
    };
    let finding = Diagnostic::error(code, message);
    let finding = help.into_iter().fold(finding, Diagnostic::help);
    match location {
        Some((file, location)) => with_location(finding, &file, location),
        None => finding,
    }
}

/// Converts an error text of the evaluator to a failure.
pub(super) fn policy_error(text: &str) -> Failure {
    let ErrorReport { message, location } = parse_report(text);
    let kind = match () {
        () if message.contains("multiple outputs")
            || message.contains("generated multiple times")
            || message.contains("conflict") =>
        {
            "rego.conflict"
        }
        () if message.contains("recursion") => "rego.recursion",
        () => "rego.evaluation",
    };
    let traceback = match &location {
        Some((file, (line, column))) => format!("{file}:{line}:{column}: {message}"),
        None => String::new(),
    };
    let (line, message) = match &location {
        Some((file, (line, _))) if file == FILE => (Some(*line), message),
        // A line number alone would refer to the policy's own code.
        Some(_) => (None, traceback.clone()),
        None => (None, message),
    };
    Failure::Raised { kind: kind.to_owned(), message, line, traceback }
}

struct ErrorReport {
    message: String,
    /// The file, and the one-based line and column in it.
    location: Option<(String, (u32, u32))>,
}

/// Parses a text of this form, or a bare message:
///
/// ```text
/// --> policy.rego:3:9
///   |
/// 3 | allow if http.send(1)
///   |          ^
/// error: could not find function http.send
/// ```
fn parse_report(text: &str) -> ErrorReport {
    let location =
        text.split("--> ").skip(1).filter_map(parse_location).find(|(file, _)| file != ANSWER_FILE);
    // Nested errors repeat the frame; the innermost message is the most specific.
    let message = text.rsplit_once("error: ").map_or(text, |(_, message)| message);
    let message = message.split("\n-->").next().unwrap_or(message).trim();
    ErrorReport { message: tidy(message), location }
}

/// The location of a text that starts with `policy.rego:3:9`, followed by its source line.
fn parse_location(text: &str) -> Option<(String, (u32, u32))> {
    let mut lines = text.lines();
    let mut parts = lines.next()?.splitn(3, ':');
    let file = parts.next()?.to_owned();
    let (line, at): (u32, u32) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let source = lines.nth(1).and_then(|framed| framed.split_once("| ")).map(|(_, source)| source);
    Some((file, (line, column(source.unwrap_or_default(), at))))
}

/// Lowercase, no period, no program counter, one line.
fn tidy(message: &str) -> String {
    let message = message.split(" (pc=").next().unwrap_or(message);
    let mut message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    while message.ends_with('.') {
        message.pop();
    }
    let mut letters = message.chars();
    match letters.next() {
        Some(first) if !letters.as_str().starts_with(|next: char| next.is_uppercase()) => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_framed_error_gives_its_location_and_message() {
        let cases =
            [("allow if (", 9, 9), ("\tallow if (", 13, 10), ("\t\té", 9, 3), ("\tx", 9, 6)];
        for (source, reported, column) in cases {
            let text = format!(
                "\n--> policy.rego:3:{reported}\n  |\n3 | {source}\n  |  ^\nerror: Expecting `)`."
            );
            let finding = compile_error(&text);
            assert_eq!(
                (finding.line, finding.column, finding.message.as_str()),
                (Some(3), Some(column), "expecting `)`"),
                "{source}"
            );
        }
    }

    #[test]
    fn a_location_in_another_module_is_in_the_message() {
        let text = "\n--> answer.rego:2:1\n  |\n2 | r\n  | ^\nerror: x\n--> lib/net.rego:3:9\n  |\n3 | \tallow if (\n  |  ^\nerror: Two values.";
        let finding = compile_error(text);
        assert_eq!(
            (finding.line, finding.message.as_str()),
            (None, "lib/net.rego:3:6: two values")
        );
        let Failure::Raised { message, line, traceback, .. } = policy_error(text) else {
            panic!("not raised");
        };
        assert_eq!((line, &message), (None, &traceback));
        assert_eq!(message, "lib/net.rego:3:6: two values");
    }

    #[test]
    fn a_bare_error_stays_as_it_is_without_its_program_counter() {
        let Failure::Raised { message, line, .. } = policy_error("Cannot iterate over 1 (pc=12)")
        else {
            panic!("not raised");
        };
        assert_eq!((message.as_str(), line), ("cannot iterate over 1", None));
    }
}
