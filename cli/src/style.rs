//! Text styles, and the removal of control characters from foreign text.
//!
//! Styled text is written through `anstream`, which strips the styles if the stream is not a
//! terminal.

use anstyle::{AnsiColor, Style};

pub(crate) const ERROR: Style = AnsiColor::BrightRed.on_default().bold();
pub(crate) const WARNING: Style = AnsiColor::BrightYellow.on_default().bold();
pub(crate) const SUCCESS: Style = AnsiColor::BrightGreen.on_default();
pub(crate) const FRAME: Style = AnsiColor::BrightBlue.on_default().bold();
pub(crate) const REMOVED: Style = AnsiColor::BrightRed.on_default();
pub(crate) const ADDED: Style = AnsiColor::BrightGreen.on_default();
pub(crate) const BOLD: Style = Style::new().bold();

/// Wraps text in the escape sequences of a style.
pub(crate) fn apply_style(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Replaces control characters except line breaks and tabs: text of a policy or its author must not
/// control the terminal.
pub(crate) fn sanitize(text: &str) -> String {
    let replace = |c: char| {
        if c.is_control() && c != '\n' && c != '\t' { char::REPLACEMENT_CHARACTER } else { c }
    };
    text.chars().map(replace).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_of_others_do_not_reach_the_terminal() {
        assert_eq!(sanitize("a\u{1b}[2Jb\n\tc\u{9b}"), "a\u{fffd}[2Jb\n\tc\u{fffd}");
    }
}
