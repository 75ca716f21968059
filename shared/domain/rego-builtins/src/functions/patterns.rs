//! Regular expressions and globs.

use std::sync::Arc;

use regex::{Regex, RegexBuilder};

use crate::builtin::{Answer, Args, Call, some};
use crate::context::{Compiled, Context, Error, keep};
use crate::gofmt;
use crate::pattern;
use crate::value::Value;

pub(crate) const TABLE: &[(&str, Call)] = &[
    ("regex.is_valid", is_valid),
    ("regex.match", |context, args| {
        some(compiled(context, args.text(0)?)?.regex.is_match(args.text(1)?))
    }),
    ("re_match", |context, args| {
        some(compiled(context, args.text(0)?)?.regex.is_match(args.text(1)?))
    }),
    ("regex.split", split),
    ("regex.find_n", find_n),
    ("regex.find_all_string_submatch_n", submatches),
    ("regex.replace", replace),
    ("regex.template_match", template_match),
    ("regex.globs_match", super::globs::intersect),
    ("glob.match", super::globs::matches),
    ("glob.quote_meta", super::globs::quote_meta),
];

/// How many bytes a compiled pattern may take.
const SIZE_MAX: usize = 40_000_000;

/// Compiles the text of a pattern for the crate `regex`.
pub(super) fn build(text: &str) -> Result<Regex, Error> {
    RegexBuilder::new(text)
        .size_limit(SIZE_MAX)
        .dfa_size_limit(SIZE_MAX)
        .nest_limit(2000)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => {
                Error::halt("a regular expression takes too much memory")
            }
            error => Error::new(format!("error parsing regexp: {error}")),
        })
}

/// The compiled pattern of Go's syntax, from the patterns that the run keeps if it is there.
fn compiled(context: &mut Context<'_>, text: &str) -> Result<Arc<Compiled>, Error> {
    if let Some(found) = context.regexes.get(text) {
        return Ok(Arc::clone(found));
    }
    let pattern = pattern::translate(text).map_err(|reason| {
        Error::new(format!("error parsing regexp: {reason}: {}", gofmt::raw_quote(text)))
    })?;
    let built = Arc::new(Compiled { regex: build(&pattern.text)?, names: pattern.names });
    keep(&mut context.regexes, Arc::from(text), Arc::clone(&built));
    Ok(built)
}

fn is_valid(context: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let Some(text) = args.value(0).as_str() else { return some(false) };
    match compiled(context, text) {
        Ok(_) => some(true),
        Err(error) if error.kind == crate::ErrorKind::Halt => Err(error),
        Err(_) => some(false),
    }
}

fn split(context: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let (pattern, text) = (args.text(0)?, args.text(1)?);
    let compiled = compiled(context, pattern)?;
    if !pattern.is_empty() && text.is_empty() {
        return some(Value::array([Value::from("")]));
    }
    let mut parts = Vec::new();
    let (mut begin, mut end) = (0, 0);
    for found in compiled.regex.find_iter(text) {
        end = found.start();
        if found.end() != 0 {
            parts.push(Value::from(text.get(begin..end).unwrap_or_default()));
        }
        begin = found.end();
    }
    if end != text.len() {
        parts.push(Value::from(text.get(begin..).unwrap_or_default()));
    }
    some(Value::array(parts))
}

/// How many matches to answer: all for a negative count.
fn limit(args: &Args<'_>) -> Result<usize, Error> {
    Ok(usize::try_from(args.int(2)?).unwrap_or(usize::MAX))
}

fn find_n(context: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let (pattern, text, limit) = (args.text(0)?, args.text(1)?, limit(args)?);
    let compiled = compiled(context, pattern)?;
    some(Value::array(
        compiled.regex.find_iter(text).take(limit).map(|found| Value::from(found.as_str())),
    ))
}

