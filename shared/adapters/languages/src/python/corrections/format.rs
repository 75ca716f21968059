//! The format mini-language of text, integers and floats: `format`, f-strings and `str.format`.

use rustpython_vm::builtins::{PyFloat, PyInt, PyStr, PyStrRef};
use rustpython_vm::function::FuncArgs;
use rustpython_vm::{AsObject, Py, PyObjectRef, PyResult, VirtualMachine, builtins::PyType};

/// The largest width and precision; CPython's own limit is that of a size.
const NUMBER_MAX: usize = i32::MAX as usize;

/// Formats a value of one class.
type Format = fn(&PyObjectRef, &Spec, &VirtualMachine) -> PyResult<String>;

pub(super) fn install(vm: &VirtualMachine) {
    let types = &vm.ctx.types;
    let name = vm.ctx.intern_str("__format__");
    let classes: [(&'static Py<PyType>, Format); 3] =
        [(types.str_type, text), (types.int_type, integer), (types.float_type, float)];
    for (class, function) in classes {
        let original = class.get_direct_attr(name);
        let method = vm.new_method(
            "__format__",
            class,
            move |zelf: PyObjectRef, spec: PyStrRef, vm: &VirtualMachine| -> PyResult {
                let spec_text = spec.to_string_lossy();
                if spec_text.is_empty() {
                    return Ok(zelf.str(vm)?.into());
                }
                // A text with lone surrogates, or what is no such value.
                let (lone, fits) = match zelf.downcast_ref::<PyStr>() {
                    Some(text) => (text.to_str().is_none(), true),
                    None => (false, zelf.fast_isinstance(class)),
                };
                if let (Some(original), true) = (&original, lone || !fits) {
                    return original.call(FuncArgs::from(vec![zelf, spec.into()]), vm);
                }
                let found = Spec::parse(&spec_text)
                    .and_then(|spec| spec.check_bounds().map(|()| spec))
                    .map_err(|message| vm.new_value_error(message))?;
                Ok(vm.ctx.new_str(function(&zelf, &found, vm)?).into())
            },
        );
        class.set_attr(name, method.into());
    }
    // The method of `int` is that of `bool`.
    types.bool_type.modified();
    types.bool_type.attributes.write().shift_remove(name);
}

/// A parsed format specification.
#[derive(Debug, Clone, Default)]
struct Spec {
    fill: Option<char>,
    align: Option<char>,
    sign: Option<char>,
    coerce_zero: bool,
    alternate: bool,
    /// A `0` before the width.
    zero: bool,
    width: Option<usize>,
    group: Option<char>,
    precision: Option<usize>,
    kind: Option<char>,
}

impl Spec {
    fn parse(text: &str) -> Result<Self, String> {
        let letters: Vec<char> = text.chars().collect();
        let is_align = |at: usize| matches!(letters.get(at), Some('<' | '>' | '=' | '^'));
        let mut spec = Self::default();
        let mut at = 0;
        if is_align(1) {
            (spec.fill, spec.align, at) = (letters.first().copied(), letters.get(1).copied(), 2);
        } else if is_align(0) {
            (spec.align, at) = (letters.first().copied(), 1);
        }
        let take = |at: &mut usize, accepted: &[char]| {
            let found = letters.get(*at).copied().filter(|letter| accepted.contains(letter));
            *at += usize::from(found.is_some());
            found
        };
        spec.sign = take(&mut at, &['+', '-', ' ']);
        spec.coerce_zero = take(&mut at, &['z']).is_some();
        spec.alternate = take(&mut at, &['#']).is_some();
        if spec.fill.is_none() {
            spec.zero = take(&mut at, &['0']).is_some();
        }
        spec.width = number(&letters, &mut at)?;
        spec.group = take(&mut at, &[',', '_']);
        if spec.group.is_some()
            && let Some(second) = take(&mut at, &[',', '_'])
        {
            return Err(if spec.group == Some(second) {
                format!("Cannot specify '{second}' with '{second}'.")
            } else {
                "Cannot specify both ',' and '_'.".to_owned()
            });
        }
        if take(&mut at, &['.']).is_some() {
            spec.precision = number(&letters, &mut at)?;
            if spec.precision.is_none() {
                return Err("Format specifier missing precision".to_owned());
            }
        }
        if letters.len() - at > 1 {
            return Err(format!("Invalid format specifier '{text}'"));
        }
        spec.kind = letters.get(at).copied();
        if let Some(group) = spec.group {
            let accepted = match spec.kind {
                None | Some('d' | 'e' | 'f' | 'g' | 'E' | 'G' | '%' | 'F') => true,
                Some('b' | 'o' | 'x' | 'X') => group == '_',
                _ => false,
            };
            if !accepted {
                let kind = spec.kind.unwrap_or(' ');
                return Err(format!("Cannot specify '{group}' with '{kind}'."));
            }
        }
        Ok(spec)
    }

    fn check_bounds(&self) -> Result<(), String> {
        let most = self.width.unwrap_or(0).max(self.precision.unwrap_or(0));
        if most > NUMBER_MAX {
            return Err("Too many decimal digits in format string".to_owned());
        }
        Ok(())
    }

    /// The text filled to the width.
    fn pad(&self, text: String, usual: char) -> String {
        let length = text.chars().count();
        let Some(missing) = self.width.and_then(|width| width.checked_sub(length)) else {
            return text;
        };
        let fill = self.fill.unwrap_or(if self.zero { '0' } else { ' ' });
        let before = match self.align.unwrap_or(usual) {
            '<' => 0,
            '^' => missing / 2,
            _ => missing,
        };
        let repeat = |count: usize| std::iter::repeat_n(fill, count);
        repeat(before).chain(text.chars()).chain(repeat(missing - before)).collect()
    }

    fn sign_of(&self, negative: bool) -> &'static str {
        match (negative, self.sign) {
            (true, _) => "-",
            (false, Some('+')) => "+",
            (false, Some(' ')) => " ",
            _ => "",
        }
    }

    /// A number from its sign, prefix, digits, and what follows the digits.
    fn assemble(&self, prefix: &str, digits: &str, rest: &str, group_size: usize) -> String {
        let align = self.align.unwrap_or(if self.zero { '=' } else { '>' });
        let fill = self.fill.unwrap_or(if self.zero { '0' } else { ' ' });
        let fixed = prefix.chars().count() + rest.chars().count();
        let inner = self.width.unwrap_or(0).saturating_sub(fixed);
        let least = if fill == '0' && align == '=' { inner } else { 0 };
        let digits = match self.group {
            Some(separator) if !digits.is_empty() => grouped(digits, separator, group_size, least),
            _ => digits.to_owned(),
        };
        let length = fixed + digits.chars().count();
        let missing = self.width.unwrap_or(0).saturating_sub(length);
        if align == '=' {
            let padding: String = std::iter::repeat_n(fill, missing).collect();
            return format!("{prefix}{padding}{digits}{rest}");
        }
        let spec = Self { align: Some(align), fill: Some(fill), ..self.clone() };
        spec.pad(format!("{prefix}{digits}{rest}"), '>')
    }

    fn unknown(&self, class: &str) -> String {
        format!("Unknown format code '{}' for object of type '{class}'", self.kind.unwrap_or(' '))
    }
}

fn number(letters: &[char], at: &mut usize) -> Result<Option<usize>, String> {
    let mut found = None;
    while let Some(digit) = letters.get(*at).and_then(|letter| letter.to_digit(10)) {
        let next = found
            .unwrap_or(0_usize)
            .checked_mul(10)
            .and_then(|value| value.checked_add(digit as usize));
        match next.filter(|next| *next <= NUMBER_MAX) {
            Some(next) => found = Some(next),
            None => return Err("Too many decimal digits in format string".to_owned()),
        }
        *at += 1;
    }
    Ok(found)
}

/// Digits in groups, with leading zeros up to a length.
fn grouped(digits: &str, separator: char, size: usize, least: usize) -> String {
    let mut reversed = Vec::new();
    let mut letters = digits.chars().rev();
    let (mut count, mut real) = (0, digits.chars().count());
    while real > 0 || reversed.len() < least {
        if count > 0 && count % size == 0 {
            reversed.push(separator);
        }
        reversed.push(letters.next().unwrap_or('0'));
        real = real.saturating_sub(1);
        count += 1;
    }
    reversed.iter().rev().collect()
}

fn text(value: &PyObjectRef, spec: &Spec, vm: &VirtualMachine) -> PyResult<String> {
    let refuse = |message: String| Err(vm.new_value_error(message));
    if !matches!(spec.kind, None | Some('s')) {
        return refuse(spec.unknown("str"));
    }
    if spec.sign.is_some() {
        return refuse("Sign not allowed in string format specifier".to_owned());
    }
    if spec.coerce_zero {
        let message = "Negative zero coercion (z) not allowed in string format specifier";
        return refuse(message.to_owned());
    }
    if spec.alternate {
        return refuse("Alternate form (#) not allowed in string format specifier".to_owned());
    }
    if let Some(group) = spec.group {
        return refuse(format!("Cannot specify '{group}' with 's'."));
    }
    if spec.align == Some('=') {
        return refuse("'=' alignment not allowed in string format specifier".to_owned());
    }
    let text = value.str(vm)?;
    let text = text.to_string_lossy();
    let kept: String = match spec.precision {
        Some(precision) => text.chars().take(precision).collect(),
        None => text.into_owned(),
    };
    Ok(spec.pad(kept, '<'))
}

fn integer(value: &PyObjectRef, spec: &Spec, vm: &VirtualMachine) -> PyResult<String> {
    let refuse = |message: &str| Err(vm.new_value_error(message.to_owned()));
    let Some(number) = value.downcast_ref::<PyInt>() else { return refuse("not an integer") };
    let kind = spec.kind.unwrap_or('d');
    if matches!(kind, 'e' | 'E' | 'f' | 'F' | 'g' | 'G' | '%') {
        let value = value.try_float(vm)?.to_f64();
        return float_text(value, spec, vm);
    }
    if !matches!(kind, 'b' | 'c' | 'd' | 'o' | 'x' | 'X' | 'n') {
        return refuse(&spec.unknown(&value.class().name()));
    }
    if spec.precision.is_some() {
        return refuse("Precision not allowed in integer format specifier");
    }
    if spec.coerce_zero {
        return refuse("Negative zero coercion (z) not allowed in format specifier with integer");
    }
    if kind == 'c' {
        if spec.sign.is_some() {
            return refuse("Sign not allowed with integer format specifier 'c'");
        }
        if spec.alternate {
            return refuse("Alternate form (#) not allowed with integer format specifier 'c'");
        }
        let code = number.try_to_primitive::<i64>(vm)?;
        let letter = u32::try_from(code).ok().filter(|code| *code <= 0x10_ffff);
        let Some(letter) = letter else {
            return Err(vm.new_overflow_error("%c arg not in range(0x110000)"));
        };
        // A lone surrogate has no other form here.
        let letter = char::from_u32(letter).unwrap_or(char::REPLACEMENT_CHARACTER);
        return Ok(spec.assemble("", "", &letter.to_string(), 3));
    }
    let (base, prefix) = match kind {
        'b' => (2, "0b"),
        'o' => (8, "0o"),
        'x' => (16, "0x"),
        'X' => (16, "0X"),
        _ => (10, ""),
    };
    let digits =
        if base == 10 { number.to_str_radix_10() } else { number.as_bigint().to_str_radix(base) };
    let digits = if kind == 'X' { digits.to_uppercase() } else { digits };
    let (negative, digits) = match digits.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, digits.as_str()),
    };
    let prefix = if spec.alternate { prefix } else { "" };
    let start = format!("{}{prefix}", spec.sign_of(negative));
    Ok(spec.assemble(&start, digits, "", if base == 10 { 3 } else { 4 }))
}

