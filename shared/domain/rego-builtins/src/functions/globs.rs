//! Globs: one against a text, and two against each other.

use std::fmt::Write as _;
use std::sync::Arc;

use super::patterns::build;
use crate::builtin::{Answer, Args, some};
use crate::context::{Context, Error, ErrorKind, keep};
use crate::value::Value;

/// How deep braces may nest.
const DEPTH_MAX: usize = 100;

pub(super) fn quote_meta(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let mut out = String::new();
    for c in args.text(0)?.chars() {
        if r"*?\[]{}".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    some(out)
}

/// Whether a text matches a glob; `*` and `?` do not match a delimiter, which is a point unless others are given.
pub(super) fn matches(context: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let glob = args.text(0)?;
    let delimiters = match args.value(1) {
        Value::Null => String::new(),
        Value::Array(array) if array.is_empty() => ".".to_owned(),
        Value::Array(array) => {
            let mut delimiters = String::new();
            for item in array.iter() {
                let mut chars = item
                    .as_str()
                    .ok_or_else(|| Error::element(2, args.value(1), item, &["string"]))?
                    .chars();
                match (chars.next(), chars.next()) {
                    (Some(c), None) => delimiters.push(c),
                    _ => return Err(Error::element(2, args.value(1), item, &["rune"])),
                }
            }
            delimiters
        }
        _ => return Err(args.wrong(1, &["array", "null"])),
    };
    let text = args.text(2)?;
    let key = (Arc::from(glob), delimiters);
    if text.is_empty() && takes_end(glob) {
        return some(true);
    }
    if let Some((prefix, suffix)) = ends(glob, key.1.is_empty()) {
        return some(text.starts_with(&prefix) && text.ends_with(&suffix));
    }
    let has_empty = ["{}", "{,", ",}", ",,"].iter().any(|part| glob.contains(part))
        || glob.matches('{').count() > glob.matches('}').count();
    if has_empty && glob.contains('*') {
        return Err(Error::halt(
            "a glob with `*` and an empty alternative, or a `{` without its end, is not supported here",
        ));
    }
    let has_run =
        key.1.chars().count() > 1 && ["?*", "*?", "??"].iter().any(|run| glob.contains(run));
    if !has_run {
        return some(is_match(context, key, false, text)?);
    }
    // OPA reads several wildcards in a row in two ways, depending on what stands around them.
    let is_whole = glob.chars().all(|c| matches!(c, '*' | '?'));
    let is_split = text.contains(&key.1);
    let loose = is_match(context, key.clone(), true, text)?;
    if is_whole && !is_split {
        return some(loose);
    }
    if is_split || loose != is_match(context, key, false, text)? {
        return Err(Error::halt(
            "a glob with several wildcards in a row and several delimiters is not supported here",
        ));
    }
    some(loose)
}

/// Whether a text matches a glob with delimiters, both of which are the key of the compiled pattern. `loose`:
/// several wildcards in a row match delimiters too.
fn is_match(
    context: &mut Context<'_>,
    key: (Arc<str>, String),
    is_loose: bool,
    text: &str,
) -> Result<bool, Error> {
    if let Some(found) = context.globs.get(&key).filter(|_| !is_loose) {
        return Ok(found.is_match(text));
    }
    let chars: Vec<char> = key.0.chars().collect();
    let mut reader = Reader {
        chars: &chars,
        at: 0,
        level: 0,
        delimiters: key.1.clone(),
        is_loose,
        out: String::from(r"\A(?s:"),
    };
    reader.read()?;
    reader.out.push_str(&")".repeat(reader.level));
    reader.out.push_str(r")\z");
    let regex = Arc::new(build(&reader.out)?);
    let is_match = regex.is_match(text);
    if !is_loose {
        keep(&mut context.globs, key, regex);
    }
    Ok(is_match)
}

/// The literal texts around one `**`, which may overlap in what matches: `a/**/b` matches `a/b`. Without
/// delimiters, `*` is the same.
fn ends(glob: &str, is_free: bool) -> Option<(String, String)> {
    let mut parts = [String::new(), String::new()];
    let mut has_star = false;
    let mut chars = glob.chars().peekable();
    while let Some(c) = chars.next() {
        let c = match c {
            '*' if has_star => return None,
            '*' => {
                has_star = true;
                if chars.next_if_eq(&'*').is_none() && !is_free {
                    return None;
                }
                continue;
            }
            '?' | '[' | '{' => return None,
            '\\' => chars.next()?,
            c => c,
        };
        parts.get_mut(usize::from(has_star))?.push(c);
    }
    let [prefix, suffix] = parts;
    (has_star && !prefix.is_empty() && !suffix.is_empty()).then_some((prefix, suffix))
}

/// Whether a glob is a single character alone, or an alternative is: OPA's matcher of a single character
/// takes the end of the text for one.
fn takes_end(glob: &str) -> bool {
    let is_single = |glob: &str| {
        glob == "?" || glob.starts_with("[!") && glob.find(']') == Some(glob.len() - 1)
    };
    let inner = glob.strip_prefix('{').and_then(|glob| glob.strip_suffix('}'));
    match inner.filter(|inner| !inner.contains(['{', '}'])) {
        Some(inner) => inner.split(',').any(is_single),
        None => is_single(glob),
    }
}

struct Reader<'a> {
    chars: &'a [char],
    at: usize,
    level: usize,
    delimiters: String,
    is_loose: bool,
    out: String,
}