fn submatches(context: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let (pattern, text, limit) = (args.text(0)?, args.text(1)?, limit(args)?);
    let compiled = compiled(context, pattern)?;
    let groups = |found: regex::Captures<'_>| {
        Value::array(
            found.iter().map(|group| Value::from(group.map_or("", |group| group.as_str()))),
        )
    };
    some(Value::array(compiled.regex.captures_iter(text).take(limit).map(groups)))
}

fn replace(context: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let (text, pattern, template) = (args.text(0)?, args.text(1)?, args.text(2)?);
    let compiled = compiled(context, pattern)?;
    let mut out = String::new();
    let mut last = 0;
    for found in compiled.regex.captures_iter(text) {
        let Some(whole) = found.get(0) else { continue };
        out.push_str(text.get(last..whole.start()).unwrap_or_default());
        let before = out.len();
        expand(&compiled, &found, template, &mut out);
        context.charge(out.len() - before)?;
        last = whole.end();
    }
    out.push_str(text.get(last..).unwrap_or_default());
    some(out)
}

/// Writes a template with `$1`, `$name`, `${name}` and `$$`, as Go's `Regexp.Expand`.
fn expand(compiled: &Compiled, found: &regex::Captures<'_>, template: &str, out: &mut String) {
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        rest = after;
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let (name, after) = match rest.strip_prefix('{') {
            Some(inner) => {
                let end = word(inner);
                match inner.get(end..).and_then(|tail| tail.strip_prefix('}')) {
                    Some(after) => (inner.get(..end).unwrap_or_default(), after),
                    None => ("", rest),
                }
            }
            None => rest.split_at(word(rest)),
        };
        if name.is_empty() {
            out.push('$');
            continue;
        }
        rest = after;
        out.push_str(group(compiled, found, name).unwrap_or_default());
    }
    out.push_str(rest);
}

/// The length of letters, digits and underscores.
fn word(text: &str) -> usize {
    text.find(|c: char| !(c == '_' || c.is_alphanumeric())).unwrap_or(text.len())
}

fn group<'t>(compiled: &Compiled, found: &regex::Captures<'t>, name: &str) -> Option<&'t str> {
    let is_number = name.bytes().all(|byte| byte.is_ascii_digit())
        && (name.len() == 1 || !name.starts_with('0'));
    if is_number {
        return Some(found.get(name.parse().ok()?)?.as_str());
    }
    let named =
        compiled.names.iter().enumerate().filter(|(_, group)| group.as_deref() == Some(name));
    named.filter_map(|(place, _)| found.get(place + 1)).map(|group| group.as_str()).next()
}

/// Text with patterns between delimiters: `urn:{[a-z]+}`.
fn template_match(context: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let (template, text) = (args.text(0)?, args.text(1)?);
    let delimiter = |place: usize, name: &str| -> Result<u8, Error> {
        match args.text(place)?.as_bytes() {
            [byte] => Ok(*byte),
            bytes => Err(Error::new(format!(
                "{name} delimiter has to be exactly one character long but is {} long",
                bytes.len()
            ))),
        }
    };
    let (open, close) = (delimiter(2, "start")?, delimiter(3, "end")?);
    let unbalanced = || Error::new(format!("unbalanced braces in {}", gofmt::quote(template)));
    let mut pattern = String::from("^");
    let (mut level, mut from) = (0_usize, 0);
    for (at, byte) in template.bytes().enumerate() {
        if byte == open {
            level += 1;
            if level == 1 {
                pattern.push_str(&quoted(template.get(from..at).unwrap_or_default()));
                from = at + 1;
            }
        } else if byte == close {
            level = level.checked_sub(1).ok_or_else(unbalanced)?;
            if level == 0 {
                let inner = template.get(from..at).unwrap_or_default();
                compiled(context, &format!("^{inner}$"))?;
                pattern.push_str(&format!("({inner})"));
                from = at + 1;
            }
        }
    }
    if level != 0 {
        return Err(unbalanced());
    }
    pattern.push_str(&quoted(template.get(from..).unwrap_or_default()));
    pattern.push('$');
    some(compiled(context, &pattern)?.regex.is_match(text))
}

/// A text that matches itself alone.
fn quoted(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
