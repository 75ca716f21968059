//! The library's error texts as diagnostics and failures.

use regorus::unstable::Span;
use writ_model::Diagnostic;

use crate::Failure;

/// What the policy's own code is called among its modules.
pub(super) const FILE: &str = "policy.rego";
/// The path of the answer's module inside the library.
pub(super) const ANSWER_FILE: &str = "answer.rego";
/// How many columns a tab is to the library.
const TAB_COLUMNS: u32 = 4;

/// A finding at the start of a span.
pub(super) fn at(finding: Diagnostic, span: &Span) -> Diagnostic {
    let line = span.source.get_contents().lines().nth(span.line.saturating_sub(1) as usize);
    let place = (span.line.max(1), column(line.unwrap_or_default(), span.col));
    placed(finding, span.source.get_path(), place)
}

/// A finding at a place of a file. Those that are not the policy's own code stand in the message.
pub(super) fn placed(finding: Diagnostic, file: &str, (line, column): (u32, u32)) -> Diagnostic {
    if file == FILE {
        return finding.at(line, column);
    }
    let message = format!("{file}:{line}:{column}: {}", finding.message);
    Diagnostic { message, ..finding }
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
        Some((file, place)) => placed(finding, &file, place),
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
    let traceback = match &place {
        Some((file, (line, column))) => format!("{file}:{line}:{column}: {message}"),
        None => String::new(),
    };
    let (line, message) = match &place {
        Some((file, (line, _))) if file == FILE => (Some(*line), message),
        // A line alone would be looked for in the policy's own code.
        Some(_) => (None, traceback.clone()),
        None => (None, message),
    };
    Failure::Raised { kind: kind.to_owned(), message, line, traceback }
}

struct Explained {
    message: String,
    /// The file, its line and its column.
    place: Option<(String, (u32, u32))>,
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
    let place = text.split("--> ").skip(1).filter_map(frame).find(|(file, _)| file != ANSWER_FILE);
    // Nested errors repeat the frame; the innermost message says most.
    let message = text.rsplit_once("error: ").map_or(text, |(_, message)| message);
    let message = message.split("\n-->").next().unwrap_or(message).trim();
    Explained { message: tidy(message), place }
}

/// The place of a text that begins as `policy.rego:3:9` and goes on with its source line.
fn frame(text: &str) -> Option<(String, (u32, u32))> {
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
    fn a_place_in_another_module_stands_in_the_message() {
        let text = "\n--> answer.rego:2:1\n  |\n2 | r\n  | ^\nerror: x\n--> lib/net.rego:3:9\n  |\n3 | \tallow if (\n  |  ^\nerror: Two values.";
        let finding = compile_error(text);
        assert_eq!(
            (finding.line, finding.message.as_str()),
            (None, "lib/net.rego:3:6: two values")
        );
        let Failure::Raised { message, line, traceback, .. } = raised(text) else {
            panic!("not raised");
        };
        assert_eq!((line, &message), (None, &traceback));
        assert_eq!(message, "lib/net.rego:3:6: two values");
    }

    #[test]
    fn a_bare_error_stays_as_it_is_without_its_program_counter() {
        let Failure::Raised { message, line, .. } = raised("Cannot iterate over 1 (pc=12)") else {
            panic!("not raised");
        };
        assert_eq!((message.as_str(), line), ("cannot iterate over 1", None));
    }
}
