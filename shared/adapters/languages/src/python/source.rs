//! Source text: a line index, and the bounds that are checked before parsing.
//!
//! The parser and the code generator recurse, so text that nests too deep would overflow the stack
//! and abort the process. [`too_deep`] bounds the depth with one flat pass over the text.

use writ_model::Diagnostic;

/// The longest source, in bytes; the largest generated policy that is known has 300 KiB.
const SOURCE_BYTES_MAX: usize = 2 << 20;
/// The deepest nesting of brackets; CPython's own limit on parentheses is 200.
const BRACKETS_MAX: usize = 100;
/// CPython's limit on indentation.
const INDENTS_MAX: usize = 100;
/// Operators that may nest inside each other in one expression, brackets included.
const OPERATORS_MAX: usize = 400;

/// Converts byte offsets to lines and columns.
#[derive(Debug)]
pub(super) struct LineIndex<'a> {
    source: &'a str,
    starts: Vec<usize>,
}

impl<'a> LineIndex<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        let ends = source.bytes().enumerate().filter(|&(_, byte)| byte == b'\n');
        let starts = std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect();
        Self { source, starts }
    }

    /// The one-based line of a byte offset.
    pub(super) fn line(&self, offset: usize) -> u32 {
        u32::try_from(self.starts.partition_point(|&start| start <= offset)).unwrap_or(u32::MAX)
    }

    /// The one-based line, and the one-based column in characters.
    pub(super) fn line_column(&self, offset: usize) -> (u32, u32) {
        let line = self.line(offset);
        let start = self.starts.get(line as usize - 1).copied().unwrap_or(0);
        let before = self.source.get(start..offset).unwrap_or_default().chars().count();
        (line, u32::try_from(before + 1).unwrap_or(u32::MAX))
    }
}

/// The diagnostic of a source that is too long or could overflow the parser's stack.
pub(super) fn too_deep(source: &str) -> Option<Diagnostic> {
    if source.len() > SOURCE_BYTES_MAX {
        let text =
            format!("the source has {} bytes; the limit is {SOURCE_BYTES_MAX}", source.len());
        return Some(
            Diagnostic::error("python.too-large", text)
                .help("pass large tables in `policy_settings` instead of code"),
        );
    }
    let mut scan = Scan::default();
    let (offset, what, help) = scan.run(source)?;
    let (line, column) = LineIndex::new(source).line_column(offset);
    Some(Diagnostic::error("python.too-deep", what).at(line, column).help(help))
}

