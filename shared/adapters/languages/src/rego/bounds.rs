//! The bound of numbers in documents, checked before they are parsed: numbers with exponents grow.

/// The most digits of a number, as in CPython's conversion of text to integers.
const DIGITS_MAX: usize = 4_300;
/// The largest exponent of a number.
const EXPONENT_MAX: usize = 400;

/// The line and the column, from 1, of a number that is too long.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OutOfBounds {
    pub(super) line: u32,
    pub(super) column: u32,
}

/// What is wrong with such a number.
pub(super) fn message() -> String {
    format!("a number has more than {DIGITS_MAX} digits or an exponent beyond {EXPONENT_MAX}")
}

/// Checks the numbers of a JSON text. It accepts malformed text, which the parser reports.
///
/// # Errors
/// The first location that exceeds a bound.
pub(super) fn check(text: &str) -> Result<(), OutOfBounds> {
    let bytes = text.as_bytes();
    let mut position = 0;
    while let Some(&byte) = bytes.get(position) {
        position = match byte {
            b'"' => skip_string(bytes, position + 1),
            b'0'..=b'9' => {
                let end = skip_number(bytes, position);
                if !number_fits(bytes.get(position..end).unwrap_or_default()) {
                    return Err(location(text, position));
                }
                end
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
    }
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

fn skip_number(bytes: &[u8], from: usize) -> usize {
    let digits = |from| skip_while(bytes, from, |byte| byte.is_ascii_digit() || byte == b'.');
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
    fn a_long_number_is_found_where_it_starts() {
        let long = "7".repeat(DIGITS_MAX + 1);
        let cases = [
            ("{\"a\": [1, 1E+999]}".to_owned(), Some((1, 11))),
            (format!("[1,\n  \"é\", {long}]"), Some((2, 8))),
            (format!("\"\\\"{long}\""), None),
            ("[1e400, -0.5e-400]".to_owned(), None),
        ];
        for (text, expected) in cases {
            let found = check(&text).err().map(|out| (out.line, out.column));
            assert_eq!(found, expected, "{}", text.get(..40).unwrap_or(&text));
        }
    }
}
