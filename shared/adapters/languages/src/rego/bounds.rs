//! Bounds that are checked before parsing: parsers recurse, and numbers with exponents grow.

/// The longest source, in bytes; regorus has the same limit.
pub(super) const SOURCE_BYTES_MAX: usize = 1 << 20;
/// The deepest nesting of brackets. Regorus itself stops at 32 nested expressions; this bound covers
/// the brackets that it does not count.
pub(super) const NESTING_MAX: usize = 64;
/// The most digits of a number, as in CPython's conversion of text to integers.
const DIGITS_MAX: usize = 4_300;
/// The largest exponent of a number: regorus writes integral powers of ten out in full.
const EXPONENT_MAX: usize = 400;

/// A location in a text that exceeds a bound.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OutOfBounds {
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) what: Excess,
}

/// The bound that is exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Excess {
    Nesting,
    Number,
}

impl Excess {
    pub(super) fn message(self) -> String {
        match self {
            Self::Nesting => {
                format!("brackets or minus signs are nested more than {NESTING_MAX} deep")
            }
            Self::Number => format!(
                "a number has more than {DIGITS_MAX} digits or an exponent beyond {EXPONENT_MAX}"
            ),
        }
    }
}

/// The language of a text: which parts are skipped as opaque, and whether brackets are counted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Rego,
    Json,
}

/// Checks the brackets and numbers of a text. It accepts malformed text, which the parser reports.
///
/// # Errors
/// The first location that exceeds a bound.
pub(super) fn check(text: &str, dialect: Dialect) -> Result<(), OutOfBounds> {
    let bytes = text.as_bytes();
    let out_of_bounds_at = |position: usize, what| OutOfBounds { what, ..location(text, position) };
    let (mut position, mut depth, mut signs) = (0, 0_usize, 0_usize);
    while let Some(&byte) = bytes.get(position) {
        // In a row of signs, each is nested in the one before it.
        signs = match byte {
            b'-' if dialect == Dialect::Rego => signs + 1,
            b'#' | b' ' | b'\t' | b'\r' | b'\n' => signs,
            _ => 0,
        };
        if signs > NESTING_MAX {
            return Err(out_of_bounds_at(position, Excess::Nesting));
        }
        position = match byte {
            b'"' => skip_string(bytes, position + 1),
            b'`' if dialect == Dialect::Rego => skip_past(bytes, position + 1, b'`'),
            b'#' if dialect == Dialect::Rego => skip_past(bytes, position + 1, b'\n'),
            b'0'..=b'9' => {
                let end = skip_number(bytes, position);
                if !number_fits(bytes.get(position..end).unwrap_or_default()) {
                    return Err(out_of_bounds_at(position, Excess::Number));
                }
                end
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => skip_word(bytes, position),
            b'(' | b'[' | b'{' if dialect == Dialect::Rego => {
                depth += 1;
                if depth > NESTING_MAX {
                    return Err(out_of_bounds_at(position, Excess::Nesting));
                }
                position + 1
            }
            b')' | b']' | b'}' => {
                depth = depth.saturating_sub(1);
                position + 1
            }
            _ => position + 1,
        };
    }
    Ok(())
}

/// The one-based line and column, in characters, of a byte offset.
fn location(text: &str, position: usize) -> OutOfBounds {
    let before = text.get(..position).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before.get(line_start..).unwrap_or_default().chars().count() + 1;
    OutOfBounds {
        line: u32::try_from(before.matches('\n').count() + 1).unwrap_or(u32::MAX),
        column: u32::try_from(column).unwrap_or(u32::MAX),
        what: Excess::Nesting,
    }
}

fn skip_past(bytes: &[u8], from: usize, end: u8) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    rest.iter().position(|&byte| byte == end).map_or(bytes.len(), |found| from + found + 1)
}

fn skip_string(bytes: &[u8], mut position: usize) -> usize {
    while let Some(&byte) = bytes.get(position) {
        match byte {
            b'\\' => position += 2,
            b'"' | b'\n' => return position + 1,
            _ => position += 1,
        }
    }
    bytes.len()
}

fn skip_word(bytes: &[u8], from: usize) -> usize {
    skip_while(bytes, from, |byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn skip_number(bytes: &[u8], from: usize) -> usize {
    let digits = |from| {
        skip_while(bytes, from, |byte| byte.is_ascii_digit() || byte == b'.' || byte == b'_')
    };
    let end = digits(from);
    match bytes.get(end) {
        Some(b'e' | b'E') => match bytes.get(end + 1) {
            Some(b'+' | b'-') => digits(end + 2),
            _ => digits(end + 1),
        },
        _ => end,
    }
}

fn skip_while(bytes: &[u8], from: usize, belongs: impl Fn(u8) -> bool) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    from + rest.iter().take_while(|&&byte| belongs(byte)).count()
}

fn number_fits(number: &[u8]) -> bool {
    let mut halves = number.splitn(2, |byte| matches!(byte, b'e' | b'E'));
    let mantissa = halves.next().unwrap_or_default();
    let exponent = halves.next().unwrap_or_default();
    let size = exponent.iter().filter(|byte| byte.is_ascii_digit()).fold(0_usize, |size, byte| {
        size.saturating_mul(10).saturating_add(usize::from(byte - b'0'))
    });
    mantissa.len() <= DIGITS_MAX && size <= EXPONENT_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excess_is_found_where_it_starts() {
        let nested = "(".repeat(NESTING_MAX + 1);
        let long = "7".repeat(DIGITS_MAX + 1);
        let signs = format!("x := {}1", "- ".repeat(NESTING_MAX + 1));
        let cases = [
            (Dialect::Rego, signs, Some((1, 6 + 2 * 64, Excess::Nesting))),
            (Dialect::Rego, "x := 1 - -1\n".repeat(100), None),
            (Dialect::Rego, format!("x :=\n  é{nested}"), Some((2, 4 + 64, Excess::Nesting))),
            (Dialect::Rego, format!("# {nested}\nx := `{nested}` + \"{nested}\""), None),
            (Dialect::Rego, "x := 1e1000000000".to_owned(), Some((1, 6, Excess::Number))),
            (Dialect::Rego, "e1000000000 := 1e308".to_owned(), None),
            (Dialect::Json, "{\"a\": [1, 1E+999]}".to_owned(), Some((1, 11, Excess::Number))),
            (Dialect::Json, format!("[{long}]"), Some((1, 2, Excess::Number))),
            (Dialect::Json, format!("\"\\\"{long}\""), None),
            (Dialect::Json, "[".repeat(100), None),
        ];
        for (dialect, text, expected) in cases {
            let found = check(&text, dialect).err().map(|out| (out.line, out.column, out.what));
            assert_eq!(found, expected, "{}", text.get(..40).unwrap_or(&text));
        }
    }
}
