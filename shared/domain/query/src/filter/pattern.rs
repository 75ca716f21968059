//! `$regex`: a regular expression with linear matching time, and its literal prefix for an index.

use regex::{Regex, RegexBuilder};
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Hir, HirKind, Look};

use crate::bounds::{REGEX_COMPILED_BYTES_MAX, REGEX_TEXT_BYTES_MAX};
use crate::error::QueryErrorKind;

/// A compiled `$regex` with its `$options`.
#[derive(Clone, Debug)]
pub(crate) struct Pattern {
    regex: Regex,
    anchor: Option<Anchor>,
}

/// The literal with which every string that matches the pattern starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Anchor {
    /// The literal text, never empty.
    pub(crate) literal: String,
    /// Whether the string may continue after the literal.
    pub(crate) open: bool,
    /// Whether the literal alone decides the match.
    pub(crate) exact: bool,
}

#[derive(Clone, Copy, Default)]
struct Options {
    ignore_case: bool,
    multi_line: bool,
    dot_all: bool,
    extended: bool,
}

impl Options {
    fn parse(letters: &str) -> Result<Self, QueryErrorKind> {
        let mut options = Self::default();
        for letter in letters.chars() {
            match letter {
                'i' => options.ignore_case = true,
                'm' => options.multi_line = true,
                's' => options.dot_all = true,
                'x' => options.extended = true,
                letter => return Err(QueryErrorKind::RegexOption { letter }),
            }
        }
        Ok(options)
    }
}

impl Pattern {
    pub(super) fn parse(text: &str, letters: &str) -> Result<Self, QueryErrorKind> {
        let options = Options::parse(letters)?;
        if text.len() > REGEX_TEXT_BYTES_MAX {
            return Err(QueryErrorKind::TooMany {
                what: "bytes in `$regex`",
                max: REGEX_TEXT_BYTES_MAX,
            });
        }
        let regex = RegexBuilder::new(text)
            .case_insensitive(options.ignore_case)
            .multi_line(options.multi_line)
            .dot_matches_new_line(options.dot_all)
            .ignore_whitespace(options.extended)
            .size_limit(REGEX_COMPILED_BYTES_MAX)
            .dfa_size_limit(REGEX_COMPILED_BYTES_MAX)
            .build()
            .map_err(|error| QueryErrorKind::Regex { message: explain(&error) })?;
        let anchor = ParserBuilder::new()
            .case_insensitive(options.ignore_case)
            .multi_line(options.multi_line)
            .dot_matches_new_line(options.dot_all)
            .ignore_whitespace(options.extended)
            .build()
            .parse(text)
            .ok()
            .and_then(|hir| anchor_of(&hir));
        Ok(Self { regex, anchor })
    }

    pub(crate) fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    pub(crate) fn anchor(&self) -> Option<&Anchor> {
        self.anchor.as_ref()
    }
}

fn explain(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(max) => {
            format!("compiled it needs more than {max} bytes; shorten its repetitions")
        }
        // The parser prints the pattern over several lines; the last line holds the message.
        error => {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            last.strip_prefix("error: ").unwrap_or(last).to_owned()
        }
    }
}

fn anchor_of(hir: &Hir) -> Option<Anchor> {
    let HirKind::Concat(parts) = hir.kind() else {
        return None;
    };
    let [start, literal, rest @ ..] = parts.as_slice() else {
        return None;
    };
    let (HirKind::Look(Look::Start), HirKind::Literal(literal)) = (start.kind(), literal.kind())
    else {
        return None;
    };
    let literal = String::from_utf8(literal.0.to_vec()).ok()?;
    let ends = matches!(rest, [end] if matches!(end.kind(), HirKind::Look(Look::End)));
    Some(Anchor { literal, open: !ends, exact: ends || rest.is_empty() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anchor(text: &str, options: &str) -> Option<(String, bool, bool)> {
        let pattern = Pattern::parse(text, options).unwrap();
        pattern.anchor().map(|anchor| (anchor.literal.clone(), anchor.open, anchor.exact))
    }

    #[test]
    fn an_anchored_literal_is_found_where_it_is_certain() {
        for (text, options, want) in [
            ("^rate", "", Some(("rate", true, true))),
            ("^rate_.*x", "", Some(("rate_", true, false))),
            (r"^a\.b$", "", Some(("a.b", false, true))),
            ("^abc?", "", Some(("ab", true, false))),
            ("^ab{0,3}", "", Some(("a", true, false))),
            ("^ a b", "x", Some(("ab", true, true))),
            ("^é", "s", Some(("é", true, true))),
        ] {
            let want = want.map(|(literal, open, exact)| (literal.to_owned(), open, exact));
            assert_eq!(anchor(text, options), want, "{text}");
        }
    }

    #[test]
    fn no_literal_is_claimed_where_a_match_may_start_otherwise() {
        for (text, options) in [
            ("rate", ""),
            ("^rate", "i"),
            ("(?i)^rate", ""),
            ("^rate", "m"),
            ("^a|b", ""),
            ("^a|^b", ""),
            ("^a?b", ""),
            ("^[ab]c", ""),
            ("^", ""),
            ("", ""),
        ] {
            assert_eq!(anchor(text, options), None, "{text}");
        }
    }

    #[test]
    fn an_explosive_pattern_is_refused() {
        for text in [r"(\w{200}){200}", "((a{100}){100}){100}"] {
            assert!(
                matches!(Pattern::parse(text, ""), Err(QueryErrorKind::Regex { .. })),
                "{text}"
            );
        }
        assert!(matches!(
            Pattern::parse(&"a".repeat(5000), ""),
            Err(QueryErrorKind::TooMany { .. })
        ));
    }
}
