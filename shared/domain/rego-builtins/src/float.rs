//! Binary floating point numbers of any precision, with the rounding that OPA's arithmetic has.
//!
//! OPA computes with a mantissa of 64 bits, rounds to nearest even, and prints the shortest decimal text
//! that reads back as the same number.

use num_bigint::{BigInt, BigUint, Sign};
use num_traits::{One, Zero};

/// The precision of a number that is read from text.
pub(crate) const PRECISION: u64 = 64;

/// The number `mant * 2^exp`, negated where `neg` is set. Zero has a sign.
#[derive(Clone, Debug)]
pub(crate) struct Float {
    neg: bool,
    mant: BigUint,
    exp: i64,
    prec: u64,
}

/// Decimal digits: the number `0.d1d2d3... * 10^exp`.
struct Decimal {
    digits: Vec<u8>,
    exp: i64,
}

impl Float {
    fn new(neg: bool, mant: BigUint, exp: i64, prec: u64) -> Self {
        let mut float = Float { neg, mant, exp, prec };
        float.round(false);
        float
    }

    /// The float of an integer, exact if it has more bits than the usual precision.
    pub(crate) fn from_int(int: &BigInt) -> Self {
        let mant = int.magnitude().clone();
        let prec = mant.bits().max(PRECISION);
        Float::new(int.sign() == Sign::Minus, mant, 0, prec)
    }

    /// The float of the decimal number `digits * 10^exp10`.
    pub(crate) fn from_decimal(neg: bool, digits: &BigUint, exp10: i64) -> Self {
        let whole = Float { neg, mant: digits.clone(), exp: 0, prec: PRECISION };
        if digits.is_zero() || exp10 == 0 {
            return Float::new(neg, digits.clone(), 0, PRECISION);
        }
        let five = pow5(exp10.unsigned_abs(), PRECISION + 64);
        let mut result =
            if exp10 < 0 { whole.quo_to(&five, PRECISION) } else { whole.mul_to(&five, PRECISION) };
        result.exp += exp10;
        result
    }

    pub(crate) fn is_negative(&self) -> bool {
        self.neg
    }

    pub(crate) fn is_zero(&self) -> bool {
        self.mant.is_zero()
    }

    /// Whether the number has no fraction.
    pub(crate) fn is_int(&self) -> bool {
        self.mant.is_zero()
            || self.exp >= 0
            || self.mant.trailing_zeros().unwrap_or(0) >= self.exp.unsigned_abs()
    }

    /// The integer towards zero.
    pub(crate) fn truncate(&self) -> BigInt {
        let mant = if self.exp >= 0 {
            &self.mant << self.exp.unsigned_abs()
        } else {
            &self.mant >> self.exp.unsigned_abs()
        };
        BigInt::from_biguint(if self.neg { Sign::Minus } else { Sign::Plus }, mant)
    }

    pub(crate) fn abs(mut self) -> Self {
        self.neg = false;
        self
    }

    fn negate(mut self) -> Self {
        self.neg = !self.neg;
        self
    }

    pub(crate) fn add(&self, other: &Self) -> Self {
        let prec = self.prec.max(other.prec);
        if self.mant.is_zero() && other.mant.is_zero() {
            return Float { neg: self.neg && other.neg, mant: BigUint::ZERO, exp: 0, prec };
        }
        let exp = match (self.mant.is_zero(), other.mant.is_zero()) {
            (true, _) => other.exp,
            (_, true) => self.exp,
            _ => self.exp.min(other.exp),
        };
        let sum = self.aligned(exp) + other.aligned(exp);
        Float::new(sum.sign() == Sign::Minus, sum.into_parts().1, exp, prec)
    }

    pub(crate) fn sub(&self, other: &Self) -> Self {
        self.add(&other.clone().negate())
    }

    pub(crate) fn mul(&self, other: &Self) -> Self {
        self.mul_to(other, self.prec.max(other.prec))
    }

