//! Which builtins a policy may call, and the ones that the platform answers itself: the clock and
//! the random numbers, so that a run can be replayed, and those that regorus does not bound.

use std::net::IpAddr;

use regorus::unstable::{BUILTINS, Expr, Ref, Source, Span};
use regorus::{Engine, Value};
use writ_model::Diagnostic;

/// The most elements that `numbers.range` and `numbers.range_step` give.
const RANGE_ELEMENTS_MAX: i64 = 100_000;
/// The most digits of a width or a precision in a format of `sprintf`.
const FORMAT_WIDTH_DIGITS_MAX: usize = 3;

/// Builtins of the platform, with their number of arguments.
const HOSTED: [(&str, u8); 6] = [
    ("net.cidr_contains", 2),
    ("numbers.range", 2),
    ("numbers.range_step", 3),
    ("rand.intn", 2),
    ("sprintf", 2),
    ("time.now_ns", 0),
];

/// How a call of a builtin is run.
pub(super) enum Class {
    /// Its result and its cost follow from its arguments: either evaluator may run it.
    Pure,
    /// The interpreter alone asks the platform.
    Interpreted,
    /// It cannot run at all.
    Refused(Diagnostic),
}

/// How a call of `name`, which no rule defines, is run.
pub(super) fn class(name: &str, params: &[Ref<Expr>]) -> Class {
    match (name, params.first().map(AsRef::as_ref)) {
        ("sprintf", Some(Expr::String { value, .. } | Expr::RawString { value, .. })) => {
            match value
                .as_string()
                .map_err(|_| String::new())
                .and_then(|format| format_fits(format))
            {
                Ok(()) => Class::Pure,
                Err(message) => Class::Refused(
                    Diagnostic::error("rego.format", message).help("write a smaller width"),
                ),
            }
        }
        ("print" | "trace", _) => Class::Interpreted,
        _ if HOSTED.iter().any(|(hosted, _)| *hosted == name) => Class::Interpreted,
        _ if BUILTINS.contains_key(name) => Class::Pure,
        _ => Class::Refused(unknown(name)),
    }
}

/// What to write instead of a function that does not exist here.
fn unknown(name: &str) -> Diagnostic {
    let family = name.split('.').next().unwrap_or(name);
    let help = match (family, name) {
        ("http", _) => {
            "a policy reaches no network: fetch the document before the call and pass it in `input`"
        }
        ("opa" | "rego", _) => {
            "put what the policy must know of its surroundings into `data.settings`"
        }
        ("time", _) => {
            "compute with the nanoseconds of `time.now_ns()`, or pass the parsed time in `input`"
        }
        ("uuid", _) => "pass the identifier in `input`",
        ("io" | "crypto", _) => {
            "verify tokens and signatures before the call and pass the claims in `input`"
        }
        ("net", _) => "use `net.cidr_contains`, or a python policy with the module `ipaddress`",
        ("graph" | "graphql" | "json" | "yaml" | "urlquery" | "base64url", _) => {
            "this builtin of OPA is not available here: do it before the call and pass the result in `input`"
        }
        _ => "define a rule of this name, or check its spelling",
    };
    let message = format!("there is no function `{name}`");
    Diagnostic::error("rego.unknown-function", message).help(help)
}

/// What a run may know of the world.
#[derive(Clone, Copy, Debug)]
pub(super) struct Surroundings {
    pub(super) now_ms: i64,
    pub(super) seed: u64,
}

/// Gives an engine of one run the platform's builtins.
///
/// # Errors
/// The library's own text; it cannot fail on an engine that was not given them before.
pub(super) fn install(engine: &mut Engine, surroundings: Surroundings) -> Result<(), String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let source = Source::from_contents("builtin".to_owned(), String::from(" "));
    let source = source.map_err(|error| text(&error))?;
    let span = Span { source, line: 1, col: 1, start: 0, end: 0 };
    for (name, arity) in HOSTED {
        let span = span.clone();
        let extension = move |arguments: Vec<Value>| match answer(name, &arguments, surroundings) {
            Ok(Answer::Value(value)) => Ok(value),
            Ok(Answer::Library) => Ok(library(name, &span, &arguments)),
            Err(message) => Err(span.error(&message)),
        };
        engine
            .add_extension(name.to_owned(), arity, Box::new(extension))
            .map_err(|error| text(&error))?;
    }
    Ok(())
}

enum Answer {
    Value(Value),
    /// The arguments are within bounds: the library's function may have them.
    Library,
}

fn answer(name: &str, arguments: &[Value], surroundings: Surroundings) -> Result<Answer, String> {
    match (name, arguments) {
        ("time.now_ns", _) => {
            Ok(Answer::Value(Value::from(i128::from(surroundings.now_ms) * 1_000_000)))
        }
        ("rand.intn", [Value::String(key), Value::Number(limit)]) => {
            let limit = limit.as_i64().map(i64::unsigned_abs);
            let drawn = limit.map(|limit| draw(surroundings.seed, key, limit));
            Ok(Answer::Value(drawn.map_or(Value::Undefined, Value::from)))
        }
        ("net.cidr_contains", [Value::String(network), Value::String(inside)]) => {
            Ok(Answer::Value(cidr_contains(network, inside).map_or(Value::Undefined, Value::Bool)))
        }
        ("sprintf", [Value::String(format), _]) => format_fits(format).map(|()| Answer::Library),
        ("numbers.range", [Value::Number(from), Value::Number(to)])
            if from.is_integer() && to.is_integer() =>
        {
            let distance = to.sub(from).ok().and_then(|distance| distance.as_i64());
            range_fits(name, distance, 1)
        }
        ("numbers.range_step", [Value::Number(from), Value::Number(to), Value::Number(step)])
            if from.is_integer() && to.is_integer() =>
        {
            match step.as_i64() {
                Some(step) if step > 0 => {
                    range_fits(name, to.sub(from).ok().and_then(|distance| distance.as_i64()), step)
                }
                _ => Err(format!("the step of `{name}` must be a positive integer")),
            }
        }
        // Arguments of another type make a builtin undefined, as in OPA.
        _ => Ok(Answer::Value(Value::Undefined)),
    }
}

