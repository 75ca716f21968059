//! A bound on the depth of an expression's syntax tree, computed from its text before parsing:
//! parsers, evaluators and the tree's destructor recurse, and a stack overflow gives no diagnostic.
//!
//! The computed depth is an upper bound. A chain of operators, selections or calls is as deep as it
//! is long, because each one contains all that precede it; the elements of a list are siblings.

/// The deepest nesting of brackets. Measured: 94 of CEL's, its parser's own bound, need less than
/// 1 MiB of stack in a debug build, 200 of Cedar's less than 8 MiB.
const BRACKETS_MAX: usize = 64;
/// The greatest depth of a tree. Measured: chains of 4,000 operators fit into 8 MiB of stack in a debug build,
/// and workers have 64.
const DEPTH_MAX: usize = 1_000;
/// The depth that one condition of CEL counts for: its parser takes ten frames for each. Measured:
/// 200 of them fit into 8 MiB.
const CONDITION: usize = 8;

/// The language of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Policies and schemas: `&&` and `||` are chains as well, `if` may follow `else`.
    Cedar,
    /// `&&` and `||` are balanced by the parser, strings have several forms.
    Cel,
}

/// A location where a text is nested too deep, and why.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TooDeep {
    pub(crate) offset: usize,
    pub(crate) message: String,
}

/// Checks that no location of a text is nested too deep. It accepts malformed text, which the parser
/// reports.
///
/// # Errors
/// The first location that is too deep.
pub(crate) fn check(text: &str, dialect: Dialect) -> Result<(), TooDeep> {
    let mut scan = Scan { dialect, outer: Vec::new(), level: Level::default(), above: 0 };
    let bytes = text.as_bytes();
    let mut position = 0;
    while let Some(&byte) = bytes.get(position) {
        let end = token_end(bytes, position, dialect);
        let token = bytes.get(position..end).unwrap_or_default();
        let excess = match byte {
            _ if is_opaque(token) => None,
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => scan.word(token),
            byte => scan.operator(byte, bytes.get(position.wrapping_sub(1)).copied()),
        };
        if let Some(message) = excess {
            return Err(TooDeep { offset: position, message });
        }
        position = end;
    }
    Ok(())
}

/// The one-based line and column, in characters, of a byte offset.
pub(crate) fn line_column(text: &str, offset: usize) -> (u32, u32) {
    let before = text.get(..text.floor_char_boundary(offset)).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    let line = before.matches('\n').count() + 1;
    (u32::try_from(line).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX))
}

/// The state of one pair of brackets, or of the text outside of all brackets.
#[derive(Default)]
struct Level {
    /// Operators that bind weakest, in the current element.
    weak: usize,
    /// The depth of the deepest operand so far in the current element.
    operand: usize,
    /// Operators of the current operand.
    strong: usize,
    /// The depth of the deepest brackets in the current operand.
    inner: usize,
    /// The depth of the deepest element so far.
    element: usize,
}

impl Level {
    fn depth(&self) -> usize {
        self.weak + self.operand.max(self.strong + self.inner)
    }

    fn end_operand(&mut self) {
        self.operand = self.operand.max(self.strong + self.inner);
        (self.strong, self.inner) = (0, 0);
    }

    fn end_element(&mut self) {
        *self = Self { element: self.element.max(self.depth()), ..Self::default() };
    }
}

struct Scan {
    dialect: Dialect,
    outer: Vec<Level>,
    level: Level,
    /// The operators of the outer levels that contain this one.
    above: usize,
}

impl Scan {
    fn word(&mut self, word: &[u8]) -> Option<String> {
        match (self.dialect, word) {
            (_, b"in") | (Dialect::Cedar, b"has" | b"like" | b"is") => self.level.strong += 1,
            (Dialect::Cedar, b"if" | b"then" | b"else") => {
                self.level.end_operand();
                self.level.weak += usize::from(word == b"if");
            }
            _ => {}
        }
        self.excess()
    }