fn literal(c: char, out: &mut String) {
    // Writing to a text does not fail.
    let _ = write!(out, "\\x{{{:X}}}", u32::from(c));
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.chars.get(self.at).copied();
        self.at += 1;
        c
    }

    fn read(&mut self) -> Result<(), Error> {
        while let Some(c) = self.next() {
            match c {
                '?' | '*' if self.is_run() => self.run(),
                '*' => self.stars(),
                '?' => self.single(),
                '{' => {
                    self.level += 1;
                    if self.level > DEPTH_MAX {
                        return Err(Error::halt("the braces of a glob nest too deep"));
                    }
                    self.out.push_str("(?:");
                }
                ',' if self.level > 0 => self.out.push('|'),
                '}' if self.level > 0 => {
                    self.level -= 1;
                    self.out.push(')');
                }
                '[' => self.range()?,
                '\\' => {
                    if let Some(c) = self.next() {
                        literal(c, &mut self.out);
                    }
                }
                c => literal(c, &mut self.out),
            }
        }
        Ok(())
    }

    /// Whether wildcards follow each other, `**` not among them, and match delimiters.
    fn is_run(&self) -> bool {
        let rest = self.chars.get(self.at - 1..).unwrap_or_default();
        let length = rest.iter().take_while(|c| matches!(c, '*' | '?')).count();
        let run = rest.get(..length).unwrap_or_default();
        let has_super = run.windows(2).any(|pair| pair == ['*', '*']);
        length > 1 && !has_super && self.is_loose
    }

    /// OPA looks for all delimiters in a row in what such wildcards match, so that one alone matches.
    fn run(&mut self) {
        self.at -= 1;
        while let Some(c) = self.chars.get(self.at).filter(|c| matches!(c, '*' | '?')) {
            self.out.push_str(if *c == '*' { ".*" } else { "." });
            self.at += 1;
        }
    }

    /// One star is any text without a delimiter, two are any text. OPA wants a character for an odd
    /// number of stars from three on, if there are delimiters.
    fn stars(&mut self) {
        let rest = self.chars.get(self.at..).unwrap_or_default();
        let more = rest.iter().take_while(|c| **c == '*').count();
        self.at += more;
        match more + 1 {
            1 => {
                self.single();
                self.out.push('*');
            }
            count if count % 2 == 1 && !self.delimiters.is_empty() => self.out.push_str(".+"),
            _ => self.out.push_str(".*"),
        }
    }

    fn single(&mut self) {
        if self.delimiters.is_empty() {
            self.out.push('.');
            return;
        }
        self.out.push_str("[^");
        for c in self.delimiters.chars() {
            literal(c, &mut self.out);
        }
        self.out.push(']');
    }

    /// Reads `[abc]`, `[!abc]`, `[a-c]` or `[!a-c]`: a list or one range.
    fn range(&mut self) -> Result<(), Error> {
        let end = || Error::new("unexpected end of input");
        let mut first = self.next().ok_or_else(end)?;
        self.out.push('[');
        if first == '!' {
            self.out.push('^');
            first = self.next().ok_or_else(end)?;
        }
        if self.chars.get(self.at) == Some(&'-') {
            self.at += 1;
            let high = self.next().ok_or_else(end)?;
            if self.next().ok_or_else(end)? != ']' {
                return Err(Error::new("expected close range character"));
            }
            if high < first {
                return Err(Error::new("the range ends before it begins"));
            }
            literal(first, &mut self.out);
            self.out.push('-');
            literal(high, &mut self.out);
        } else {
            self.at -= 1;
            let mut is_empty = true;
            loop {
                let mut c = self.next().ok_or_else(end)?;
                match c {
                    ']' => break,
                    '\\' => c = self.next().ok_or_else(end)?,
                    _ => {}
                }
                is_empty = false;
                literal(c, &mut self.out);
            }
            if is_empty {
                return Err(Error::new("could not parse range"));
            }
        }
        self.out.push(']');
        Ok(())
    }
}

/// One part of a glob of `regex.globs_match`: which characters, and whether it may repeat.
struct Token {
    ranges: Vec<(char, char)>,
    repeat: Option<char>,
}