fn float(value: &PyObjectRef, spec: &Spec, vm: &VirtualMachine) -> PyResult<String> {
    let Some(number) = value.downcast_ref::<PyFloat>() else {
        return Err(vm.new_value_error("not a float"));
    };
    float_text(number.to_f64(), spec, vm)
}

fn float_text(value: f64, spec: &Spec, vm: &VirtualMachine) -> PyResult<String> {
    let kind = match spec.kind {
        None | Some('e' | 'E' | 'f' | 'F' | 'g' | 'G' | 'n' | '%') => spec.kind,
        _ => return Err(vm.new_value_error(spec.unknown("float"))),
    };
    let value = if kind == Some('%') { value * 100.0 } else { value };
    let body = if value.is_nan() {
        "nan".to_owned()
    } else if value.is_infinite() {
        "inf".to_owned()
    } else {
        finite(value.abs(), kind, spec)
    };
    let zero = !body
        .bytes()
        .take_while(|byte| !matches!(byte, b'e' | b'E'))
        .any(|byte| matches!(byte, b'1'..=b'9'));
    let coerced = spec.coerce_zero && zero && value.is_finite();
    let negative = value.is_sign_negative() && !value.is_nan() && !coerced;
    let mut body = if matches!(kind, Some('E' | 'F' | 'G')) { body.to_uppercase() } else { body };
    if kind == Some('%') {
        body.push('%');
    }
    let whole = body.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(body.len());
    let (digits, rest) = body.split_at(whole);
    Ok(spec.assemble(spec.sign_of(negative), digits, rest, 3))
}

