//! Texts with a format of their own: amounts with units, versions, identifiers.

use num_bigint::{BigInt, BigUint};
use num_traits::Zero;

use crate::builtin::{Answer, Args, Call, some};
use crate::context::{Context, Error};
use crate::float::Float;
use crate::number::Number;
use crate::value::{Object, Value};

pub(crate) const TABLE: &[(&str, Call)] = &[
    ("units.parse", units),
    ("units.parse_bytes", bytes),
    ("semver.is_valid", |_, args| {
        some(args.value(0).as_str().is_some_and(|text| Version::parse(text).is_ok()))
    }),
    ("semver.compare", |_, args| {
        let (one, two) = (Version::parse(args.text(0)?)?, Version::parse(args.text(1)?)?);
        some(match one.compare(&two) {
            std::cmp::Ordering::Less => -1_i64,
            std::cmp::Ordering::Equal => 0,
            std::cmp::Ordering::Greater => 1,
        })
    }),
    ("uuid.rfc4122", identifier),
    ("uuid.parse", parse_identifier),
];

/// The amount and the unit of a text; the exponent of a number belongs to the amount.
fn parts<'a>(name: &str, text: &'a str) -> Result<(&'a str, &'a str), Error> {
    if text.contains(' ') {
        return Err(Error::new(format!("{name}: spaces not allowed in resource strings")));
    }
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let is_sign = |at: usize| bytes.get(at).is_some_and(|byte| matches!(byte, b'+' | b'-'));
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'0'..=b'9' | b'.' | b'+' | b'-' => {}
            b'e' | b'E' if is_sign(at + 1) => at += 1,
            b'e' | b'E' if is_digit(at + 1) => {}
            _ => break,
        }
        at += 1;
    }
    let (amount, unit) = text.split_at_checked(at).unwrap_or((text, ""));
    if amount.is_empty() {
        return Err(Error::new(format!("{name}: no amount provided")));
    }
    Ok((amount, unit))
}

/// An amount as sign, digits and exponent.
fn amount(name: &str, text: &str) -> Result<(bool, BigUint, i64), Error> {
    let wrong = || Error::new(format!("{name}: could not parse amount to a number"));
    let (is_negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exp) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exp)) => (mantissa, exp.parse::<i64>().map_err(|_| wrong())?),
        None => (rest, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    if exp.abs() > 10_000 {
        return Err(Error::halt("the exponent of an amount is too large"));
    }
    let scale = i64::try_from(fraction.len()).unwrap_or(i64::MAX);
    Ok((is_negative, digits.parse().map_err(|_| wrong())?, exp - scale))
}

/// The power of ten or two that a unit stands for.
fn power(letter: u8, is_binary: bool) -> Option<BigUint> {
    let step = u32::try_from(b"kmgtpe".iter().position(|known| *known == letter)?).ok()? + 1;
    Some(if is_binary {
        BigUint::from(1024_u32).pow(step)
    } else {
        BigUint::from(1000_u32).pow(step)
    })
}

fn units(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    const NAME: &str = "units.parse";
    let text = args.text(0)?.replace('"', "");
    let (number, unit) = parts(NAME, &text)?;
    let unknown = || Error::new(format!("{NAME}: unit {unit} not recognized"));
    let (is_negative, mut digits, mut exp) = amount(NAME, number)?;
    match unit.as_bytes() {
        [] => {}
        // A small m is a thousandth, a large one a million.
        [b'm'] => exp -= 3,
        [letter] => digits *= power(letter.to_ascii_lowercase(), false).ok_or_else(unknown)?,
        [letter, b'i' | b'I'] => {
            digits *= power(letter.to_ascii_lowercase(), true).ok_or_else(unknown)?
        }
        _ => return Err(unknown()),
    }
    some(rational(is_negative, digits, exp))
}

/// An integer, or a number with ten digits behind its point.
fn rational(is_negative: bool, digits: BigUint, exp: i64) -> Number {
    const PLACES: u32 = 10;
    let ten = |power: i64| BigUint::from(10_u32).pow(u32::try_from(power).unwrap_or(u32::MAX));
    let sign = if is_negative && !digits.is_zero() { "-" } else { "" };
    if exp >= 0 {
        return Number::from_valid(&format!("{sign}{}", digits * ten(exp)));
    }
    let divisor = ten(-exp);
    if (&digits % &divisor).is_zero() {
        return Number::from_valid(&format!("{sign}{}", digits / divisor));
    }
    // Half of the last place is rounded away from zero.
    let scaled = digits * BigUint::from(10_u32).pow(PLACES);
    let rounded = (scaled * 2_u32 + &divisor) / (divisor * 2_u32);
    let text = format!("{:0>11}", rounded.to_string());
    let (whole, fraction) = text.split_at(text.len() - 10);
    Number::from_valid(&format!("{sign}{whole}.{fraction}"))
}

fn bytes(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    const NAME: &str = "units.parse_bytes";
    let text = args.text(0)?.replace('"', "").to_lowercase();
    let (number, unit) = parts(NAME, &text)?;
    let unknown = || Error::new(format!("{NAME}: byte unit {unit} not recognized"));
    let factor = match unit.as_bytes() {
        [] => BigUint::from(1_u32),
        [letter] | [letter, b'b'] => power(*letter, false).ok_or_else(unknown)?,
        [letter, b'i'] | [letter, b'i', b'b'] => power(*letter, true).ok_or_else(unknown)?,
        _ => return Err(unknown()),
    };
    let (is_negative, digits, exp) = amount(NAME, number)?;
    let product =
        Float::from_decimal(is_negative, &digits, exp).mul(&Float::from_int(&BigInt::from(factor)));
    some(Number::from_bigint(&product.truncate()))
}

