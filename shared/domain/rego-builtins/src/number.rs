//! Numbers as OPA keeps them: the text of a JSON number, with a fast path for integers of 64 bits.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use num_bigint::{BigInt, BigUint, Sign};
use num_traits::{ToPrimitive, Zero};

use crate::float::Float;

/// The largest exponent that a number may have, in both directions.
pub const MAX_EXPONENT: i64 = 100_000;

/// A number: exact, and printed as it was written.
///
/// Numbers are equal if their values are equal: `1`, `1.0` and `1e0` are the same member of a set.
#[derive(Clone)]
pub struct Number(Repr);

#[derive(Clone)]
enum Repr {
    Int(i64),
    Text(Arc<str>),
}

/// Why an operation on two numbers has no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArithmeticError {
    /// Division by a zero of any form.
    DivideByZero,
    /// Remainder of a division by zero.
    ModuloByZero,
    /// Remainder of numbers that are not integers.
    ModuloOnFloat,
}

impl ArithmeticError {
    /// The message of OPA.
    pub fn message(self) -> &'static str {
        match self {
            ArithmeticError::DivideByZero => "divide by zero",
            ArithmeticError::ModuloByZero => "modulo by zero",
            ArithmeticError::ModuloOnFloat => "modulo on floating-point number",
        }
    }
}

/// The value of a number: `digits * 10^exp`, without zeros at either end of `digits`.
struct Parts<'a> {
    neg: bool,
    digits: Cow<'a, str>,
    exp: i64,
}

impl Number {
    /// Reads a number in the form of JSON. `None`: it is no number, or its exponent is beyond
    /// [`MAX_EXPONENT`].
    pub fn parse(text: &str) -> Option<Self> {
        if !is_json_number(text) {
            return None;
        }
        if let Some((_, exp)) = text.split_once(['e', 'E'])
            && exp.parse::<i64>().ok().is_none_or(|exp| exp.abs() > MAX_EXPONENT)
        {
            return None;
        }
        Some(Self::from_valid(text))
    }

    /// A number that was checked before. Its text stays, even one that JSON does not have: `05`, `+5`, `.5`.
    pub(crate) fn from_valid(text: &str) -> Self {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let is_canonical = digits.starts_with(|c: char| c.is_ascii_digit())
            && (text == "0" || !digits.starts_with('0'));
        match text.parse::<i64>() {
            Ok(int) if is_canonical => Number(Repr::Int(int)),
            _ => Number(Repr::Text(text.into())),
        }
    }

    /// The number nearest to a float, as Go prints it in JSON. `None`: it is not finite.
    pub fn from_f64(float: f64) -> Option<Self> {
        float.is_finite().then(|| Self::from_valid(&crate::gofmt::json_float(float)))
    }

    pub(crate) fn from_bigint(int: &BigInt) -> Self {
        match int.to_i64() {
            Some(int) => Number(Repr::Int(int)),
            None => Number(Repr::Text(int.to_string().into())),
        }
    }

    pub(crate) fn from_float(float: &Float) -> Self {
        Self::from_valid(&float.text())
    }

