//! `sprintf`: Go's verbs, flags and error texts, for the values that OPA passes.

use num_bigint::{BigInt, Sign};

use crate::context::{Context, Error};
use crate::gofmt;
use crate::number::Number;
use crate::value::Value;

/// The largest width and precision.
const SIZE_MAX: i64 = 1_000_000;

/// An argument as Go sees it.
enum Arg {
    Int(i64),
    Big(BigInt),
    Float(f64),
    Text(String),
}

impl Arg {
    fn of(value: &Value) -> Self {
        match value {
            Value::Number(number) => Self::of_number(number),
            Value::String(text) => Arg::Text(text.to_string()),
            _ => Arg::Text(value.to_string()),
        }
    }

    /// An integer, a float if the number has a point, or its text.
    fn of_number(number: &Number) -> Self {
        if let Some(int) = number.as_i64() {
            return Arg::Int(int);
        }
        let text = number.text();
        if text.contains('.') && number.as_f64().is_finite() {
            return Arg::Float(number.as_f64());
        }
        match text.parse::<BigInt>() {
            Ok(int) => Arg::Big(int),
            Err(_) => Arg::Text(text.into_owned()),
        }
    }

    fn type_name(&self) -> &'static str {
        match self {
            Arg::Int(_) => "int64",
            Arg::Big(_) => "*big.Int",
            Arg::Float(_) => "float64",
            Arg::Text(_) => "string",
        }
    }
}

/// The flags of one verb.
#[derive(Clone, Copy, Default)]
struct Flags {
    sharp: bool,
    sharp_v: bool,
    zero: bool,
    plus: bool,
    minus: bool,
    space: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

struct Printer<'a> {
    format: &'a [char],
    at: usize,
    args: Vec<Arg>,
    next: usize,
    is_reordered: bool,
    is_index_good: bool,
    out: String,
}

/// Formats as Go's `fmt.Sprintf` does.
pub(super) fn sprintf(
    context: &mut Context<'_>,
    format: &str,
    args: &[Value],
) -> Result<String, Error> {
    let format: Vec<char> = format.chars().collect();
    let mut printer = Printer {
        format: &format,
        at: 0,
        args: args.iter().map(Arg::of).collect(),
        next: 0,
        is_reordered: false,
        is_index_good: true,
        out: String::new(),
    };
    while let Some(c) = printer.peek() {
        printer.at += 1;
        if c == '%' {
            printer.is_index_good = true;
            printer.verb(context)?;
        } else {
            printer.out.push(c);
        }
    }
    printer.extra();
    Ok(printer.out)
}