    /// The quotient. The divisor is not zero.
    pub(crate) fn quo(&self, other: &Self) -> Self {
        self.quo_to(other, self.prec.max(other.prec))
    }

    pub(crate) fn cmp_value(&self, other: &Self) -> std::cmp::Ordering {
        let exp = self.exp.min(other.exp);
        self.aligned(exp).cmp(&other.aligned(exp))
    }

    fn aligned(&self, exp: i64) -> BigInt {
        let mant = if self.mant.is_zero() {
            BigUint::ZERO
        } else {
            &self.mant << self.exp.saturating_sub(exp).unsigned_abs()
        };
        BigInt::from_biguint(if self.neg { Sign::Minus } else { Sign::Plus }, mant)
    }

    pub(crate) fn mul_to(&self, other: &Self, prec: u64) -> Self {
        Float::new(
            self.neg != other.neg,
            &self.mant * &other.mant,
            self.exp.saturating_add(other.exp),
            prec,
        )
    }

    fn quo_to(&self, other: &Self, prec: u64) -> Self {
        let neg = self.neg != other.neg;
        if self.mant.is_zero() || other.mant.is_zero() {
            return Float { neg, mant: BigUint::ZERO, exp: 0, prec };
        }
        let shift = (prec + 2 + other.mant.bits()).saturating_sub(self.mant.bits());
        let numerator = &self.mant << shift;
        let quotient = &numerator / &other.mant;
        let sticky = !(&numerator % &other.mant).is_zero();
        let exp = self
            .exp
            .saturating_sub(other.exp)
            .saturating_sub(i64::try_from(shift).unwrap_or(i64::MAX));
        let mut result = Float { neg, mant: quotient, exp, prec };
        result.round(sticky);
        result
    }

    /// Rounds the mantissa to the precision, to nearest even. `sticky`: bits below the mantissa are not zero.
    fn round(&mut self, sticky: bool) {
        let bits = self.mant.bits();
        if bits <= self.prec {
            return;
        }
        let drop = bits - self.prec;
        let half = self.mant.bit(drop - 1);
        let rest = sticky || self.mant.trailing_zeros().is_some_and(|zeros| zeros < drop - 1);
        self.mant >>= drop;
        self.exp = self.exp.saturating_add(i64::try_from(drop).unwrap_or(i64::MAX));
        if half && (rest || self.mant.bit(0)) {
            self.mant += 1_u32;
        }
    }

    /// The number as text: an integer in full, another number in the shortest form.
    pub(crate) fn text(&self) -> String {
        let mut decimal = if self.mant.is_zero() {
            Decimal { digits: Vec::new(), exp: 0 }
        } else {
            self.shortest()
        };
        while decimal.digits.last() == Some(&b'0') {
            decimal.digits.pop();
        }
        let mut text = String::new();
        if self.neg {
            text.push('-');
        }
        let first = decimal.exp - 1;
        // The limit of plain digits; an integer is never written with an exponent.
        if !self.is_int() && !(-4..6).contains(&first) {
            decimal.write_exponent(&mut text);
        } else {
            decimal.write_plain(&mut text);
        }
        text
    }

    fn shortest(&self) -> Decimal {
        let mut mant = self.mant.clone();
        let mut exp = self.exp;
        let (bits, want) = (mant.bits(), self.prec + 1);
        if bits < want {
            mant <<= want - bits;
        } else {
            mant >>= bits - want;
        }
        exp += i64::try_from(bits).unwrap_or(0) - i64::try_from(want).unwrap_or(0);
        let mut decimal = Decimal::new(&mant, exp);
        let lower = Decimal::new(&(&mant - BigUint::one()), exp);
        let upper = Decimal::new(&(&mant + BigUint::one()), exp);
        let inclusive = !mant.bit(1);
        for place in 0..decimal.digits.len() {
            let (low, digit, high) = (lower.at(place), decimal.at(place), upper.at(place));
            let last = place + 1;
            let down = low != digit || inclusive && last == lower.digits.len();
            let up = digit != high && (inclusive || digit + 1 < high || last < upper.digits.len());
            if down && up {
                decimal.round_nearest(last);
            } else if down {
                decimal.digits.truncate(last);
            } else if up {
                decimal.round_up(last);
            } else {
                continue;
            }
            break;
        }
        decimal
    }
}

