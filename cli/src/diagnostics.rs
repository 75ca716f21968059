//! Diagnostics in the format of `rustc` and `cargo`: message, location, source line, help.

use std::fmt::Write as _;

use writ_model::{Diagnostic, Severity};

use crate::style::{BOLD, ERROR, FRAME, WARNING, apply_style, sanitize};

/// A tab is printed as four spaces, so that the caret is below its column.
const TAB: &str = "    ";

/// The source that diagnostics are about.
pub(crate) struct Listing<'a> {
    /// The name of the source in locations, as `policy.py` or `policy.json#/code`.
    pub(crate) name: &'a str,
    pub(crate) text: &'a str,
}

impl Listing<'_> {
    /// Renders one diagnostic as styled text.
    pub(crate) fn render(&self, diagnostic: &Diagnostic) -> String {
        let style = match diagnostic.severity {
            Severity::Error => ERROR,
            Severity::Warning => WARNING,
        };
        let head = format!("{}[{}]", severity(diagnostic.severity), diagnostic.code);
        let mut out = format!(
            "{}: {}\n",
            apply_style(style, &head),
            apply_style(BOLD, &sanitize(&diagnostic.message))
        );
        let number = diagnostic.line.map(|line| line.to_string()).unwrap_or_default();
        let gutter = " ".repeat(number.len().max(1));
        let _ =
            writeln!(out, "{gutter}{} {}", apply_style(FRAME, "-->"), self.location(diagnostic));
        if let Some(line) = diagnostic.line.and_then(|line| self.line(line)) {
            let bar = apply_style(FRAME, "|");
            let _ = writeln!(out, "{gutter} {bar}");
            let source = sanitize(line).replace('\t', TAB);
            let _ = writeln!(out, "{} {bar} {source}", apply_style(FRAME, &number));
            if let Some(column) = diagnostic.column {
                let caret = format!("{}{}", indent(line, column), apply_style(style, "^"));
                let _ = writeln!(out, "{gutter} {bar} {caret}");
            }
        }
        if let Some(help) = &diagnostic.help {
            let _ = writeln!(
                out,
                "{gutter} {} {}: {}",
                apply_style(FRAME, "="),
                apply_style(BOLD, "help"),
                sanitize(help)
            );
        }
        out
    }

    fn location(&self, diagnostic: &Diagnostic) -> String {
        match (diagnostic.line, diagnostic.column) {
            (Some(line), Some(column)) => format!("{}:{line}:{column}", self.name),
            (Some(line), None) => format!("{}:{line}", self.name),
            _ => self.name.to_owned(),
        }
    }

    /// Returns the line with this one-based number, if there is one.
    fn line(&self, number: u32) -> Option<&str> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        self.text.lines().nth(index)
    }
}

/// The name of a severity, as in `error[python.syntax]`.
pub(crate) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// White space up to the one-based column, at most up to the end of the line.
fn indent(line: &str, column: u32) -> String {
    let before = usize::try_from(column).unwrap_or(usize::MAX).saturating_sub(1);
    line.chars().take(before).map(|c| if c == '\t' { TAB } else { " " }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::tests::plain;

    const SOURCE: &str =
        "class P:\n\tdef eval(self):\n\t\tretrun 1\n    pass\n5\n6\n7\n8\n9\nimport socket\n";

    #[test]
    fn a_finding_is_shown_with_its_line_and_a_caret() {
        let cases = [
            (
                Diagnostic::error("python.syntax", "invalid syntax").at(3, 10),
                "error[python.syntax]: invalid syntax\n \
                 --> policy.py:3:10\n  \
                 |\n\
                 3 |         retrun 1\n  \
                 |                ^\n",
            ),
            (
                Diagnostic::warning("python.import", "`socket` is not there")
                    .at(10, 1)
                    .help("a policy has no network"),
                "warning[python.import]: `socket` is not there\n  \
                 --> policy.py:10:1\n   \
                 |\n\
                 10 | import socket\n   \
                 | ^\n   \
                 = help: a policy has no network\n",
            ),
            (
                Diagnostic::error("python.no-class", "there is no class with `eval`"),
                "error[python.no-class]: there is no class with `eval`\n \
                 --> policy.py\n",
            ),
            (
                Diagnostic::error("python.syntax", "unexpected end").at(99, 1),
                "error[python.syntax]: unexpected end\n  \
                 --> policy.py:99:1\n",
            ),
            (
                Diagnostic::error("python.syntax", "expected `:`").at(4, 999),
                "error[python.syntax]: expected `:`\n \
                 --> policy.py:4:999\n  \
                 |\n\
                 4 |     pass\n  \
                 |         ^\n",
            ),
        ];
        for (diagnostic, expected) in cases {
            let listing = Listing { name: "policy.py", text: SOURCE };
            assert_eq!(plain(&listing.render(&diagnostic)), expected);
        }
    }
}