impl Printer<'_> {
    fn peek(&self) -> Option<char> {
        self.format.get(self.at).copied()
    }

    fn verb(&mut self, context: &mut Context<'_>) -> Result<(), Error> {
        let mut flags = Flags::default();
        while let Some(c) = self.peek() {
            match c {
                '#' => flags.sharp = true,
                '0' => flags.zero = true,
                '+' => flags.plus = true,
                '-' => flags.minus = true,
                ' ' => flags.space = true,
                _ => break,
            }
            self.at += 1;
        }
        let mut after_index = self.index();
        if self.peek() == Some('*') {
            self.at += 1;
            let width = self.size();
            match width {
                Some(width) => {
                    flags.minus |= width < 0;
                    flags.width = usize::try_from(width.unsigned_abs()).ok();
                }
                None => self.out.push_str("%!(BADWIDTH)"),
            }
            after_index = false;
        } else {
            flags.width = self.digits();
            if after_index && flags.width.is_some() {
                self.is_index_good = false;
            }
        }
        if self.peek() == Some('.') {
            self.at += 1;
            if after_index {
                self.is_index_good = false;
            }
            after_index = self.index();
            if self.peek() == Some('*') {
                self.at += 1;
                flags.precision = self.size().and_then(|size| usize::try_from(size).ok());
                if flags.precision.is_none() {
                    self.out.push_str("%!(BADPREC)");
                }
                after_index = false;
            } else {
                flags.precision = Some(self.digits().unwrap_or(0));
            }
        }
        if !after_index {
            self.index();
        }
        context.charge(flags.width.unwrap_or(0) + flags.precision.unwrap_or(0))?;
        let Some(verb) = self.peek() else {
            self.out.push_str("%!(NOVERB)");
            return Ok(());
        };
        self.at += 1;
        if verb == '%' {
            self.out.push('%');
        } else if !self.is_index_good {
            self.out.push_str(&format!("%!{verb}(BADINDEX)"));
        } else if let Some(arg) = self.args.get(self.next) {
            if verb == 'v' {
                flags.sharp_v = std::mem::take(&mut flags.sharp);
                // A large integer prints itself, and sees the sign.
                flags.plus &= matches!(arg, Arg::Big(_));
            }
            if matches!((arg, verb), (Arg::Big(_), 'p' | 'w')) {
                return Err(Error::halt(
                    "`%p` and `%w` print how Go keeps a large integer: use `%d`",
                ));
            }
            print(&mut self.out, arg, verb, flags);
            self.next += 1;
        } else {
            self.out.push_str(&format!("%!{verb}(MISSING)"));
        }
        Ok(())
    }

    /// Reads `[n]`. Answers whether an index was there.
    fn index(&mut self) -> bool {
        if self.peek() != Some('[') {
            return false;
        }
        self.is_reordered = true;
        let start = self.at;
        let rest = self.format.get(start..).unwrap_or_default();
        let end = rest
            .iter()
            .position(|c| *c == ']')
            .filter(|_| rest.iter().map(|c| c.len_utf8()).sum::<usize>() >= 3);
        let Some(end) = end else {
            self.is_index_good = false;
            self.at += 1;
            return false;
        };
        self.at += 1;
        let number = self.digits();
        let is_whole = self.at == start + end;
        self.at = start + end + 1;
        match number.filter(|_| is_whole) {
            Some(number) if (1..=self.args.len()).contains(&number) => {
                self.next = number - 1;
                true
            }
            number => {
                self.is_index_good = false;
                number.is_some()
            }
        }
    }

    /// Reads digits. A number that is too large takes the rest of the format with it, as in Go.
    fn digits(&mut self) -> Option<usize> {
        let mut number: Option<usize> = None;
        while let Some(digit) = self.peek().and_then(|c| c.to_digit(10)) {
            let before = number.unwrap_or(0);
            if before > 1_000_000 {
                self.at = self.format.len();
                return None;
            }
            number = Some(before * 10 + digit as usize);
            self.at += 1;
        }
        number
    }

    /// The width or precision that an argument has.
    fn size(&mut self) -> Option<i64> {
        let arg = self.args.get(self.next)?;
        self.next += 1;
        match arg {
            Arg::Int(int) if (-SIZE_MAX..=SIZE_MAX).contains(int) => Some(*int),
            _ => None,
        }
    }

    fn extra(&mut self) {
        let rest = self.args.get(self.next..).unwrap_or_default();
        if self.is_reordered || rest.is_empty() {
            return;
        }
        self.out.push_str("%!(EXTRA ");
        for (place, arg) in rest.iter().enumerate() {
            if place > 0 {
                self.out.push_str(", ");
            }
            self.out.push_str(arg.type_name());
            self.out.push('=');
            print(&mut self.out, arg, 'v', Flags::default());
        }
        self.out.push(')');
    }
}

fn print(out: &mut String, arg: &Arg, verb: char, flags: Flags) {
    if verb == 'T' {
        return text(out, arg.type_name(), flags);
    }
    let is_printed = match arg {
        Arg::Int(int) => integer(out, *int, verb, flags),
        Arg::Big(int) => big(out, int, verb, flags),
        Arg::Float(number) => float(out, *number, verb, flags),
        Arg::Text(string) => string_verb(out, string, verb, flags),
    };
    if !is_printed {
        out.push_str(&format!("%!{verb}({}=", arg.type_name()));
        print(out, arg, 'v', flags);
        out.push(')');
    }
}

