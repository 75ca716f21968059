//! The builtins that a policy may call, and those that the platform implements itself: the clock and
//! the random numbers, so that a run can be replayed, and those that regorus does not bound.

mod digests;
mod network;
mod rng;
mod tokens;

use std::sync::{Arc, Mutex, PoisonError};

use regorus::unstable::{BUILTINS, Expr, Ref, Source, Span};
use regorus::{Engine, Value};
use writ_model::Diagnostic;

/// The most elements that `numbers.range` and `numbers.range_step` give.
const RANGE_ELEMENTS_MAX: i64 = 100_000;
/// The most digits of a width or a precision in a format of `sprintf`.
const FORMAT_WIDTH_DIGITS_MAX: usize = 3;

/// The most nodes of a graph that `graph.reachable_paths` walks: it recurses along a path.
const GRAPH_NODES_MAX: usize = 1_000;

/// Builtins that the platform implements, with their number of arguments.
const PLATFORM_BUILTINS: [(&str, u8); 28] = [
    ("crypto.hmac.equal", 2),
    ("crypto.hmac.md5", 2),
    ("crypto.hmac.sha1", 2),
    ("crypto.hmac.sha256", 2),
    ("crypto.hmac.sha512", 2),
    ("crypto.md5", 1),
    ("crypto.sha1", 1),
    ("crypto.sha256", 1),
    ("graph.reachable_paths", 2),
    ("io.jwt.decode", 1),
    ("io.jwt.decode_verify", 2),
    ("io.jwt.verify_hs256", 2),
    ("io.jwt.verify_hs384", 2),
    ("io.jwt.verify_hs512", 2),
    ("net.cidr_contains", 2),
    ("net.cidr_expand", 1),
    ("numbers.range", 2),
    ("numbers.range_step", 3),
    ("rand.intn", 2),
    ("sprintf", 2),
    ("time.add_date", 4),
    ("time.clock", 1),
    ("time.date", 1),
    ("time.diff", 2),
    ("time.format", 1),
    ("time.now_ns", 0),
    ("time.weekday", 1),
    ("uuid.rfc4122", 1),
];
/// A note of the policy's author. It is separate because it has a side effect.
const TRACE: &str = "trace";

/// Which evaluator may run a call of a builtin.
pub(super) enum Class {
    /// Its result and cost depend on its arguments only: either evaluator may run it.
    Pure,
    /// Only the interpreter may run it, since the platform implements it.
    Interpreted,
    /// It cannot run, for this reason.
    Refused(Diagnostic),
}

/// The class of a call of `name`, which no rule defines.
pub(super) fn class(name: &str, params: &[Ref<Expr>]) -> Class {
    if let Some(arity) = arity(name)
        && params.len() != arity
    {
        // One argument more receives the value: `count(x, n)` is `n == count(x)`, which the
        // machine does not support.
        if params.len() == arity + 1 && name != "sprintf" {
            return Class::Interpreted;
        }
        let message = format!("`{name}` takes {arity} arguments and is given {}", params.len());
        return Class::Refused(Diagnostic::error("rego.arguments", message));
    }
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
        ("print" | TRACE, _) => Class::Interpreted,
        _ if PLATFORM_BUILTINS.iter().any(|(provided, _)| *provided == name) => Class::Interpreted,
        _ if BUILTINS.contains_key(name) => Class::Pure,
        _ => Class::Refused(unknown(name)),
    }
}

/// How many arguments a builtin takes; `print` takes any.
fn arity(name: &str) -> Option<usize> {
    let provided =
        PLATFORM_BUILTINS.iter().find(|(provided, _)| *provided == name).map(|(_, arity)| *arity);
    let library = || BUILTINS.get(name).map(|(_, arity)| *arity);
    provided.or_else(library).map(usize::from)
}

/// The diagnostic of a function that does not exist here, with what to write instead.
fn unknown(name: &str) -> Diagnostic {
    let family = name.split('.').next().unwrap_or(name);
    let help = match (family, name) {
        ("http", _) => {
            "a policy reaches no network: fetch the document before the call and pass it in `input`"
        }
        ("opa" | "rego", _) => {
            "put what the policy must know of its surroundings into `data.settings`"
        }
        ("io" | "crypto", _) => {
            "verify the token or the signature before the call and pass the claims in `input`; tokens signed with a shared secret are checked by `io.jwt.decode_verify`"
        }
        ("net", _) => "use `net.cidr_contains`, `net.cidr_expand` or `net.cidr_is_valid`",
        ("providers" | "graphql", _) => {
            "this builtin of OPA is not available here: do it before the call and pass the result in `input`"
        }
        _ => "define a rule of this name, or check its spelling",
    };
    let message = format!("there is no function `{name}`");
    Diagnostic::error("rego.unknown-function", message).help(help)
}

/// The clock and the seed of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct RunInputs {
    pub(super) now_ms: i64,
    pub(super) seed: u64,
}

/// The notes of `trace` during a run.
#[derive(Clone, Debug, Default)]
pub(super) struct TraceNotes(Arc<Mutex<String>>);

