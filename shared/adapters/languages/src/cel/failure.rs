//! Failures of a run, with messages that are the same in every process.
//!
//! The library's own messages print values, among them maps in hash order, which differs between
//! processes; the messages here name types and keys only.

use cel::common::ast::operators;
use cel::objects::ValueType;
use cel::{ExecutionError, OverloadError, Value};

use crate::Failure;

/// A failure that the policy or its input caused.
pub(super) fn policy_error(kind: &str, message: String, line: Option<u32>) -> Failure {
    Failure::Raised { kind: kind.to_owned(), message, line, traceback: String::new() }
}

/// The failure of an expression with this name, on this line.
pub(super) fn from_execution(
    error: &ExecutionError,
    name: Option<&str>,
    line: Option<u32>,
) -> Failure {
    let (kind, message) = describe(error);
    let message = match name {
        Some(name) => format!("`{name}`: {message}"),
        None => message,
    };
    policy_error(kind, message, line)
}

fn describe(error: &ExecutionError) -> (&'static str, String) {
    const TYPE: &str = "cel.type";
    match error {
        ExecutionError::NoSuchKey(key) => (
            "cel.no-such-key",
            format!("there is no key `{key}`; `has(...)` tells whether there is one"),
        ),
        ExecutionError::IndexOutOfBounds(index) => {
            ("cel.no-such-key", format!("the list has no element {}", display_key(index)))
        }
        ExecutionError::NoSuchOverload(overload) => (TYPE, overload_message(overload)),
        ExecutionError::UnsupportedBinaryOperator(operator, left, right) => {
            let operator_symbol = arithmetic_symbol(operator);
            (
                TYPE,
                format!(
                    "`{operator_symbol}` takes no {} and {}",
                    type_name(left),
                    type_name(right)
                ),
            )
        }
        ExecutionError::ValuesNotComparable(left, right) => {
            (TYPE, format!("{} and {} have no order", type_name(left), type_name(right)))
        }
        ExecutionError::UnsupportedIndex(index, value) => {
            (TYPE, format!("{} cannot be indexed by {}", type_name(value), type_name(index)))
        }
        ExecutionError::UnsupportedKeyType(key) => {
            (TYPE, format!("{} cannot be a key", type_name(key)))
        }
        ExecutionError::UnexpectedType { got, want } => {
            (TYPE, format!("there is {got} where {want} is wanted"))
        }
        ExecutionError::UnsupportedTargetType { target }
        | ExecutionError::NotSupportedAsMethod { target, .. } => {
            (TYPE, format!("{} has no such function", type_name(target)))
        }
        ExecutionError::DuplicateKey(key) => {
            ("cel.duplicate-key", format!("a map has the key {} twice", display_key(key)))
        }
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => {
            ("cel.division-by-zero", "division by zero".to_owned())
        }
        ExecutionError::Overflow(operator, ..) => (
            "cel.overflow",
            format!("`{}` leaves the range of its type", arithmetic_symbol(operator)),
        ),
        ExecutionError::FunctionError { function, message } => {
            ("cel.function", format!("`{function}`: {message}"))
        }
        other => ("cel.evaluation", other.to_string()),
    }
}

fn overload_message(overload: &OverloadError) -> String {
    let types = overload.argument_types();
    let name = operator_symbol(overload.function());
    match types {
        [target, arguments @ ..] if overload.is_member_function() => {
            format!("`{name}` of {target} takes no ({})", arguments.join(", "))
        }
        types => format!("`{name}` takes no {}", types.join(" and ")),
    }
}

/// An operator as it is written in a source.
fn operator_symbol(function: &str) -> &str {
    match function {
        operators::INDEX | operators::OPT_INDEX => "[]",
        "_._" | operators::OPT_SELECT => ".",
        operators::IN => "in",
        operators::CONDITIONAL => "?:",
        other => other.trim_matches('_'),
    }
}

fn arithmetic_symbol(operator: &str) -> &str {
    match operator {
        "add" => "+",
        "sub" => "-",
        "mul" => "*",
        "div" => "/",
        "rem" => "%",
        other => other,
    }
}

/// A key or an index for a message.
fn display_key(value: &Value) -> String {
    match value {
        Value::Int(value) => value.to_string(),
        Value::UInt(value) => format!("{value}u"),
        Value::Bool(value) => value.to_string(),
        Value::String(value) => format!("`{value}`"),
        other => type_name(other),
    }
}

fn type_name(value: &Value) -> String {
    match value.type_of() {
        ValueType::Float => "double".to_owned(),
        other => other.to_string(),
    }
}