fn pad(out: &mut String, text: &str, flags: Flags) {
    let fill = flags.width.unwrap_or(0).saturating_sub(text.chars().count());
    if flags.minus {
        out.push_str(text);
        out.extend(std::iter::repeat_n(' ', fill));
    } else {
        out.extend(std::iter::repeat_n(if flags.zero { '0' } else { ' ' }, fill));
        out.push_str(text);
    }
}

fn spaces(flags: Flags) -> Flags {
    Flags { zero: false, ..flags }
}

fn text(out: &mut String, string: &str, flags: Flags) {
    pad(out, &truncated(string, flags), flags);
}

fn truncated(string: &str, flags: Flags) -> String {
    string.chars().take(flags.precision.unwrap_or(usize::MAX)).collect()
}

fn string_verb(out: &mut String, string: &str, verb: char, flags: Flags) -> bool {
    match verb {
        'v' if flags.sharp_v => quoted(out, string, flags),
        'v' | 's' => text(out, string, flags),
        'q' => quoted(out, string, flags),
        'x' => hex(out, string, flags, false),
        'X' => hex(out, string, flags, true),
        _ => return false,
    }
    true
}

fn quoted(out: &mut String, string: &str, flags: Flags) {
    let string = truncated(string, flags);
    let can_be_raw = string
        .chars()
        .all(|c| !matches!(c, '`' | '\u{feff}' | '\u{7f}') && (c >= ' ' || c == '\t'));
    let text = match flags.sharp && can_be_raw {
        true => format!("`{string}`"),
        false => gofmt::quote_with(&string, '"', flags.plus),
    };
    pad(out, &text, flags);
}

fn hex(out: &mut String, string: &str, flags: Flags, upper: bool) {
    let bytes = string.as_bytes();
    let bytes = bytes.get(..flags.precision.unwrap_or(usize::MAX)).unwrap_or(bytes);
    let prefix = match (flags.sharp && !bytes.is_empty(), upper) {
        (false, _) => "",
        (true, false) => "0x",
        (true, true) => "0X",
    };
    let digits =
        bytes.iter().map(|byte| if upper { format!("{byte:02X}") } else { format!("{byte:02x}") });
    let text = match flags.space {
        true => digits.map(|byte| format!("{prefix}{byte}")).collect::<Vec<_>>().join(" "),
        false => format!("{prefix}{}", digits.collect::<String>()),
    };
    pad(out, &text, flags);
}

fn integer(out: &mut String, int: i64, verb: char, flags: Flags) -> bool {
    let base = match verb {
        'd' | 'v' => 10,
        'b' => 2,
        'o' | 'O' => 8,
        'x' | 'X' => 16,
        'c' => {
            pad(out, &character(int).to_string(), flags);
            return true;
        }
        'q' => {
            pad(out, &gofmt::quote_with(&character(int).to_string(), '\'', flags.plus), flags);
            return true;
        }
        'U' => {
            let digits = flags.precision.unwrap_or(4).max(4);
            let mut text = format!("U+{int:0digits$X}");
            let found =
                u32::try_from(int).ok().and_then(char::from_u32).filter(|c| gofmt::is_print(*c));
            if let Some(c) = found.filter(|_| flags.sharp) {
                text.push_str(&format!(" '{c}'"));
            }
            pad(out, &text, spaces(flags));
            return true;
        }
        _ => return false,
    };
    if flags.precision == Some(0) && int == 0 {
        pad(out, "", spaces(flags));
        return true;
    }
    let has_sign = int < 0 || flags.plus || flags.space;
    let least = match (flags.precision, flags.width) {
        (Some(precision), _) => precision,
        (None, Some(width)) if flags.zero && !flags.minus => {
            width.saturating_sub(usize::from(has_sign))
        }
        _ => 0,
    };
    let digits = radix(&BigInt::from(int.unsigned_abs()), base, verb == 'X');
    let digits = format!("{}{digits}", "0".repeat(least.saturating_sub(digits.len())));
    let prefix = match (verb, flags.sharp, base) {
        ('O', true, _) if !digits.starts_with('0') => "0o0",
        ('O', ..) => "0o",
        ('X', true, _) => "0X",
        (_, true, 16) => "0x",
        (_, true, 2) => "0b",
        (_, true, 8) if !digits.starts_with('0') => "0",
        _ => "",
    };
    pad(out, &format!("{}{prefix}{digits}", sign(int < 0, flags)), spaces(flags));
    true
}