    fn operator(&mut self, byte: u8, before: Option<u8>) -> Option<String> {
        match (byte, before) {
            (b'(' | b'[' | b'{', _) => return self.open(),
            (b')' | b']' | b'}', _) => self.close(),
            (b',' | b';', _) => self.level.end_element(),
            // The second of two, as in `==` and `&&`.
            (b'=', Some(b'=' | b'!' | b'<' | b'>')) | (b'&', Some(b'&')) | (b'|', Some(b'|')) => {}
            (b'&' | b'|', _) => {
                self.level.end_operand();
                self.level.weak += usize::from(self.dialect == Dialect::Cedar);
            }
            // `a.?b`, `a[?b]`, `[?a]`, `{?a: b}` are no conditions.
            (b'?', Some(b'.' | b'[' | b'{' | b',')) => {}
            (b'?', _) => {
                self.level.end_operand();
                self.level.weak += CONDITION;
            }
            (b':', _) => self.level.end_operand(),
            (b'+' | b'-' | b'*' | b'/' | b'%' | b'<' | b'>' | b'=' | b'!' | b'.', _) => {
                self.level.strong += 1;
            }
            _ => {}
        }
        self.excess()
    }

    fn open(&mut self) -> Option<String> {
        // As in `f(x)` and `a[0]`, a bracket may contain the expression before it.
        self.level.strong += 1;
        self.above += self.level.weak + self.level.strong;
        self.outer.push(std::mem::take(&mut self.level));
        if self.outer.len() > BRACKETS_MAX {
            return Some(format!("brackets are nested more than {BRACKETS_MAX} deep"));
        }
        self.excess()
    }

    fn close(&mut self) {
        let Some(outer) = self.outer.pop() else { return };
        self.level.end_element();
        let depth = self.level.element;
        self.level = outer;
        self.above = self.above.saturating_sub(self.level.weak + self.level.strong);
        self.level.inner = self.level.inner.max(depth);
    }

    fn excess(&self) -> Option<String> {
        let deep = self.above + self.level.depth() > DEPTH_MAX;
        deep.then(|| {
            format!("operators, calls and conditions are nested more than {DEPTH_MAX} deep")
        })
    }
}

/// Whether a token is a comment or a string, which hold no operators.
fn is_opaque(token: &[u8]) -> bool {
    token.starts_with(b"//")
        || matches!(token.last(), Some(b'"' | b'\'' | b'`'))
        || matches!(token.first(), Some(b'"' | b'\'' | b'`'))
}

/// The end of the comment, string, word, number or operator that starts at `from`.
fn token_end(bytes: &[u8], from: usize, dialect: Dialect) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    match rest {
        [b'/', b'/', ..] => from + rest.iter().take_while(|&&byte| byte != b'\n').count(),
        [b'"', ..] => string_end(bytes, from, dialect, false),
        [b'\'', ..] if dialect == Dialect::Cel => string_end(bytes, from, dialect, false),
        [b'`', ..] if dialect == Dialect::Cel => {
            from + 1 + rest.iter().skip(1).take_while(|&&byte| byte != b'`').count() + 1
        }
        [first, ..] if first.is_ascii_alphanumeric() || *first == b'_' => {
            let is_number = first.is_ascii_digit();
            let mut end = from + 1;
            while let Some(byte) = bytes.get(end) {
                let is_point = is_number
                    && *byte == b'.'
                    && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
                if !(byte.is_ascii_alphanumeric() || *byte == b'_' || is_point) {
                    break;
                }
                end += 1;
            }
            let prefix = bytes.get(from..end).unwrap_or_default();
            match bytes.get(end) {
                Some(b'"' | b'\'') if dialect == Dialect::Cel && prefix.len() <= 2 => {
                    string_end(bytes, end, dialect, prefix.iter().any(|b| b"rR".contains(b)))
                }
                _ => end,
            }
        }
        _ => from + 1,
    }
    .min(bytes.len())
}

