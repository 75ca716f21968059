//! Exact comparison and addition of JSON numbers, from their text.
//!
//! A double would round integers above 2^53 and most decimals. Here a number is a sign, digits and
//! a decimal exponent, so comparing `1e999999999` with `1` costs no more than reading both.

use std::cmp::Ordering;

use serde_json::Number;

use crate::bounds::NUMBER_DIGITS_MAX;

/// Exponents beyond this bound saturate; a text needs 36 digits of exponent to reach it.
const EXPONENT_MAX: i128 = 10_i128.pow(36);

/// The number `0.d1d2d3... * 10^exponent`. The digits have no zero at either end; zero has no
/// digits.
struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    exponent: i128,
}

impl Decimal {
    fn parse(number: &Number) -> Self {
        let text = number.as_str();
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = whole.bytes().chain(fraction.bytes()).map(|byte| byte.wrapping_sub(b'0'));
        let leading = all.clone().take_while(|digit| *digit == 0).count();
        let mut digits: Vec<u8> = all.skip(leading).collect();
        while digits.last() == Some(&0) {
            digits.pop();
        }
        let point = as_exponent(whole.len()) - as_exponent(leading);
        if digits.is_empty() {
            return Self { negative: false, digits, exponent: 0 };
        }
        Self { negative, digits, exponent: point + exponent_of(exponent) }
    }

    /// Returns the power of ten of the last digit.
    fn low(&self) -> i128 {
        self.exponent - as_exponent(self.digits.len())
    }

    fn compare_magnitude(&self, other: &Self) -> Ordering {
        match (self.digits.is_empty(), other.digits.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => {
                self.exponent.cmp(&other.exponent).then_with(|| self.digits.cmp(&other.digits))
            }
        }
    }

    /// Returns `width` digits from the power of ten `low` up, least significant digit first.
    fn column(&self, low: i128, width: usize) -> Vec<u8> {
        let zeros = usize::try_from(self.low() - low).unwrap_or(0);
        let mut column = vec![0; zeros];
        column.extend(self.digits.iter().rev());
        column.resize(width, 0);
        column
    }
}

fn as_exponent(length: usize) -> i128 {
    i128::try_from(length).unwrap_or(EXPONENT_MAX)
}

fn exponent_of(text: &str) -> i128 {
    let saturated = if text.starts_with('-') { -EXPONENT_MAX } else { EXPONENT_MAX };
    text.parse::<i128>().map_or(saturated, |exponent| exponent.clamp(-EXPONENT_MAX, EXPONENT_MAX))
}

/// Whether the number is written without fraction and exponent.
pub(crate) fn is_integer_text(number: &Number) -> bool {
    !number.as_str().contains(['.', 'e', 'E'])
}

/// Returns the number as a count or index: `2`, `2.0` and `2e0` are all two. `None` where it is
/// negative, has a fraction, or is too large.
pub(crate) fn as_count(number: &Number) -> Option<usize> {
    let decimal = Decimal::parse(number);
    if decimal.negative || decimal.low() < 0 || decimal.exponent > 18 {
        return None;
    }
    decimal
        .column(0, usize::try_from(decimal.exponent).unwrap_or(0))
        .iter()
        .rev()
        .try_fold(0_usize, |sum, digit| sum.checked_mul(10)?.checked_add(usize::from(*digit)))
}

/// Compares two numbers by value: `1`, `1.0` and `10e-1` are equal.
pub(crate) fn compare(left: &Number, right: &Number) -> Ordering {
    if let (Some(left), Some(right)) = (as_i64(left), as_i64(right)) {
        return left.cmp(&right);
    }
    let (left, right) = (Decimal::parse(left), Decimal::parse(right));
    match (left.negative, right.negative) {
        (false, true) => Ordering::Greater,
        (true, false) => Ordering::Less,
        (false, false) => left.compare_magnitude(&right),
        (true, true) => right.compare_magnitude(&left),
    }
}

fn as_i64(number: &Number) -> Option<i64> {
    number.as_str().parse().ok()
}

/// Returns the exact sum; `None` where it would have more than [`NUMBER_DIGITS_MAX`] digits.
///
/// The sum of two integers is an integer. Where one operand is written with a fraction or an
/// exponent, so is the sum (`1.5 + 0.5` is `2.0`), because policy languages distinguish the two.
pub(crate) fn add(left: &Number, right: &Number) -> Option<Number> {
    if let Some(sum) =
        as_i64(left).zip(as_i64(right)).and_then(|(left, right)| left.checked_add(right))
    {
        return Some(Number::from(sum));
    }
    let whole = is_integer_text(left) && is_integer_text(right);
    let (left, right) = (Decimal::parse(left), Decimal::parse(right));
    let low = left.low().min(right.low()).min(0);
    // One more digit for the carry, and at least the units.
    let high = left.exponent.max(right.exponent).max(0) + 1;
    let width = usize::try_from(high - low).ok().filter(|width| *width <= NUMBER_DIGITS_MAX)?;
    let (large, lesser) = if left.compare_magnitude(&right) == Ordering::Less {
        (right, left)
    } else {
        (left, right)
    };
    let sum = combine(
        &large.column(low, width),
        &lesser.column(low, width),
        large.negative != lesser.negative,
    );
    let fraction = usize::try_from(-low).unwrap_or(0);
    format_decimal(large.negative, &sum, fraction, whole).parse().ok()
}

