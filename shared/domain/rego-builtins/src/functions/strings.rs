//! Functions of texts. Positions count characters.

use num_bigint::BigInt;

use super::sprintf;
use crate::builtin::{Answer, Args, Call, some};
use crate::context::{Context, Error, ErrorKind};
use crate::value::Value;

pub(crate) const TABLE: &[(&str, Call)] = &[
    ("concat", concat),
    ("contains", |_, args| some(args.text(0)?.contains(args.text(1)?))),
    ("startswith", |_, args| some(args.text(0)?.starts_with(args.text(1)?))),
    ("endswith", |_, args| some(args.text(0)?.ends_with(args.text(1)?))),
    ("format_int", format_int),
    ("indexof", |_, args| some(positions(args)?.first().copied().unwrap_or(-1))),
    ("indexof_n", |_, args| some(Value::array(positions(args)?.into_iter().map(Value::from)))),
    ("lower", |_, args| some(args.text(0)?.chars().map(lower).collect::<String>())),
    ("upper", |_, args| some(args.text(0)?.chars().map(upper).collect::<String>())),
    ("replace", |context, args| replace(context, &[(args.text(1)?, args.text(2)?)], args.text(0)?)),
    ("strings.replace_n", replace_n),
    ("split", |_, args| some(Value::array(split(args.text(0)?, args.text(1)?)))),
    ("strings.split_n", split_n),
    ("sprintf", |context, args| {
        some(sprintf::sprintf(context, args.text(0)?, args.array(1)?.as_slice())?)
    }),
    ("strings.any_prefix_match", |_, args| any_match(args, |text, part| text.starts_with(part))),
    ("strings.any_suffix_match", |_, args| any_match(args, |text, part| text.ends_with(part))),
    ("strings.count", count),
    ("strings.reverse", |_, args| some(args.text(0)?.chars().rev().collect::<String>())),
    ("substring", substring),
    ("trim", |_, args| trim(args, true, true)),
    ("trim_left", |_, args| trim(args, true, false)),
    ("trim_right", |_, args| trim(args, false, true)),
    ("trim_prefix", |_, args| {
        let (text, prefix) = (args.text(0)?, args.text(1)?);
        some(text.strip_prefix(prefix).unwrap_or(text))
    }),
    ("trim_suffix", |_, args| {
        let (text, suffix) = (args.text(0)?, args.text(1)?);
        some(text.strip_suffix(suffix).unwrap_or(text))
    }),
    ("trim_space", |_, args| some(args.text(0)?.trim())),
    ("internal.template_string", template),
];

fn concat(context: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let separator = args.text(0)?;
    let texts = args.texts(1).map_err(|error| match args.value(1) {
        Value::Array(_) | Value::Set(_) => error,
        _ => args.wrong(1, &["set", "array"]),
    })?;
    context.charge(separator.len().saturating_mul(texts.len()))?;
    some(texts.join(separator))
}

fn format_int(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let number = args.number(0)?;
    let base = match args.number(1)?.text().as_ref() {
        "2" => 2,
        "8" => 8,
        "10" => 10,
        "16" => 16,
        _ => {
            let message = "operand 2 must be one of {2, 8, 10, 16}".to_owned();
            return Err(Error { kind: ErrorKind::Type, message });
        }
    };
    let int = match (number.as_i64(), number.text().parse::<BigInt>()) {
        (Some(int), _) => BigInt::from(int),
        (None, Ok(int)) => int,
        (None, Err(_)) => number.as_float().truncate(),
    };
    some(int.to_str_radix(base))
}

/// Where the second text is in the first one, overlapping.
fn positions(args: &Args<'_>) -> Result<Vec<i64>, Error> {
    let (text, part) = (args.text(0)?, args.text(1)?);
    if part.is_empty() {
        return Err(Error::new("empty search character"));
    }
    let starts = text.char_indices().enumerate();
    let found =
        starts.filter(|(_, (at, _))| text.get(*at..).is_some_and(|rest| rest.starts_with(part)));
    Ok(found.map(|(position, _)| i64::try_from(position).unwrap_or(i64::MAX)).collect())
}

/// The lower case that Unicode gives a single character.
fn lower(c: char) -> char {
    let mut cases = c.to_lowercase();
    match (cases.next(), cases.next()) {
        (Some(case), None) => case,
        // A dotted capital I is the one with two characters.
        _ if c == '\u{130}' => 'i',
        _ => c,
    }
}

/// The upper case that Unicode gives a single character.
fn upper(c: char) -> char {
    let mut cases = c.to_uppercase();
    match (cases.next(), cases.next(), c) {
        (Some(case), None, _) => case,
        (_, _, '\u{1f80}'..='\u{1f87}' | '\u{1f90}'..='\u{1f97}' | '\u{1fa0}'..='\u{1fa7}') => {
            char::from_u32(u32::from(c) + 8).unwrap_or(c)
        }
        (_, _, '\u{1fb3}' | '\u{1fc3}' | '\u{1ff3}') => {
            char::from_u32(u32::from(c) + 9).unwrap_or(c)
        }
        _ => c,
    }
}

