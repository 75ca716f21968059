//! The library's error texts as diagnostics and failures.

use regorus::unstable::Span;
use writ_model::Diagnostic;

use crate::Failure;

/// What the module is called inside the library; it appears in its error texts only.
pub(super) const FILE: &str = "policy.rego";
/// How many columns a tab is to the library.
const TAB_COLUMNS: u32 = 4;

/// A finding at the start of a span.
pub(super) fn at(finding: Diagnostic, span: &Span) -> Diagnostic {
    let line = span.source.get_contents().lines().nth(span.line.saturating_sub(1) as usize);
    finding.at(span.line.max(1), column(line.unwrap_or_default(), span.col))
}

/// The library counts a tab as four columns; editors and this platform count characters.
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
    // A place behind the line's end, as of a missing token, keeps its distance.
    characters + column.saturating_sub(at)
}

/// An error text of the compiler as a finding.
pub(super) fn compile_error(text: &str) -> Diagnostic {
    let Explained { message, place } = explain(text);
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
    match place {
        Some((line, column)) => finding.at(line, column),
        None => finding,
    }
}

/// An error text of the evaluator as a failure.
pub(super) fn raised(text: &str) -> Failure {
    let Explained { message, place } = explain(text);
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
    let traceback = match place {
        Some((line, column)) => format!("{FILE}:{line}:{column}: {message}"),
        None => String::new(),
    };
    Failure::Raised { kind: kind.to_owned(), message, line: place.map(|(line, _)| line), traceback }
}

struct Explained {
    message: String,
    place: Option<(u32, u32)>,
}

/// Takes a text apart that looks like this, or is a bare message:
///
/// ```text
/// --> policy.rego:3:9
///   |
/// 3 | allow if http.send(1)
///   |          ^
/// error: could not find function http.send
/// ```
fn explain(text: &str) -> Explained {
    let place = text.split_once(&format!("--> {FILE}:")).and_then(|(_, rest)| {
        let mut lines = rest.lines();
        let mut numbers = lines.next()?.splitn(2, ':');
        let (line, at): (u32, u32) = (numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?);
        let source =
            lines.nth(1).and_then(|framed| framed.split_once("| ")).map(|(_, source)| source);
        Some((line, column(source.unwrap_or_default(), at)))
    });
    // Nested errors repeat the frame; the innermost message says most.
    let message = text.rsplit_once("error: ").map_or(text, |(_, message)| message);
    let message = message.split("\n-->").next().unwrap_or(message).trim();
    Explained { message: tidy(message), place }
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
    fn a_framed_error_gives_its_place_and_message() {
        let cases =
            [("allow if (", 9, 9), ("\tallow if (", 13, 10), ("\t\té", 9, 3), ("\tx", 9, 6)];
        for (source, told, column) in cases {
            let text = format!(
                "\n--> policy.rego:3:{told}\n  |\n3 | {source}\n  |  ^\nerror: Expecting `)`."
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
    fn a_bare_error_stays_as_it_is_without_its_program_counter() {
        let Failure::Raised { message, line, .. } = raised("Cannot iterate over 1 (pc=12)") else {
            panic!("not raised");
        };
        assert_eq!((message.as_str(), line), ("cannot iterate over 1", None));
    }
}
