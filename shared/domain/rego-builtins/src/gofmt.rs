//! Text as Go's `strconv` and `encoding/json` write it.

use std::sync::LazyLock;

use regex::Regex;

/// A character that Go prints as it is: a letter, mark, number, punctuation, symbol or the ASCII space.
pub(crate) fn is_print(c: char) -> bool {
    static PRINT: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"^[\pL\pM\pN\pP\pS]$").ok());
    if c.is_ascii() {
        return matches!(c, ' '..='~');
    }
    let mut buffer = [0; 4];
    PRINT.as_ref().is_some_and(|print| print.is_match(c.encode_utf8(&mut buffer)))
}

/// A text in quotes, as Go's `strconv.Quote` writes it.
pub(crate) fn quote(text: &str) -> String {
    quote_with(text, '"', false)
}

/// A text in the given quotes; `ascii`: other characters are escaped.
pub(crate) fn quote_with(text: &str, mark: char, ascii: bool) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push(mark);
    for c in text.chars() {
        escape(c, mark, ascii, &mut out);
    }
    out.push(mark);
    out
}

fn escape(c: char, mark: char, ascii: bool, out: &mut String) {
    match c {
        _ if c == mark || c == '\\' => {
            out.push('\\');
            out.push(c);
        }
        '\u{7}' => out.push_str("\\a"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{b}' => out.push_str("\\v"),
        _ if (c.is_ascii() || !ascii) && is_print(c) => out.push(c),
        _ => {
            let code = u32::from(c);
            out.push_str(&match code {
                0..=0x1f | 0x7f => format!("\\x{code:02x}"),
                0x80..=0xffff => format!("\\u{code:04x}"),
                _ => format!("\\U{code:08x}"),
            });
        }
    }
}

/// A float as `encoding/json` writes it.
pub(crate) fn json_float(float: f64) -> String {
    let size = float.abs();
    if size == 0.0 || (1e-6..1e21).contains(&size) {
        return float.to_string();
    }
    let text = format!("{float:e}");
    match text.split_once('e') {
        Some((mantissa, exp)) => match exp.strip_prefix('-') {
            Some(digits) => format!("{mantissa}e-{digits}"),
            None => format!("{mantissa}e+{exp}"),
        },
        None => text,
    }
}

/// A text in quotes, as `encoding/json` writes it; `html`: the characters of HTML are escaped too.
pub(crate) fn json_string(text: &str, html: bool, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..='\u{1f}' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)))
            }
            '<' | '>' | '&' if html => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => out.push(c),
        }
    }
    out.push('"');
}

/// A float that is not negative, as Go's `strconv.FormatFloat` writes it; without a precision, the shortest text.
pub(crate) fn float(number: f64, verb: char, precision: Option<usize>) -> String {
    match verb {
        'f' => match precision {
            Some(precision) => format!("{number:.precision$}"),
            None => number.to_string(),
        },
        'e' | 'E' => exponent(number, verb, precision),
        'b' => {
            let (mantissa, exp) = parts(number);
            format!("{mantissa}p{exp:+}")
        }
        'x' | 'X' => hexadecimal(number, verb == 'X', precision),
        _ => general(number, verb, precision),
    }
}

fn exponent(number: f64, verb: char, precision: Option<usize>) -> String {
    let text = match precision {
        Some(precision) => format!("{number:.precision$e}"),
        None => format!("{number:e}"),
    };
    let (mantissa, exp) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, digits) = match exp.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', exp),
    };
    format!("{mantissa}{}{sign}{digits:0>2}", if verb.is_ascii_uppercase() { 'E' } else { 'e' })
}

/// The verb `%g`: plain digits, or an exponent where it is large.
fn general(number: f64, verb: char, precision: Option<usize>) -> String {
    let digits = precision.map(|precision| precision.max(1));
    let text = exponent(number, 'e', digits.map(|digits| digits - 1));
    let (mantissa, exp) = text.split_once('e').unwrap_or((&text, "0"));
    let exp: i64 = exp.parse().unwrap_or(0);
    let kept = mantissa.trim_end_matches('0').trim_end_matches('.');
    let count = kept.chars().filter(char::is_ascii_digit).count();
    let limit = match digits {
        None => 6,
        Some(digits) if digits > count && i64::try_from(count).unwrap_or(0) > exp => {
            i64::try_from(count).unwrap_or(0)
        }
        Some(digits) => i64::try_from(digits).unwrap_or(i64::MAX),
    };
    if exp < -4 || exp >= limit {
        return exponent(
            number,
            if verb == 'G' { 'E' } else { 'e' },
            Some(count.saturating_sub(1)),
        );
    }
    let fraction = i64::try_from(count).unwrap_or(0) - exp - 1;
    format!("{number:.*}", usize::try_from(fraction).unwrap_or(0))
}

/// The integer mantissa and the binary exponent.
fn parts(number: f64) -> (u64, i64) {
    let bits = number.to_bits();
    let exp = i64::try_from((bits >> 52) & 0x7ff).unwrap_or(0);
    let mantissa = bits & ((1 << 52) - 1);
    if exp == 0 { (mantissa, -1074) } else { (mantissa | (1 << 52), exp - 1075) }
}

fn hexadecimal(number: f64, upper: bool, precision: Option<usize>) -> String {
    let (mut mantissa, mut exp) = parts(number);
    exp = if mantissa == 0 { 0 } else { exp + 52 };
    // The first digit is 1, and 60 bits follow it.
    while mantissa != 0 && mantissa < 1 << 52 {
        mantissa <<= 1;
        exp -= 1;
    }
    mantissa <<= 8;
    if let Some(precision) = precision.filter(|precision| *precision < 15) {
        let drop = 60 - precision * 4;
        let extra = mantissa & ((1 << drop) - 1);
        mantissa >>= drop;
        let half = 1 << (drop - 1);
        if extra > half || (extra == half && mantissa & 1 == 1) {
            mantissa += 1;
        }
        mantissa <<= drop;
        if mantissa >= 1 << 61 {
            mantissa >>= 1;
            exp += 1;
        }
    }
    let mut fraction = format!("{:015x}", mantissa & ((1 << 60) - 1));
    match precision {
        None => fraction.truncate(fraction.trim_end_matches('0').len()),
        Some(precision) => {
            let zeros = precision.saturating_sub(fraction.len());
            fraction.truncate(precision);
            fraction.push_str(&"0".repeat(zeros));
        }
    }
    let point = if fraction.is_empty() { "" } else { "." };
    let sign = if exp < 0 { '-' } else { '+' };
    let text = format!("0x{}{point}{fraction}p{sign}{:02}", mantissa >> 60, exp.unsigned_abs());
    if upper { text.to_uppercase() } else { text }
}

/// A text in backquotes.
pub(crate) fn raw_quote(text: &str) -> String {
    format!("`{text}`")
}