/// The end of the string with its first quote at `from`; the end of the text if it is unterminated.
fn string_end(bytes: &[u8], from: usize, dialect: Dialect, raw: bool) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    let Some(&quote) = rest.first() else { return bytes.len() };
    let triple = [quote; 3];
    let quotes: &[u8] = if dialect == Dialect::Cel && rest.starts_with(&triple) {
        &triple
    } else {
        triple.get(..1).unwrap_or_default()
    };
    let mut position = from + quotes.len();
    while let Some(rest) = bytes.get(position..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(quotes) {
            return position + quotes.len();
        }
        position += if rest.starts_with(b"\\") && !raw { 2 } else { 1 };
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excess(text: &str, dialect: Dialect) -> Option<usize> {
        check(text, dialect).err().map(|deep| deep.offset)
    }

    #[test]
    fn chains_and_brackets_are_bounded_where_they_exceed() {
        let both = [Dialect::Cedar, Dialect::Cel];
        for dialect in both {
            for (link, allowed) in [(" + 1", 1000), (".a", 1000), ("[0]", 1000), (" == 1", 1000)] {
                let chain = |length: usize| format!("1{}", link.repeat(length));
                assert_eq!(excess(&chain(allowed), dialect), None, "{dialect:?} {link}");
                let offset = excess(&chain(allowed + 1), dialect);
                assert!(offset.is_some_and(|at| at > allowed * link.len()), "{dialect:?} {link}");
            }
            assert_eq!(excess(&"(".repeat(64), dialect), None);
            assert_eq!(excess(&"[".repeat(65), dialect), Some(64));
            assert!(excess(&"!".repeat(1001), dialect).is_some());
        }
        let conditions = |count: usize| "a ? b : ".repeat(count) + "c";
        assert_eq!(excess(&conditions(125), Dialect::Cel), None);
        assert!(excess(&conditions(126), Dialect::Cel).is_some());
        let branches = |count: usize| "if a then b else ".repeat(count) + "c";
        assert_eq!(excess(&branches(1000), Dialect::Cedar), None);
        assert!(excess(&branches(1001), Dialect::Cedar).is_some());
        assert!(excess(&"a || ".repeat(1001), Dialect::Cedar).is_some());
    }

    #[test]
    fn depth_adds_up_through_brackets_in_either_order() {
        let sum = |count: usize| format!("1{}", " + 1".repeat(count));
        for dialect in [Dialect::Cedar, Dialect::Cel] {
            for text in [
                format!("({}){}", sum(600), " + 1".repeat(600)),
                format!("{} + ({})", sum(600), sum(600)),
                format!("[({}).a.b, 1]{}", sum(600), " + 1".repeat(600)),
                format!("f({}){}", sum(600), ".a".repeat(600)),
            ] {
                assert!(excess(&text, dialect).is_some(), "{dialect:?} {}", &text[..20]);
            }
        }
    }

    #[test]
    fn siblings_comments_and_strings_are_not_counted() {
        let sum = "1 + 1 == 2";
        let many = |separator: &str| [sum; 5000].join(separator);
        for (dialect, text) in [
            (Dialect::Cel, format!("[{}]", many(", "))),
            (Dialect::Cel, many(" && ")),
            (Dialect::Cel, format!("{} ? {} : {}", many(" || "), sum, sum)),
            (Dialect::Cel, format!("{{{}}}", vec!["?'k': a.?b"; 5000].join(","))),
            (Dialect::Cedar, many(";\n")),
            (Dialect::Cedar, format!("// {}\ntrue", many(" + "))),
            (Dialect::Cel, format!("1 // {}", "(".repeat(5000))),
            (
                Dialect::Cel,
                format!("'{}' + r'\\' + \"\\\"{0}\" + '''{0}''' + b'{0}'", "[".repeat(5000)),
            ),
            (Dialect::Cedar, format!("\"\\\"{}\"", "[".repeat(5000))),
            (Dialect::Cel, format!("a.`{}`", "(".repeat(5000))),
            (Dialect::Cel, format!("r\"\"\"{0}\\\"\"\" + \"{0}\"", "(".repeat(5000))),
        ] {
            assert_eq!(check(&text, dialect), Ok(()), "{}", &text[..20]);
        }
        assert!(check(&many(" + "), Dialect::Cel).is_err());
    }

    #[test]
    fn a_location_counts_characters() {
        assert_eq!(line_column("é\né(", "é\né".len()), (2, 2));
        assert_eq!(line_column("ab", 99), (1, 3));
    }
}