type Finding = (usize, String, &'static str);

/// The state of the scan. Text inside strings is counted in f-strings only, and roughly: their
/// braces nest.
#[derive(Default)]
struct Scan {
    /// Operators since the last separator, for each open bracket; the first entry is the line
    /// outside of brackets.
    open: Vec<Level>,
    indents: Vec<usize>,
}

#[derive(Clone, Copy, Default)]
struct Level {
    /// Binary operators and postfixes: a comma, or `and` and `or`, starts a new chain.
    chain: usize,
    /// `lambda`, `else`, `not`, `await`: their chains run through commas.
    prefix: usize,
}

impl Scan {
    fn run(&mut self, source: &str) -> Option<Finding> {
        self.open.push(Level::default());
        let bytes = source.as_bytes();
        let (mut at, mut fresh_line) = (0, true);
        while let Some(&byte) = bytes.get(at) {
            if fresh_line {
                fresh_line = false;
                if let Some(found) = self.indent(bytes, at) {
                    return Some(found);
                }
            }
            let start = at;
            at = match byte {
                b'#' => end_of_line(bytes, at),
                b'\'' | b'"' => end_of_string(bytes, at),
                b'\\' => at + 2,
                b'_' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | 0x80.. => self.word(bytes, at),
                b'\n' => {
                    if self.open.len() == 1 {
                        self.open = vec![Level::default()];
                        fresh_line = true;
                    }
                    at + 1
                }
                _ => self.symbol(bytes, at),
            };
            if let Some(found) = self.excess(start) {
                return Some(found);
            }
        }
        None
    }

    fn indent(&mut self, bytes: &[u8], at: usize) -> Option<Finding> {
        let rest = bytes.get(at..).unwrap_or_default();
        let width = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        if matches!(rest.get(width), None | Some(b'\n' | b'\r' | b'#')) {
            return None;
        }
        while self.indents.last().is_some_and(|&last| last > width) {
            self.indents.pop();
        }
        if self.indents.last().copied().unwrap_or(0) < width {
            self.indents.push(width);
        }
        let what = format!("more than {INDENTS_MAX} levels of indentation");
        (self.indents.len() > INDENTS_MAX).then_some((
            at,
            what,
            "move the inner blocks into methods",
        ))
    }

    fn update_level(&mut self, change: impl FnOnce(&mut Level)) {
        if let Some(level) = self.open.last_mut() {
            change(level);
        }
    }

    fn word(&mut self, bytes: &[u8], at: usize) -> usize {
        let rest = bytes.get(at..).unwrap_or_default();
        let length = rest
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_' || **byte >= 0x80);
        let end = at + length.count();
        match bytes.get(at..end).unwrap_or_default() {
            b"and" | b"or" => self.update_level(|level| level.chain = 0),
            b"lambda" | b"else" | b"not" | b"await" | b"yield" => {
                self.update_level(|level| level.prefix += 1)
            }
            _ => {}
        }
        end
    }

    fn symbol(&mut self, bytes: &[u8], at: usize) -> usize {
        match bytes.get(at).copied().unwrap_or_default() {
            b'(' | b'[' | b'{' => self.open.push(Level::default()),
            b')' | b']' | b'}' => {
                if self.open.len() > 1 {
                    self.open.pop();
                }
                // `f()()()` and `x[0][0]` nest to the left.
                self.update_level(|level| level.chain += 1);
            }
            b',' => self.update_level(|level| level.chain = 0),
            b';' => self.update_level(|level| *level = Level::default()),
            b'+' | b'-' | b'*' | b'/' | b'%' | b'@' | b'&' | b'|' | b'^' | b'~' | b'<' | b'>'
            | b'.' | b'!' => {
                self.update_level(|level| level.chain += 1);
            }
            _ => {}
        }
        at + 1
    }

    fn excess(&self, at: usize) -> Option<Finding> {
        let brackets = self.open.len() - 1;
        if brackets > BRACKETS_MAX {
            let what = format!("more than {BRACKETS_MAX} nested brackets");
            return Some((at, what, "name the inner parts: assign them to variables first"));
        }
        let operators: usize = self.open.iter().map(|level| level.chain + level.prefix).sum();
        let what = || format!("an expression of more than {OPERATORS_MAX} chained operators");
        let help = "split the expression: use `sum`, `\"\".join`, `any`, a list or a loop";
        (operators > OPERATORS_MAX).then(|| (at, what(), help))
    }
}

fn end_of_line(bytes: &[u8], at: usize) -> usize {
    bytes
        .get(at..)
        .and_then(|rest| rest.iter().position(|&byte| byte == b'\n'))
        .map_or(bytes.len(), |n| at + n)
}

/// The offset after the string with its first quote at `at`. A raw string may end a little early or
/// late by its backslashes; the parser decides.
fn end_of_string(bytes: &[u8], at: usize) -> usize {
    let quote = bytes.get(at).copied().unwrap_or(b'"');
    let triple = bytes.get(at + 1) == Some(&quote) && bytes.get(at + 2) == Some(&quote);
    let mut next = at + if triple { 3 } else { 1 };
    while let Some(&byte) = bytes.get(next) {
        match byte {
            b'\\' => next += 1,
            b'\n' if !triple => return next,
            _ if byte == quote && !triple => return next + 1,
            _ if byte == quote
                && bytes.get(next + 1) == Some(&quote)
                && bytes.get(next + 2) == Some(&quote) =>
            {
                return next + 3;
            }
            _ => {}
        }
        next += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations_count_characters_not_bytes() {
        let source = "a\nüber = 1\n";
        let line_index = LineIndex::new(source);
        assert_eq!(line_index.line_column(source.find("= 1").unwrap()), (2, 6));
        assert_eq!(line_index.line_column(0), (1, 1));
    }

    #[test]
    fn text_that_would_overflow_the_parser_is_refused_with_its_location() {
        let nested = |open: &str, close: &str, count: usize| {
            format!("x = {}1{}", open.repeat(count), close.repeat(count))
        };
        let blocks = |count: usize| {
            (0..count).map(|n| format!("{}if 1:\n", " ".repeat(n))).collect::<String>()
        };
        let cases = [
            ("parentheses", nested("(", ")", 20_000), Some("nested brackets")),
            ("lists", nested("[", "]", 101), Some("nested brackets")),
            ("braces", nested("{1:", "}", 101), Some("nested brackets")),
            ("terms", format!("x = 1{}", " + 1".repeat(100_000)), Some("chained operators")),
            ("minus", format!("x = {}1", "-".repeat(5_000)), Some("chained operators")),
            ("not", format!("x = {}1", "not ".repeat(5_000)), Some("chained operators")),
            ("lambda", format!("x = {}1", "lambda: ".repeat(5_000)), Some("chained operators")),
            (
                "ternary",
                format!("x = {}1", "1 if y and z else ".repeat(5_000)),
                Some("chained operators"),
            ),
            ("attributes", format!("x = y{}", ".a".repeat(5_000)), Some("chained operators")),
            ("calls", format!("x = y{}", "()".repeat(5_000)), Some("chained operators")),
            (
                "terms in brackets",
                format!("{}{}", "(1+1+1+1+1+1+".repeat(80), ")".repeat(80)),
                Some("chained"),
            ),
            ("blocks", blocks(150), Some("indentation")),
            (
                "f-strings",
                format!("x = {}1{}", "f\"{".repeat(5_000), "}\"".repeat(5_000)),
                Some("nested brackets"),
            ),
            ("flat list", format!("x = [{}]", "a.b(1), ".repeat(5_000)), None),
            ("flat and", format!("x = {}1", "a.b == 1 and ".repeat(5_000)), None),
            ("text", format!("x = '{}'", "(".repeat(5_000)), None),
            ("comment", format!("# {}", "(".repeat(5_000)), None),
            ("long text", format!("x = \"\"\"{}\n\"\"\"", "(\n".repeat(5_000)), None),
        ];
        for (name, source, want) in cases {
            let found = too_deep(&source);
            match want {
                Some(part) => assert!(
                    found.as_ref().is_some_and(|d| d.message.contains(part)),
                    "{name}: {found:?}"
                ),
                None => assert_eq!(found, None, "{name}"),
            }
        }
        assert_eq!(too_deep(&nested("(", ")", 200)).unwrap().line, Some(1));
        assert_eq!(too_deep(&"#".repeat(3 << 20)).unwrap().code, "python.too-large");
    }
}