fn sign(is_negative: bool, flags: Flags) -> &'static str {
    match (is_negative, flags.plus, flags.space) {
        (true, ..) => "-",
        (false, true, _) => "+",
        (false, false, true) => " ",
        _ => "",
    }
}

fn radix(int: &BigInt, base: u32, upper: bool) -> String {
    let digits = int.magnitude().to_str_radix(base);
    if upper { digits.to_uppercase() } else { digits }
}

fn character(int: i64) -> char {
    u32::try_from(int).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// An integer of more than 64 bits prints itself, with rules of its own.
fn big(out: &mut String, int: &BigInt, verb: char, flags: Flags) -> bool {
    let base = match verb {
        'd' | 's' | 'v' => 10,
        'b' => 2,
        'o' | 'O' => 8,
        'x' | 'X' => 16,
        _ => {
            out.push_str(&format!("%!{verb}(big.Int={int})"));
            return true;
        }
    };
    let prefix = match (verb, flags.sharp) {
        ('O', _) => "0o",
        ('b', true) => "0b",
        ('o', true) => "0",
        ('x', true) => "0x",
        ('X', true) => "0X",
        _ => "",
    };
    let digits = radix(int, base, verb == 'X');
    let sign = sign(int.sign() == Sign::Minus, flags);
    let mut zeros = flags.precision.unwrap_or(0).saturating_sub(digits.len());
    let length = sign.len() + prefix.len() + zeros + digits.len();
    if flags.zero && !flags.minus && flags.precision.is_none() {
        zeros = flags.width.unwrap_or(0).saturating_sub(length);
    }
    pad(out, &format!("{sign}{prefix}{}{digits}", "0".repeat(zeros)), spaces(flags));
    true
}

fn float(out: &mut String, number: f64, verb: char, flags: Flags) -> bool {
    let (verb, default) = match verb {
        'v' => ('g', None),
        'b' | 'g' | 'G' | 'x' | 'X' => (verb, None),
        'e' | 'E' | 'f' => (verb, Some(6)),
        'F' => ('f', Some(6)),
        _ => return false,
    };
    let precision = flags.precision.or(default);
    let mut text = gofmt::float(number.abs(), verb, precision);
    if flags.sharp && verb != 'b' {
        text = with_point(&text, verb, precision);
    }
    let sign = sign(number.is_sign_negative(), flags);
    // Zeros stand behind a sign.
    let length = sign.len() + text.len();
    if flags.zero && !flags.minus && !sign.is_empty() && flags.width.unwrap_or(0) > length {
        let zeros = "0".repeat(flags.width.unwrap_or(0) - length);
        out.push_str(&format!("{sign}{zeros}{text}"));
    } else {
        pad(out, &format!("{sign}{text}"), flags);
    }
    true
}

/// The flag `#`: a point always, and the zeros of `%g`.
fn with_point(text: &str, verb: char, precision: Option<usize>) -> String {
    let mark = if matches!(verb, 'x' | 'X') { ['p', 'P'] } else { ['e', 'E'] };
    let (number, tail) = text.split_at(text.find(mark).unwrap_or(text.len()));
    let mut digits = match verb {
        'g' | 'G' | 'x' => precision.unwrap_or(6),
        _ => 0,
    };
    let is_zero = number == "0";
    let significant = number.trim_start_matches(['0', '.']).chars().filter(|c| *c != '.').count();
    digits = digits.saturating_sub(significant + usize::from(is_zero));
    let point = if number.contains('.') { "" } else { "." };
    format!("{number}{point}{}{tail}", "0".repeat(digits))
}