impl Decimal {
    fn new(mant: &BigUint, exp: i64) -> Self {
        // mant * 2^exp = mant * 5^-exp * 10^exp for a negative exp.
        let (whole, scale) = if exp >= 0 {
            (mant << exp.unsigned_abs(), 0)
        } else {
            let zeros = mant.trailing_zeros().unwrap_or(0).min(exp.unsigned_abs());
            let shift = exp.unsigned_abs() - zeros;
            let power = BigUint::from(5_u32).pow(u32::try_from(shift).unwrap_or(u32::MAX));
            ((mant >> zeros) * power, i64::try_from(shift).unwrap_or(i64::MAX))
        };
        let mut digits = whole.to_string().into_bytes();
        let exp = i64::try_from(digits.len()).unwrap_or(i64::MAX) - scale;
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        Decimal { digits, exp }
    }

    fn at(&self, place: usize) -> u8 {
        self.digits.get(place).copied().unwrap_or(b'0')
    }

    fn round_nearest(&mut self, count: usize) {
        let next = self.at(count);
        let up = match next {
            b'5' if count + 1 == self.digits.len() => {
                count > 0 && (self.at(count - 1) - b'0') % 2 == 1
            }
            digit => digit >= b'5',
        };
        if up { self.round_up(count) } else { self.digits.truncate(count) }
    }

    fn round_up(&mut self, count: usize) {
        if count >= self.digits.len() {
            return;
        }
        self.digits.truncate(count);
        while self.digits.last() == Some(&b'9') {
            self.digits.pop();
        }
        match self.digits.last_mut() {
            Some(digit) => *digit += 1,
            None => {
                self.digits.push(b'1');
                self.exp += 1;
            }
        }
    }

    fn write_exponent(&self, text: &mut String) {
        text.push(char::from(self.at(0)));
        if self.digits.len() > 1 {
            text.push('.');
            text.extend(self.digits.iter().skip(1).map(|digit| char::from(*digit)));
        }
        let exp = self.exp - 1;
        text.push_str(if exp < 0 { "e-" } else { "e+" });
        text.push_str(&format!("{:02}", exp.unsigned_abs()));
    }

    fn write_plain(&self, text: &mut String) {
        let length = i64::try_from(self.digits.len()).unwrap_or(i64::MAX);
        if self.exp > 0 {
            for place in 0..usize::try_from(self.exp).unwrap_or(0) {
                text.push(char::from(self.at(place)));
            }
        } else {
            text.push('0');
        }
        if length > self.exp {
            text.push('.');
            for _ in self.exp..0 {
                text.push('0');
            }
            let skip = usize::try_from(self.exp).unwrap_or(0);
            text.extend(self.digits.iter().skip(skip).map(|digit| char::from(*digit)));
        }
    }
}

fn pow5(power: u64, prec: u64) -> Float {
    const TABLE: u32 = 27;
    let small = u32::try_from(power).unwrap_or(u32::MAX).min(TABLE);
    let mut result = Float::new(false, BigUint::from(5_u32).pow(small), 0, prec);
    let mut left = power - u64::from(small);
    let mut factor = Float::new(false, BigUint::from(5_u32), 0, prec + 64);
    while left > 0 {
        if left & 1 != 0 {
            result = result.mul_to(&factor, prec);
        }
        left >>= 1;
        if left > 0 {
            factor = factor.mul_to(&factor, prec + 64);
        }
    }
    result
}