/// The digits of a finite value that is not negative.
fn finite(value: f64, kind: Option<char>, spec: &Spec) -> String {
    match (kind, spec.precision) {
        (Some('e' | 'E'), precision) => {
            exponential(&format!("{value:.*e}", precision.unwrap_or(6)), spec.alternate)
        }
        (Some('f' | 'F' | '%'), precision) => {
            let digits = format!("{value:.*}", precision.unwrap_or(6));
            let point = if spec.alternate && !digits.contains('.') { "." } else { "" };
            format!("{digits}{point}")
        }
        (None, None) => {
            let shortest = format!("{value:e}");
            general(&shortest, 17, true, false, spec.alternate)
        }
        (None, Some(precision)) => {
            let precision = precision.max(1);
            let exact = format!("{value:.*e}", precision - 1);
            general(&exact, precision, true, true, spec.alternate)
        }
        (_, precision) => {
            let precision = precision.unwrap_or(6).max(1);
            let exact = format!("{value:.*e}", precision - 1);
            general(&exact, precision, false, true, spec.alternate)
        }
    }
}

/// `d.ddde-7` of Rust as `d.ddde-07`.
fn exponential(text: &str, alternate: bool) -> String {
    let (digits, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    let point = if alternate && !digits.contains('.') { "." } else { "" };
    format!("{digits}{point}e{sign}{:02}", exponent.abs())
}

/// The form that CPython calls `g` (and `r`, where the digits are the shortest ones).
fn general(text: &str, precision: usize, dot_zero: bool, strip: bool, alternate: bool) -> String {
    let (digits, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let exponent: i64 = exponent.parse().unwrap_or(0);
    let mut digits: String = digits.chars().filter(char::is_ascii_digit).collect();
    let point = exponent + 1;
    let most = i64::try_from(precision).unwrap_or(i64::MAX) - i64::from(dot_zero);
    let exponential_form = point <= -4 || point > most;
    if strip && !alternate {
        let kept = digits.trim_end_matches('0').len().max(1);
        digits.truncate(kept);
    }
    if exponential_form {
        let (first, rest) = digits.split_at(1);
        let dot = if rest.is_empty() && !alternate { "" } else { "." };
        return exponential(&format!("{first}{dot}{rest}e{exponent}"), false);
    }
    if point <= 0 {
        let zeros = "0".repeat(usize::try_from(-point).unwrap_or(0));
        return format!("0.{zeros}{digits}");
    }
    let whole = usize::try_from(point).unwrap_or(0);
    if digits.len() <= whole {
        digits.push_str(&"0".repeat(whole - digits.len()));
        let end = if dot_zero {
            ".0"
        } else if alternate {
            "."
        } else {
            ""
        };
        return format!("{digits}{end}");
    }
    let (before, after) = digits.split_at(whole);
    format!("{before}.{after}")
}
