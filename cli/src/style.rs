//! Colours, and what a terminal may be shown.
//!
//! Styled text goes through `anstream`, which takes the styling away where nobody can see it.

use anstyle::{AnsiColor, Style};

pub(crate) const ERROR: Style = AnsiColor::BrightRed.on_default().bold();
pub(crate) const WARNING: Style = AnsiColor::BrightYellow.on_default().bold();
pub(crate) const GOOD: Style = AnsiColor::BrightGreen.on_default();
pub(crate) const FRAME: Style = AnsiColor::BrightBlue.on_default().bold();
pub(crate) const REMOVED: Style = AnsiColor::BrightRed.on_default();
pub(crate) const ADDED: Style = AnsiColor::BrightGreen.on_default();
pub(crate) const STRONG: Style = Style::new().bold();

/// `text` in a style.
pub(crate) fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// `text` without control characters but line breaks and tabs: what a policy printed or its author
/// wrote must not steer the reader's terminal.
pub(crate) fn harmless(text: &str) -> String {
    let shown = |c: char| {
        if c.is_control() && c != '\n' && c != '\t' { char::REPLACEMENT_CHARACTER } else { c }
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_of_others_do_not_reach_the_terminal() {
        assert_eq!(harmless("a\u{1b}[2Jb\n\tc\u{9b}"), "a\u{fffd}[2Jb\n\tc\u{fffd}");
    }
}