    /// The text of the number, a JSON number.
    pub fn text(&self) -> Cow<'_, str> {
        match &self.0 {
            Repr::Int(int) => Cow::Owned(int.to_string()),
            Repr::Text(text) => Cow::Borrowed(text),
        }
    }

    /// The integer, if the number is written as one and fits: `1` and `1.0` are, `1e0` is not. Indexes and
    /// integer arguments are read this way.
    pub fn as_i64(&self) -> Option<i64> {
        match &self.0 {
            Repr::Int(int) => Some(*int),
            Repr::Text(text) => match text.split_once('.') {
                Some((whole, fraction)) if fraction.bytes().all(|byte| byte == b'0') => {
                    whole.parse().ok()
                }
                Some(_) => None,
                None => text.parse().ok(),
            },
        }
    }

    /// Whether the text is a number of JSON; `to_number` makes others.
    pub fn is_json(&self) -> bool {
        match &self.0 {
            Repr::Int(_) => true,
            Repr::Text(text) => is_json_number(text),
        }
    }

    /// The nearest float; infinite if the number is too large.
    pub fn as_f64(&self) -> f64 {
        match &self.0 {
            // The nearest float of an integer of 64 bits.
            #[allow(clippy::cast_precision_loss)]
            Repr::Int(int) => *int as f64,
            Repr::Text(text) => text.parse().unwrap_or(f64::NAN),
        }
    }

    /// Whether the value has no fraction. `1.0` has none.
    pub fn is_integer(&self) -> bool {
        match &self.0 {
            Repr::Int(_) => true,
            Repr::Text(_) => self.parts().exp >= 0,
        }
    }

    /// Whether the value is zero, in whatever form it is written.
    pub fn is_zero(&self) -> bool {
        match &self.0 {
            Repr::Int(int) => *int == 0,
            Repr::Text(_) => self.parts().digits.is_empty(),
        }
    }

    pub(crate) fn as_bigint(&self) -> Option<BigInt> {
        if let Repr::Int(int) = &self.0 {
            return Some(BigInt::from(*int));
        }
        let parts = self.parts();
        let zeros = u32::try_from(parts.exp).ok()?;
        let digits = if parts.digits.is_empty() {
            BigUint::ZERO
        } else {
            parts.digits.parse::<BigUint>().ok()?
        };
        let magnitude = digits * BigUint::from(10_u32).pow(zeros);
        Some(BigInt::from_biguint(if parts.neg { Sign::Minus } else { Sign::Plus }, magnitude))
    }

    pub(crate) fn as_float(&self) -> Float {
        match &self.0 {
            Repr::Int(int) => Float::from_decimal(*int < 0, &BigUint::from(int.unsigned_abs()), 0),
            Repr::Text(text) => {
                let (neg, whole, fraction, exp) = split(text);
                let mut digits = String::with_capacity(whole.len() + fraction.len());
                digits.push_str(whole);
                digits.push_str(fraction);
                let scale = i64::try_from(fraction.len()).unwrap_or(i64::MAX);
                Float::from_decimal(neg, &digits.parse().unwrap_or(BigUint::ZERO), exp - scale)
            }
        }
    }

    fn parts(&self) -> Parts<'_> {
        match &self.0 {
            Repr::Int(int) => {
                let digits = int.unsigned_abs().to_string();
                Parts::new(*int < 0, Cow::Owned(digits), 0)
            }
            Repr::Text(text) => {
                let (neg, whole, fraction, exp) = split(text);
                if fraction.is_empty() {
                    return Parts::new(neg, Cow::Borrowed(whole), exp);
                }
                let scale = i64::try_from(fraction.len()).unwrap_or(i64::MAX);
                Parts::new(neg, Cow::Owned(format!("{whole}{fraction}")), exp - scale)
            }
        }
    }

    fn small(&self) -> Option<i64> {
        self.as_i64().filter(|int| i32::try_from(*int).is_ok())
    }

    /// The sum: exact for integers, else rounded.
    pub fn add(&self, other: &Self) -> Self {
        if let (Some(left), Some(right)) = (self.small(), other.small()) {
            return Number(Repr::Int(left + right));
        }
        match (self.as_bigint(), other.as_bigint()) {
            (Some(left), Some(right)) => Self::from_bigint(&(left + right)),
            _ => Self::from_float(&self.as_float().add(&other.as_float())),
        }
    }

    /// The difference: exact for integers, else rounded.
    pub fn sub(&self, other: &Self) -> Self {
        if let (Some(left), Some(right)) = (self.small(), other.small()) {
            return Number(Repr::Int(left - right));
        }
        match (self.as_bigint(), other.as_bigint()) {
            (Some(left), Some(right)) => Self::from_bigint(&(left - right)),
            _ => Self::from_float(&self.as_float().sub(&other.as_float())),
        }
    }

    /// The product: exact for integers, else rounded.
    pub fn mul(&self, other: &Self) -> Self {
        if let (Some(left), Some(right)) = (self.small(), other.small()) {
            return Number(Repr::Int(left * right));
        }
        match (self.as_bigint(), other.as_bigint()) {
            (Some(left), Some(right)) => Self::from_bigint(&(left * right)),
            _ => Self::from_float(&self.as_float().mul(&other.as_float())),
        }
    }

    /// The quotient, with a fraction where the division leaves a rest.
    pub fn div(&self, other: &Self) -> Result<Self, ArithmeticError> {
        if let (Some(left), Some(right)) = (self.small(), other.small()) {
            if right == 0 {
                return Err(ArithmeticError::DivideByZero);
            }
            if left != 0 && left % right == 0 {
                return Ok(Number(Repr::Int(left / right)));
            }
        }
        let divisor = other.as_float();
        if divisor.is_zero() {
            return Err(ArithmeticError::DivideByZero);
        }
        Ok(Self::from_float(&self.as_float().quo(&divisor)))
    }

    /// The remainder of an integer division, with the sign of the dividend.
    pub fn rem(&self, other: &Self) -> Result<Self, ArithmeticError> {
        if let (Some(left), Some(right)) = (self.small(), other.small()) {
            return left
                .checked_rem(right)
                .map(|rest| Number(Repr::Int(rest)))
                .ok_or(ArithmeticError::ModuloByZero);
        }
        match (self.as_bigint(), other.as_bigint()) {
            (Some(_), Some(right)) if right.is_zero() => Err(ArithmeticError::ModuloByZero),
            (Some(left), Some(right)) => Ok(Self::from_bigint(&(left % right))),
            _ => Err(ArithmeticError::ModuloOnFloat),
        }
    }

    /// The value without its sign.
    pub fn abs(&self) -> Self {
        match self.small() {
            Some(int) => Number(Repr::Int(int.abs())),
            None => Self::from_float(&self.as_float().abs()),
        }
    }

    /// The nearest integer; a half is rounded away from zero.
    pub fn round(&self) -> Self {
        if let Some(int) = self.small() {
            return int.into();
        }
        let (float, half) =
            (self.as_float(), Float::from_decimal(false, &BigUint::from(5_u32), -1));
        let moved = if float.is_negative() { float.sub(&half) } else { float.add(&half) };
        Self::from_float(&Float::from_int(&moved.truncate()))
    }

    /// The integer above, as OPA has it: between -1 and 0 it answers 1.
    pub fn ceil(&self) -> Self {
        if let Some(int) = self.small() {
            return int.into();
        }
        let float = self.as_float();
        let whole = Float::from_int(&float.truncate());
        if whole.is_negative() || float.cmp_value(&whole) == Ordering::Equal {
            return Self::from_float(&whole);
        }
        Self::from_float(&whole.add(&Float::from_int(&BigInt::from(1))))
    }

    /// The integer below, as OPA has it: between -1 and 0 it answers 0.
    pub fn floor(&self) -> Self {
        if let Some(int) = self.small() {
            return int.into();
        }
        let float = self.as_float();
        let whole = Float::from_int(&float.truncate());
        if !whole.is_negative() || float.cmp_value(&whole) == Ordering::Equal {
            return Self::from_float(&whole);
        }
        Self::from_float(&whole.sub(&Float::from_int(&BigInt::from(1))))
    }
}