/// The library's own function; an error of a builtin is undefined, as in OPA.
fn library(name: &str, span: &Span, arguments: &[Value]) -> Value {
    let Some((function, arity)) = BUILTINS.get(name) else { return Value::Undefined };
    let parameters: Vec<Ref<Expr>> = (0..*arity)
        .map(|_| Ref::new(Expr::Null { span: span.clone(), value: Value::Null, eidx: 0 }))
        .collect();
    function(span, &parameters, arguments, false).unwrap_or(Value::Undefined)
}

fn range_fits(name: &str, distance: Option<i64>, step: i64) -> Result<Answer, String> {
    match distance.map(|distance| distance.unsigned_abs() / step.unsigned_abs()) {
        Some(elements) if elements < RANGE_ELEMENTS_MAX.unsigned_abs() => Ok(Answer::Library),
        _ => Err(format!("`{name}` would give more than {RANGE_ELEMENTS_MAX} elements")),
    }
}

/// Refuses a format whose widths would fill the memory or that the library cannot read.
fn format_fits(format: &str) -> Result<(), String> {
    for directive in format.split('%').skip(1) {
        let directive = directive.strip_prefix('.').unwrap_or(directive);
        let width: Vec<char> = directive.chars().take_while(|letter| letter.is_numeric()).collect();
        if width.iter().any(|digit| !digit.is_ascii_digit()) {
            return Err(
                "a width in the format of `sprintf` has digits that are not ascii".to_owned()
            );
        }
        let digits = width.iter().skip_while(|digit| **digit == '0').count();
        if digits > FORMAT_WIDTH_DIGITS_MAX {
            return Err(format!(
                "a width in the format of `sprintf` has more than {FORMAT_WIDTH_DIGITS_MAX} digits"
            ));
        }
    }
    Ok(())
}

/// A number below `limit` that only the seed and the key decide: as in OPA, the same call gives
/// the same number for the whole run.
fn draw(seed: u64, key: &str, limit: u64) -> u64 {
    // FNV-1a spreads the key, splitmix64 the sum; neither needs to resist an attacker, because
    // the policy's author chooses both the key and what becomes of the number.
    let mut state = key.bytes().fold(0xcbf2_9ce4_8422_2325 ^ seed, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^= state >> 31;
    u64::try_from((u128::from(state) * u128::from(limit)) >> 64).unwrap_or_default()
}

/// Whether an address or a network lies inside a network; `None` for what is neither.
fn cidr_contains(network: &str, inside: &str) -> Option<bool> {
    let (network, width) = cidr(network)?;
    let (inside, inside_width) = match inside.contains('/') {
        true => cidr(inside)?,
        false => address(inside).map(|(bits, family)| ((bits, family), family))?,
    };
    let ((network, family), (inside, inside_family)) = (network, inside);
    let shift = 128 - width;
    let same = shift == 128 || network >> shift == inside >> shift;
    Some(family == inside_family && inside_width >= width && same)
}

/// A network's bits, left-aligned in 128, its family's width, and its prefix.
fn cidr(text: &str) -> Option<((u128, u32), u32)> {
    let (base, prefix) = text.split_once('/')?;
    let (bits, family) = address(base)?;
    let prefix = prefix.parse::<u32>().ok().filter(|prefix| *prefix <= family)?;
    Some(((bits, family), prefix))
}

fn address(text: &str) -> Option<(u128, u32)> {
    Some(match text.parse::<IpAddr>().ok()? {
        IpAddr::V4(address) => (u128::from(u32::from(address)) << 96, 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_bounded() {
        let cases = [
            ("%d of %s, 100%% %5.2f %010d", true),
            ("%0999d", true),
            ("%1000d", false),
            ("%.1000000000f", false),
            ("%½d", false),
            ("100000 %", true),
        ];
        for (format, fits) in cases {
            assert_eq!(format_fits(format).is_ok(), fits, "{format}");
        }
    }

    #[test]
    fn random_numbers_follow_from_the_seed_and_stay_below_the_limit() {
        assert_eq!(draw(1, "a", 1_000_000), draw(1, "a", 1_000_000));
        assert_ne!(draw(1, "a", 1_000_000), draw(2, "a", 1_000_000));
        assert_ne!(draw(1, "a", 1_000_000), draw(1, "b", 1_000_000));
        assert_eq!(draw(1, "a", 0), 0);
        assert!((0..1_000).all(|seed| draw(seed, "a", 7) < 7));
    }

    #[test]
    fn networks_contain_addresses_and_networks_of_their_family() {
        let cases = [
            ("10.0.0.0/8", "10.1.2.3", Some(true)),
            ("10.0.0.0/8", "11.1.2.3", Some(false)),
            ("0.0.0.0/0", "255.255.255.255", Some(true)),
            ("0.0.0.0/0", "::1", Some(false)),
            ("10.0.0.0/8", "10.128.0.0/9", Some(true)),
            ("10.128.0.0/9", "10.0.0.0/8", Some(false)),
            ("2001:db8::/32", "2001:db8:ffff::1", Some(true)),
            ("10.0.0.0/33", "10.0.0.1", None),
            ("10.0.0.0", "10.0.0.1", None),
            ("10.0.0.0/8", "ten", None),
        ];
        for (network, inside, expected) in cases {
            assert_eq!(cidr_contains(network, inside), expected, "{network} {inside}");
        }
    }
}