/// Whether some text, not the empty one, matches two globs of `.`, `[a-z]`, `*`, `+` and `\`. The order in which
/// tokens are compared is that of OPA, which does not find every text.
pub(super) fn intersect(context: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let (left, right) = (tokens(args.text(0)?)?, tokens(args.text(1)?)?);
    if left.len().max(right.len()) > TOKENS_MAX {
        return Err(Error::halt("a glob has too many parts"));
    }
    let (mut left, mut right) = (left.as_slice(), right.as_slice());
    // Plain tokens at both ends have to meet; one of them stays at each end.
    let mut plain = 0;
    while let (Some(one), Some(two)) = (left.get(plain), right.get(plain)) {
        if one.repeat.is_some() || two.repeat.is_some() {
            break;
        }
        if !one.meets(two) {
            return some(false);
        }
        plain += 1;
    }
    let skip = plain.saturating_sub(1);
    left = left.get(skip..).unwrap_or_default();
    right = right.get(skip..).unwrap_or_default();
    let (mut one_rest, mut two_rest) = (left, right);
    while let (Some((one, one_before)), Some((two, two_before))) =
        (one_rest.split_last(), two_rest.split_last())
    {
        if one.repeat.is_some() || two.repeat.is_some() {
            break;
        }
        if !one.meets(two) {
            return some(false);
        }
        (left, right) = (one_rest, two_rest);
        (one_rest, two_rest) = (one_before, two_before);
    }
    some(normal(context, left, right)?)
}

/// How many tokens a glob may have; each may call the next.
const TOKENS_MAX: usize = 1_000;

impl Token {
    fn meets(&self, other: &Token) -> bool {
        self.ranges.iter().any(|(a, b)| other.ranges.iter().any(|(c, d)| a <= d && c <= b))
    }
}

fn normal(context: &mut Context<'_>, left: &[Token], right: &[Token]) -> Result<bool, Error> {
    context.charge(100)?;
    for (place, (one, two)) in left.iter().zip(right).enumerate() {
        if one.repeat.is_some() || two.repeat.is_some() {
            let (left, right) =
                (left.get(place..).unwrap_or_default(), right.get(place..).unwrap_or_default());
            // A star comes first, whichever side it is on.
            if one.repeat == Some('*') {
                return star(context, left, right);
            }
            if two.repeat == Some('*') {
                return star(context, right, left);
            }
            let (repeated, other) =
                if one.repeat.is_some() { (left, right) } else { (right, left) };
            let rest = other.get(1..).unwrap_or_default();
            return Ok(one.meets(two) && star(context, repeated, rest)?);
        }
        if !one.meets(two) {
            return Ok(false);
        }
    }
    Ok(left.len() == right.len())
}

fn star(context: &mut Context<'_>, repeated: &[Token], other: &[Token]) -> Result<bool, Error> {
    let Some((first, rest)) = repeated.split_first() else { return Ok(false) };
    let next = rest.first();
    for (place, token) in other.iter().enumerate() {
        if next.is_some_and(|next| token.meets(next))
            && normal(context, rest, other.get(place..).unwrap_or_default())?
        {
            return Ok(true);
        }
        if !token.meets(first) {
            return Ok(false);
        }
    }
    Ok(next.is_none())
}

fn tokens(text: &str) -> Result<Vec<Token>, Error> {
    let wrong =
        || Error { kind: ErrorKind::Builtin, message: "the input provided is invalid".to_owned() };
    let mut tokens: Vec<Token> = Vec::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let ranges = match c {
            '*' | '+' => {
                let last =
                    tokens.last_mut().filter(|token| token.repeat.is_none()).ok_or_else(wrong)?;
                last.repeat = Some(c);
                continue;
            }
            '.' => vec![('\0', char::MAX)],
            '[' => {
                let mut ranges: Vec<(char, char)> = Vec::new();
                let mut is_range = false;
                loop {
                    match chars.next().ok_or_else(wrong)? {
                        ']' if is_range => return Err(wrong()),
                        ']' => break,
                        '-' if !is_range && !ranges.is_empty() => is_range = true,
                        '-' => return Err(wrong()),
                        c => {
                            let c = if c == '\\' { chars.next().ok_or_else(wrong)? } else { c };
                            match ranges.last_mut().filter(|_| is_range) {
                                Some((low, _)) if *low > c => return Err(wrong()),
                                Some((_, high)) => *high = c,
                                None => ranges.push((c, c)),
                            }
                            is_range = false;
                        }
                    }
                }
                ranges
            }
            ']' | '-' => return Err(wrong()),
            '\\' => {
                let c = chars.next().ok_or_else(wrong)?;
                vec![(c, c)]
            }
            c => vec![(c, c)],
        };
        tokens.push(Token { ranges, repeat: None });
    }
    Ok(tokens)
}