impl<'a> Parts<'a> {
    fn new(neg: bool, digits: Cow<'a, str>, exp: i64) -> Self {
        let from = digits.len() - digits.trim_start_matches('0').len();
        let to = digits.trim_end_matches('0').len();
        let zeros = i64::try_from(digits.len() - to).unwrap_or(i64::MAX);
        if from >= to {
            return Parts { neg: false, digits: Cow::Borrowed(""), exp: 0 };
        }
        let digits = match digits {
            Cow::Borrowed(text) => Cow::Borrowed(text.get(from..to).unwrap_or_default()),
            Cow::Owned(text) => Cow::Owned(text.get(from..to).unwrap_or_default().to_owned()),
        };
        Parts { neg, digits, exp: exp + zeros }
    }

    /// The exponent of the first digit.
    fn magnitude(&self) -> i64 {
        self.exp + i64::try_from(self.digits.len()).unwrap_or(i64::MAX)
    }
}

/// Sign, digits before the point, digits after it, exponent.
fn split(text: &str) -> (bool, &str, &str, i64) {
    let (neg, text) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exp) = match text.split_once(['e', 'E']) {
        Some((mantissa, exp)) => (mantissa, exp.parse().unwrap_or(0)),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    (neg, whole, fraction, exp)
}

/// Whether a text is a number by the grammar of JSON.
pub(crate) fn is_json_number(text: &str) -> bool {
    let rest = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exp) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exp)) => (mantissa, Some(exp)),
        None => (rest, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && (whole.len() == 1 || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exp.is_none_or(|exp| digits(exp.strip_prefix(['+', '-']).unwrap_or(exp)))
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        if let (Repr::Int(left), Repr::Int(right)) = (&self.0, &other.0) {
            return left.cmp(right);
        }
        let (left, right) = (self.parts(), other.parts());
        let sign = |parts: &Parts<'_>| match (parts.digits.is_empty(), parts.neg) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        };
        let order = sign(&left).cmp(&sign(&right));
        if order != Ordering::Equal || left.digits.is_empty() {
            return order;
        }
        let size =
            left.magnitude().cmp(&right.magnitude()).then_with(|| left.digits.cmp(&right.digits));
        if left.neg { size.reverse() } else { size }
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Number {}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let parts = self.parts();
        (parts.neg, parts.exp).hash(state);
        parts.digits.hash(state);
    }
}

impl From<i64> for Number {
    fn from(int: i64) -> Self {
        Number(Repr::Int(int))
    }
}

impl From<usize> for Number {
    fn from(int: usize) -> Self {
        Number::from_bigint(&BigInt::from(int))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Int(int) => int.fmt(f),
            Repr::Text(text) => f.write_str(text),
        }
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