/// Adds or subtracts columns of digits, the larger one first, least significant digit first.
fn combine(large: &[u8], lesser: &[u8], subtract: bool) -> Vec<u8> {
    let mut carry = 0;
    large
        .iter()
        .zip(lesser)
        .map(|(upper, lower)| {
            if subtract {
                let borrowed = lower + carry;
                carry = u8::from(*upper < borrowed);
                upper + 10 * carry - borrowed
            } else {
                let sum = upper + lower + carry;
                carry = sum / 10;
                sum % 10
            }
        })
        .collect()
}

/// Formats digits (least significant first) with `fraction` of them after the decimal point.
fn format_decimal(negative: bool, digits: &[u8], fraction: usize, whole: bool) -> String {
    let text = |digits: &[u8]| -> String {
        digits.iter().rev().map(|digit| char::from(b'0' + digit)).collect()
    };
    let (after, before) = digits.split_at(fraction.min(digits.len()));
    let (before, after) = (text(before), text(after));
    let before = before.trim_start_matches('0');
    let after = after.trim_end_matches('0');
    let is_zero = before.is_empty() && after.is_empty();
    let sign = if negative && !is_zero { "-" } else { "" };
    let before = if before.is_empty() { "0" } else { before };
    match (whole, after) {
        (true, _) => format!("{sign}{before}"),
        (false, "") => format!("{sign}{before}.0"),
        (false, after) => format!("{sign}{before}.{after}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        text.parse().unwrap()
    }

    #[test]
    fn numbers_order_by_value_and_not_by_text() {
        let ascending = [
            "-1e999999999999999999999999999999999999999999",
            "-1e400",
            "-9007199254740993",
            "-9007199254740992",
            "-0.1",
            "-1e-400",
            "0",
            "1e-999999999999",
            "1e-400",
            "0.1",
            "0.10000000000000000001",
            "1",
            "9.99",
            "10",
            "9007199254740992",
            "9007199254740993",
            "123456789012345678901234567890",
            "123456789012345678901234567890.5",
            "1e400",
            "1.1e400",
            "1e999999999",
            "1e99999999999999999999999999999999999999999",
        ];
        for (i, left) in ascending.iter().enumerate() {
            for (j, right) in ascending.iter().enumerate() {
                assert_eq!(
                    compare(&number(left), &number(right)),
                    i.cmp(&j),
                    "{left} with {right}"
                );
            }
        }
    }

    #[test]
    fn one_value_has_many_texts() {
        for (left, right) in [
            ("1", "1.0"),
            ("1", "10e-1"),
            ("1", "0.001e3"),
            ("0", "-0"),
            ("0", "-0.000e500"),
            ("1e2", "100"),
            ("-1.50", "-1.5"),
            ("12345678901234567890123e-3", "12345678901234567890.123"),
        ] {
            assert_eq!(
                compare(&number(left), &number(right)),
                Ordering::Equal,
                "{left} with {right}"
            );
        }
    }

    #[test]
    fn sums_are_exact() {
        for (left, right, sum) in [
            ("1", "2", "3"),
            ("9223372036854775807", "1", "9223372036854775808"),
            ("-9223372036854775808", "-1", "-9223372036854775809"),
            ("123456789012345678901234567890", "-1", "123456789012345678901234567889"),
            ("0.1", "0.2", "0.3"),
            ("1.5", "0.5", "2.0"),
            ("1.5", "-1.5", "0.0"),
            ("1", "-2.25", "-1.25"),
            ("1e3", "1", "1001.0"),
            ("0", "1e-3", "0.001"),
            ("99", "0.99", "99.99"),
            ("99999999999999999999", "1", "100000000000000000000"),
            ("1e308", "0", &format!("1{}.0", "0".repeat(308))),
        ] {
            assert_eq!(
                add(&number(left), &number(right)).unwrap().as_str(),
                sum,
                "{left} + {right}"
            );
            assert_eq!(
                add(&number(right), &number(left)).unwrap().as_str(),
                sum,
                "{right} + {left}"
            );
        }
    }

    #[test]
    fn a_sum_with_too_many_digits_is_refused_without_writing_them() {
        for (left, right) in [("1e999999999", "1"), ("1", "1e-999999999"), ("1e701", "0.5")] {
            assert!(add(&number(left), &number(right)).is_none(), "{left} + {right}");
        }
    }

    #[test]
    fn a_count_is_any_spelling_of_a_whole_number() {
        for (text, want) in [
            ("0", Some(0)),
            ("12", Some(12)),
            ("2.0", Some(2)),
            ("2e1", Some(20)),
            ("1.5", None),
            ("-1", None),
            ("1e999999999", None),
        ] {
            assert_eq!(as_count(&number(text)), want, "{text}");
        }
    }
}
