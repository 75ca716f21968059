//! Regular expressions as Go reads them, for the crate `regex`.
//!
//! Both follow RE2, but differ in what a text may hold: Go's classes `\d`, `\w`, `\s` and `\b` are ASCII, a class
//! in brackets has no operators, and Go refuses what this crate accepts. A pattern of Go is read here and written
//! again so that nothing in it is read otherwise.

use std::fmt::Write as _;

/// How deep groups may nest.
const DEPTH_MAX: usize = 200;

/// The largest count of a repetition, and of nested repetitions together.
const REPEAT_MAX: u32 = 1000;

/// A pattern for the crate `regex`, and the names of its groups.
pub(crate) struct Pattern {
    pub(crate) text: String,
    /// For each group from 1 on, its name if it has one.
    pub(crate) names: Vec<Option<String>>,
}

struct Reader<'a> {
    chars: &'a [char],
    at: usize,
    depth: usize,
    out: String,
    names: Vec<Option<String>>,
}

type Step<T> = Result<T, &'static str>;

/// Translates a pattern of Go; the error says what is wrong with it.
pub(crate) fn translate(text: &str) -> Step<Pattern> {
    let chars: Vec<char> = text.chars().collect();
    let mut reader =
        Reader { chars: &chars, at: 0, depth: 0, out: String::new(), names: Vec::new() };
    reader.alternatives()?;
    if reader.at < chars.len() {
        return Err("unexpected )");
    }
    Ok(Pattern { text: reader.out, names: reader.names })
}