fn replace_n(context: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let mut pairs = Vec::new();
    let text = args.text(1);
    for (old, new) in args.object(0)?.iter() {
        let text = |value: &'_ Value, what| match value.as_str() {
            Some(_) => Ok(()),
            None => Err(Error {
                kind: ErrorKind::Type,
                message: format!("operand 1 non-string {what} found in pattern object"),
            }),
        };
        text(old, "key")?;
        text(new, "value")?;
        pairs.push((old.as_str().unwrap_or_default(), new.as_str().unwrap_or_default()));
    }
    replace(context, &pairs, text?)
}

/// Replaces from left to right; of several texts that stand at a place, the first pair has its way.
fn replace(context: &mut Context<'_>, pairs: &[(&str, &str)], text: &str) -> Answer {
    let bytes = text.as_bytes();
    let mut out: Vec<u8> = Vec::with_capacity(text.len());
    let (mut at, mut last, mut was_empty) = (0, 0, false);
    while at <= bytes.len() {
        let rest = bytes.get(at..).unwrap_or_default();
        let found = pairs
            .iter()
            .find(|(old, _)| rest.starts_with(old.as_bytes()) && !(was_empty && old.is_empty()));
        was_empty = found.is_some_and(|(old, _)| old.is_empty());
        match found {
            Some((old, new)) => {
                context.charge(new.len())?;
                out.extend_from_slice(bytes.get(last..at).unwrap_or_default());
                out.extend_from_slice(new.as_bytes());
                at += old.len();
                last = at;
            }
            None => at += 1,
        }
    }
    out.extend_from_slice(bytes.get(last..).unwrap_or_default());
    some(text_of(out)?)
}

/// A text of bytes. OPA has texts that are not UTF-8; here the run ends.
pub(super) fn text_of(bytes: Vec<u8>) -> Result<String, Error> {
    String::from_utf8(bytes)
        .map_err(|_| Error::halt("the result is not UTF-8: texts of other bytes are not supported"))
}

fn split(text: &str, separator: &str) -> Vec<Value> {
    if separator.is_empty() {
        return text.chars().map(|c| Value::from(c.to_string())).collect();
    }
    text.split(separator).map(Value::from).collect()
}

/// The first parts, or for a negative count the last ones.
fn split_n(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let parts = split(args.text(0)?, args.text(1)?);
    let count = args.int(2)?;
    let size = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX).min(parts.len());
    let skip = if count < 0 { parts.len() - size } else { 0 };
    some(Value::array(parts.into_iter().skip(skip).take(size)))
}

fn any_match(args: &Args<'_>, matches: fn(&str, &str) -> bool) -> Answer {
    let texts = |place: usize| match args.value(place) {
        Value::String(text) => Ok(vec![text.as_ref()]),
        Value::Array(_) | Value::Set(_) => args.texts(place),
        _ => Err(args.wrong(place, &["string", "set", "array"])),
    };
    let (texts, parts) = (texts(0)?, texts(1)?);
    some(texts.iter().any(|text| parts.iter().any(|part| matches(text, part))))
}

fn count(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let (text, part) = (args.text(0)?, args.text(1)?);
    some(if part.is_empty() { text.chars().count() + 1 } else { text.matches(part).count() })
}

/// From a position, so many characters; all of them for a negative length.
fn substring(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let (text, from, length) = (args.text(0)?, args.int(1)?, args.int(2)?);
    let from = usize::try_from(from).map_err(|_| Error::new("negative offset"))?;
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    some(text.chars().skip(from).take(length).collect::<String>())
}

fn trim(args: &Args<'_>, left: bool, right: bool) -> Answer {
    let (mut text, set) = (args.text(0)?, args.text(1)?);
    if left {
        text = text.trim_start_matches(|c| set.contains(c));
    }
    if right {
        text = text.trim_end_matches(|c| set.contains(c));
    }
    some(text)
}

/// The parts of an interpolated text: a text, or the set of the one value of an expression, empty where the
/// expression is undefined.
fn template(context: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let mut out = String::new();
    for part in args.array(0)?.iter() {
        match part {
            Value::Set(set) => match (set.iter().next(), set.len()) {
                (Some(Value::String(text)), 1) => out.push_str(text),
                (Some(value), 1) => out.push_str(&value.to_string()),
                (None, _) => out.push_str("<undefined>"),
                _ => {
                    let error = ErrorKind::Builtin;
                    let message = "template-strings must not produce multiple outputs".to_owned();
                    return Err(Error { kind: error, message });
                }
            },
            Value::String(text) => out.push_str(text),
            value => out.push_str(&value.to_string()),
        }
        context.charge(64)?;
    }
    some(out)
}