impl TraceNotes {
    /// Takes the notes, each as a line `note: ...`.
    pub(super) fn take(&self) -> String {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn add(&self, note: &str, bytes_max: usize) {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Text beyond the budget is cut later.
        if notes.len() <= bytes_max {
            notes.push_str("note: ");
            notes.push_str(note);
            notes.push('\n');
        }
    }
}

/// Adds the platform's builtins to the engine of one run.
///
/// # Errors
/// The library's own message; it fails only on an engine that already has them.
pub(super) fn install(
    engine: &mut Engine,
    inputs: RunInputs,
    notes_bytes_max: usize,
) -> Result<TraceNotes, String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let source = Source::from_contents("builtin".to_owned(), String::from(" "));
    let source = source.map_err(|error| text(&error))?;
    let span = Span { source, line: 1, col: 1, start: 0, end: 0 };
    for (name, arity) in PLATFORM_BUILTINS {
        let span = span.clone();
        let extension = move |arguments: Vec<Value>| match evaluate(name, &arguments, inputs) {
            Ok(BuiltinResult::Value(value)) => Ok(value),
            Ok(BuiltinResult::Library) => Ok(library(name, &span, &arguments)),
            Ok(BuiltinResult::LibraryWith(arguments)) => Ok(library(name, &span, &arguments)),
            Err(message) => Err(span.error(&message)),
        };
        engine
            .add_extension(name.to_owned(), arity, Box::new(extension))
            .map_err(|error| text(&error))?;
    }
    let notes = TraceNotes::default();
    let notes_of_run = notes.clone();
    let trace = move |arguments: Vec<Value>| match arguments.as_slice() {
        [Value::String(note)] => {
            notes_of_run.add(note, notes_bytes_max);
            Ok(Value::Bool(true))
        }
        _ => Ok(Value::Undefined),
    };
    engine.add_extension(TRACE.to_owned(), 1, Box::new(trace)).map_err(|error| text(&error))?;
    Ok(notes)
}

enum BuiltinResult {
    Value(Value),
    /// The arguments are within bounds: call the library's function with them.
    Library,
    /// As [`BuiltinResult::Library`], with other arguments.
    LibraryWith(Vec<Value>),
}

fn evaluate(name: &str, arguments: &[Value], inputs: RunInputs) -> Result<BuiltinResult, String> {
    match (name, arguments) {
        ("time.now_ns", _) => {
            Ok(BuiltinResult::Value(Value::from(i128::from(inputs.now_ms) * 1_000_000)))
        }
        ("rand.intn", [Value::String(key), Value::Number(limit)]) => {
            let limit = limit.as_i64().map(i64::unsigned_abs);
            let drawn = limit.map(|limit| rng::draw(inputs.seed, key, limit));
            Ok(BuiltinResult::Value(drawn.map_or(Value::Undefined, Value::from)))
        }
        ("net.cidr_contains", [Value::String(network), Value::String(inside)]) => {
            let contains = network::cidr_contains(network, inside);
            Ok(BuiltinResult::Value(contains.map_or(Value::Undefined, Value::Bool)))
        }
        ("net.cidr_expand", [Value::String(network)]) => {
            network::expansion_fits(network).map(|()| BuiltinResult::Library)
        }
        ("uuid.rfc4122", [Value::String(key)]) => {
            Ok(BuiltinResult::Value(Value::from(rng::identifier(inputs.seed, key))))
        }
        ("graph.reachable_paths", [Value::Object(graph), _]) => match graph.len() {
            ..=GRAPH_NODES_MAX => Ok(BuiltinResult::Library),
            _ => Err(format!("`{name}` takes graphs of at most {GRAPH_NODES_MAX} nodes")),
        },
        _ if name.starts_with("time.") => {
            Ok(BuiltinResult::LibraryWith(arguments.iter().map(in_utc).collect()))
        }
        _ if name.starts_with("crypto.") => {
            Ok(BuiltinResult::Value(digests::evaluate(name, arguments).unwrap_or(Value::Undefined)))
        }
        _ if name.starts_with("io.jwt.") => {
            let found = tokens::evaluate(name, arguments, inputs.now_ms)?;
            Ok(BuiltinResult::Value(found.unwrap_or(Value::Undefined)))
        }
        ("sprintf", [Value::String(format), _]) => {
            format_fits(format).map(|()| BuiltinResult::Library)
        }
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
        // With arguments of another type a builtin is undefined, as in OPA.
        _ => Ok(BuiltinResult::Value(Value::Undefined)),
    }
}

/// Replaces the zone of `[ns, "Local", ...]` by UTC: a policy must not depend on its host's zone.
fn in_utc(argument: &Value) -> Value {
    match argument {
        Value::Array(parts) if parts.get(1).is_some_and(|zone| *zone == Value::from("Local")) => {
            let mut parts = parts.to_vec();
            if let Some(zone) = parts.get_mut(1) {
                *zone = Value::from("UTC");
            }
            Value::from(parts)
        }
        other => other.clone(),
    }
}

/// Calls the library's own function; an error of a builtin is undefined, as in OPA.
fn library(name: &str, span: &Span, arguments: &[Value]) -> Value {
    let Some((function, arity)) = BUILTINS.get(name) else { return Value::Undefined };
    let parameters: Vec<Ref<Expr>> = (0..*arity)
        .map(|_| Ref::new(Expr::Null { span: span.clone(), value: Value::Null, eidx: 0 }))
        .collect();
    function(span, &parameters, arguments, false).unwrap_or(Value::Undefined)
}

fn range_fits(name: &str, distance: Option<i64>, step: i64) -> Result<BuiltinResult, String> {
    match distance.map(|distance| distance.unsigned_abs() / step.unsigned_abs()) {
        Some(elements) if elements < RANGE_ELEMENTS_MAX.unsigned_abs() => {
            Ok(BuiltinResult::Library)
        }
        _ => Err(format!("`{name}` would give more than {RANGE_ELEMENTS_MAX} elements")),
    }
}

/// Refuses a format with widths that would fill the memory or that the library cannot parse.
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
}