/// A version by the rules of semantic versioning, as loosely as OPA reads it.
struct Version<'a> {
    numbers: [i64; 3],
    pre: &'a str,
}

impl<'a> Version<'a> {
    fn parse(text: &'a str) -> Result<Self, Error> {
        let wrong = || Error::new(format!("{text} is not a semantic version"));
        let rest = text.strip_prefix('v').unwrap_or(text);
        let (rest, build) = rest.split_once('+').unwrap_or((rest, ""));
        let (core, pre) = rest.split_once('-').unwrap_or((rest, ""));
        let mut numbers = [0; 3];
        let mut found = core.split('.');
        for number in &mut numbers {
            let part = found
                .next()
                .filter(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
            *number = part.and_then(|part| part.parse().ok()).ok_or_else(wrong)?;
        }
        let is_part = |part: &str| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        let are_parts = |text: &str| text.is_empty() || text.split('.').all(is_part);
        if found.next().is_some() || !are_parts(pre) || !are_parts(build) {
            return Err(wrong());
        }
        Ok(Version { numbers, pre })
    }

    fn compare(&self, other: &Self) -> std::cmp::Ordering {
        self.numbers.cmp(&other.numbers).then_with(|| match (self.pre, other.pre) {
            (one, two) if one.is_empty() || two.is_empty() => one.is_empty().cmp(&two.is_empty()),
            (one, two) => one.split('.').map(Part::of).cmp(two.split('.').map(Part::of)),
        })
    }
}

/// A part of a pre-release: numbers come before texts.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Part<'a> {
    Number(i64),
    Text(&'a str),
}

impl<'a> Part<'a> {
    fn of(text: &'a str) -> Self {
        text.parse().map_or(Part::Text(text), Part::Number)
    }
}

/// A random identifier that depends on the seed and the key alone.
fn identifier(context: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let key = args.text(0)?;
    let half = |salt: &str| u128::from(context.draw(&format!("{salt}{key}"), u64::MAX));
    let bits = (half("a/") << 64) | half("b/");
    // Four bits of version, two of variant.
    let bits = bits & !(0xf << 76) & !(0x3 << 62) | (0x4 << 76) | (0x2 << 62);
    some(uuid_text(bits))
}

fn uuid_text(bits: u128) -> String {
    let digits = format!("{bits:032x}");
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)].join("-")
}

/// The fields of an identifier; undefined for another text.
fn parse_identifier(_: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let text = args.text(0)?;
    let inner = match text.len() {
        45 if text.get(..9).is_some_and(|head| head.eq_ignore_ascii_case("urn:uuid:")) => {
            text.get(9..)
        }
        // OPA takes any two bytes around it.
        38 => text.get(1..37),
        36 | 32 => Some(text),
        _ => None,
    };
    let Some(inner) = inner else { return Ok(None) };
    if inner.len() == 36
        && [8, 13, 18, 23].iter().any(|at| inner.as_bytes().get(*at) != Some(&b'-'))
    {
        return Ok(None);
    }
    let digits = inner.replace('-', "");
    if digits.len() != 32 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(None);
    }
    let Ok(bits) = u128::from_str_radix(&digits, 16) else { return Ok(None) };
    let low = |shift: u32, mask: u128| i64::try_from((bits >> shift) & mask).unwrap_or(0);
    let version = low(76, 0xf);
    let variant = match (bits >> 61) & 0x7 {
        0..=3 => "Reserved",
        4 | 5 => "RFC4122",
        6 => "Microsoft",
        _ => "Future",
    };
    let mut object = Object::default();
    let mut set = |key: &str, value: Value| {
        object.insert(key.into(), value);
    };
    set("version", version.into());
    set("variant", variant.into());
    if matches!(version, 1 | 2) {
        let node: Vec<String> =
            (0..6).rev().map(|byte| format!("{:02x}", low(byte * 8, 0xff))).collect();
        set("nodeid", node.join("-").into());
        let first = low(40, 0xff);
        let scope = if first & 2 == 0 { "global" } else { "local" };
        let cast = if first & 1 == 0 { "unicast" } else { "multicast" };
        set("macvariables", format!("{scope}:{cast}").into());
        set("clocksequence", low(48, 0x3fff).into());
        // Hundreds of nanoseconds since 1582-10-15; the count wraps as in Go.
        let ticks = (low(64, 0xfff) << 48) | (low(80, 0xffff) << 32) | low(96, 0xffff_ffff);
        let time = ticks.wrapping_sub(122_192_928_000_000_000);
        set("time", time.wrapping_mul(100).into());
    }
    if version == 2 {
        let domain = match low(48, 0xff) {
            0 => "Person".to_owned(),
            1 => "Group".to_owned(),
            2 => "Org".to_owned(),
            other => format!("Domain{other}"),
        };
        set("domain", domain.into());
        set("id", low(96, 0xffff_ffff).into());
    }
    some(object)
}