/// A class of ASCII characters, without its brackets.
fn perl_class(c: char) -> Option<&'static str> {
    Some(match c {
        'd' => "[0-9]",
        'D' => "[^0-9]",
        's' => r"[\t\n\x0C\r ]",
        'S' => r"[^\t\n\x0C\r ]",
        'w' => "[0-9A-Za-z_]",
        'W' => "[^0-9A-Za-z_]",
        _ => return None,
    })
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn peek_at(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn starts_with(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(ahead, c)| self.peek_at(ahead) == Some(c))
    }

    fn literal(&mut self, c: char) {
        if c.is_ascii_alphanumeric() || !c.is_ascii() {
            self.out.push(c);
        } else {
            // Writing to a text does not fail.
            let _ = write!(self.out, "\\x{{{:X}}}", u32::from(c));
        }
    }

    /// Reads up to the end of a group. Answers the product of nested repetitions.
    fn alternatives(&mut self) -> Step<u32> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err("expression nests too deeply");
        }
        let mut most = 1;
        let mut last: Option<(usize, u32)> = None;
        let mut was_repeat = false;
        while let Some(c) = self.peek() {
            let start = self.out.len();
            match c {
                ')' => break,
                '|' => {
                    self.at += 1;
                    self.out.push('|');
                    (last, was_repeat) = (None, false);
                    continue;
                }
                '*' | '+' | '?' => {
                    self.at += 1;
                    (most, last, was_repeat) =
                        self.repeat(&c.to_string(), 1, last, was_repeat, most)?;
                    continue;
                }
                '{' => {
                    if let Some((from, to, length)) = self.bounds() {
                        self.at += length;
                        if from > REPEAT_MAX || to.is_some_and(|to| to > REPEAT_MAX || to < from) {
                            return Err("invalid repeat count");
                        }
                        let text = match to {
                            Some(to) => format!("{{{from},{to}}}"),
                            None => format!("{{{from},}}"),
                        };
                        let count = to.unwrap_or(from).max(1);
                        (most, last, was_repeat) =
                            self.repeat(&text, count, last, was_repeat, most)?;
                        continue;
                    }
                    self.at += 1;
                    self.literal('{');
                }
                '(' => {
                    let is_flags = self.group()?;
                    if let Some(inner) = is_flags {
                        most = most.max(inner);
                        last = Some((start, inner));
                    }
                    was_repeat = false;
                    continue;
                }
                '[' => self.class()?,
                '.' | '^' | '$' => {
                    self.at += 1;
                    self.out.push(c);
                }
                '\\' => {
                    if self.starts_with("\\Q") {
                        self.quote(&mut last);
                        was_repeat = false;
                        continue;
                    }
                    self.escape()?;
                }
                _ => {
                    self.at += 1;
                    self.literal(c);
                }
            }
            last = Some((start, 1));
            was_repeat = false;
        }
        self.depth -= 1;
        Ok(most)
    }

    /// A repetition of what was read last.
    #[allow(clippy::type_complexity)]
    fn repeat(
        &mut self,
        operator: &str,
        count: u32,
        last: Option<(usize, u32)>,
        was_repeat: bool,
        most: u32,
    ) -> Step<(u32, Option<(usize, u32)>, bool)> {
        if was_repeat {
            return Err("invalid nested repetition operator");
        }
        let Some((start, inner)) = last else {
            return Err("missing argument to repetition operator");
        };
        let total = inner.saturating_mul(count);
        if total > REPEAT_MAX {
            return Err("invalid repeat count");
        }
        self.out.insert_str(start, "(?:");
        self.out.push(')');
        self.out.push_str(operator);
        if self.peek() == Some('?') {
            self.at += 1;
            self.out.push('?');
        }
        Ok((most.max(total), Some((start, total)), true))
    }

    /// The counts of `{n}`, `{n,}` and `{n,m}`, and the length of the text. Anything else is a literal brace.
    fn bounds(&self) -> Option<(u32, Option<u32>, usize)> {
        let end = self.chars.get(self.at..)?.iter().take(32).position(|c| *c == '}')?;
        let text: String = self.chars.get(self.at + 1..self.at + end)?.iter().collect();
        let number = |text: &str| {
            let is_number = !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_digit())
                && (text == "0" || !text.starts_with('0'));
            is_number.then(|| text.parse::<u32>().unwrap_or(u32::MAX))
        };
        let (from, to) = match text.split_once(',') {
            None => (number(&text)?, Some(number(&text)?)),
            Some((from, "")) => (number(from)?, None),
            Some((from, to)) => (number(from)?, Some(number(to)?)),
        };
        Some((from, to, end + 1))
    }

    fn quote(&mut self, last: &mut Option<(usize, u32)>) {
        self.at += 2;
        while let Some(c) = self.peek() {
            if self.starts_with("\\E") {
                self.at += 2;
                return;
            }
            *last = Some((self.out.len(), 1));
            self.at += 1;
            self.literal(c);
        }
    }

    /// A group, or flags alone, which are `None`.
    fn group(&mut self) -> Step<Option<u32>> {
        self.at += 1;
        if self.peek() != Some('?') {
            self.names.push(None);
            return self.body("(").map(Some);
        }
        self.at += 1;
        let named =
            if self.starts_with("P<") { Some(2) } else { self.starts_with("<").then_some(1) };
        if let Some(skip) = named {
            self.at += skip;
            let mut name = String::new();
            loop {
                let c = self.peek().ok_or("invalid named capture")?;
                self.at += 1;
                match c {
                    '>' => break,
                    _ if c.is_ascii_alphanumeric() || c == '_' => name.push(c),
                    _ => return Err("invalid named capture"),
                }
            }
            if name.is_empty() {
                return Err("invalid named capture");
            }
            self.names.push(Some(name));
            return self.body("(").map(Some);
        }
        let mut flags = String::from("(?");
        let (mut is_negative, mut has_flag) = (false, false);
        loop {
            let c = self.peek().ok_or("missing argument to repetition operator")?;
            self.at += 1;
            match c {
                'i' | 'm' | 's' | 'U' => has_flag = true,
                '-' if !is_negative => (is_negative, has_flag) = (true, false),
                ':' | ')' => {
                    if is_negative && !has_flag {
                        return Err("invalid or unsupported Perl syntax");
                    }
                    if c == ':' {
                        flags.push(':');
                        return self.body(&flags).map(Some);
                    }
                    // Rust has no flags without any; Go takes `(?)` for nothing.
                    if flags.len() > 2 {
                        self.out.push_str(&flags);
                        self.out.push(')');
                    }
                    return Ok(None);
                }
                _ => return Err("invalid or unsupported Perl syntax"),
            }
            flags.push(c);
        }
    }

    fn body(&mut self, open: &str) -> Step<u32> {
        self.out.push_str(open);
        let most = self.alternatives()?;
        if self.peek() != Some(')') {
            return Err("missing closing )");
        }
        self.at += 1;
        self.out.push(')');
        Ok(most)
    }

    fn escape(&mut self) -> Step<()> {
        let c = self.peek_at(1).ok_or("trailing backslash at end of expression")?;
        match c {
            'A' => self.out.push_str("\\A"),
            'z' => self.out.push_str("\\z"),
            'b' => self.out.push_str("(?-u:\\b)"),
            'B' => self.out.push_str("(?-u:\\B)"),
            'p' | 'P' => {
                let class = self.unicode_class()?;
                self.out.push_str(&class);
                return Ok(());
            }
            _ => {
                if let Some(class) = perl_class(c) {
                    self.out.push_str(class);
                } else {
                    let c = self.escaped_char()?;
                    self.literal(c);
                    return Ok(());
                }
            }
        }
        self.at += 2;
        Ok(())
    }

    /// The character that an escape stands for.
    fn escaped_char(&mut self) -> Step<char> {
        const WRONG: &str = "invalid escape sequence";
        self.at += 1;
        let c = self.peek().ok_or("trailing backslash at end of expression")?;
        self.at += 1;
        let digit = |reader: &Self, base| reader.peek().and_then(|c| c.to_digit(base));
        Ok(match c {
            'a' => '\u{7}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            '0'..='7' => {
                if c != '0' && digit(self, 8).is_none() {
                    return Err(WRONG);
                }
                let mut code = c.to_digit(8).unwrap_or(0);
                for _ in 0..2 {
                    let Some(next) = digit(self, 8) else { break };
                    code = code * 8 + next;
                    self.at += 1;
                }
                char::from_u32(code).ok_or(WRONG)?
            }
            'x' if self.peek() == Some('{') => {
                self.at += 1;
                let mut code: u32 = 0;
                let mut count = 0;
                while let Some(next) = digit(self, 16) {
                    code = code.saturating_mul(16).saturating_add(next);
                    count += 1;
                    self.at += 1;
                }
                if self.peek() != Some('}') || count == 0 {
                    return Err(WRONG);
                }
                self.at += 1;
                char::from_u32(code).ok_or(WRONG)?
            }
            'x' => {
                let mut code = 0;
                for _ in 0..2 {
                    code = code * 16 + digit(self, 16).ok_or(WRONG)?;
                    self.at += 1;
                }
                char::from_u32(code).ok_or(WRONG)?
            }
            _ if c.is_ascii() && !c.is_ascii_alphanumeric() => c,
            _ => return Err(WRONG),
        })
    }

    /// A class of Unicode: a category of one or two letters, or a script.
    fn unicode_class(&mut self) -> Step<String> {
        const WRONG: &str = "invalid character class range";
        let mut is_negative = self.peek_at(1) == Some('P');
        self.at += 2;
        let mut name = String::new();
        match self.peek() {
            Some('{') => {
                self.at += 1;
                loop {
                    let c = self.peek().ok_or(WRONG)?;
                    self.at += 1;
                    match c {
                        '}' => break,
                        '^' if name.is_empty() => is_negative = !is_negative,
                        _ if c.is_ascii_alphanumeric() || c == '_' => name.push(c),
                        _ => return Err(WRONG),
                    }
                }
            }
            Some(c) if c.is_ascii_alphabetic() => {
                self.at += 1;
                name.push(c);
            }
            _ => return Err(WRONG),
        }
        if name.eq_ignore_ascii_case("any") {
            return Ok(if is_negative {
                r"[^\x00-\x{10FFFF}]".into()
            } else {
                r"[\x00-\x{10FFFF}]".into()
            });
        }
        let class =
            |kind: &str| format!("\\{}{{{kind}={name}}}", if is_negative { 'P' } else { 'p' });
        let known =
            ["gc", "sc"].into_iter().map(class).find(|class| regex_syntax::parse(class).is_ok());
        known.ok_or(WRONG)
    }

    /// A class in brackets.
    fn class(&mut self) -> Step<()> {
        const MISSING: &str = "missing closing ]";
        self.at += 1;
        self.out.push('[');
        if self.peek() == Some('^') {
            self.at += 1;
            self.out.push('^');
        }
        let mut is_first = true;
        loop {
            let c = self.peek().ok_or(MISSING)?;
            if c == ']' && !is_first {
                break;
            }
            is_first = false;
            if self.starts_with("[:")
                && let Some(name) = self.posix()?
            {
                self.out.push_str(&name);
                continue;
            }
            if c == '\\' {
                let next = self.peek_at(1).ok_or(MISSING)?;
                if let Some(class) = perl_class(next) {
                    self.at += 2;
                    self.out.push_str(class);
                    continue;
                }
                if matches!(next, 'p' | 'P') {
                    let class = self.unicode_class()?;
                    self.out.push_str(&class);
                    continue;
                }
            }
            let low = self.class_char()?;
            self.literal(low);
            if self.peek() == Some('-') && self.peek_at(1).is_some_and(|c| c != ']') {
                self.at += 1;
                if self.peek() == Some('\\')
                    && self.peek_at(1).is_some_and(|c| perl_class(c).is_some())
                {
                    return Err("invalid character class range");
                }
                let high = self.class_char()?;
                if high < low {
                    return Err("invalid character class range");
                }
                self.out.push('-');
                self.literal(high);
            }
        }
        self.at += 1;
        self.out.push(']');
        Ok(())
    }

    fn class_char(&mut self) -> Step<char> {
        match self.peek() {
            Some('\\') => self.escaped_char(),
            Some(c) => {
                self.at += 1;
                Ok(c)
            }
            None => Err("missing closing ]"),
        }
    }

    /// A class of POSIX, `[:name:]`; an unknown name is an error, no name a literal bracket.
    fn posix(&mut self) -> Step<Option<String>> {
        const NAMES: [&str; 14] = [
            "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print",
            "punct", "space", "upper", "word", "xdigit",
        ];
        let rest = self.chars.get(self.at + 2..).unwrap_or_default();
        let Some(end) = rest.windows(2).position(|pair| pair == [':', ']']) else {
            return Ok(None);
        };
        let text: String = rest.iter().take(end).collect();
        if !NAMES.contains(&text.strip_prefix('^').unwrap_or(&text)) {
            return Err("invalid character class range");
        }
        self.at += end + 4;
        Ok(Some(format!("[:{text}:]")))
    }
}
