//! `$type`: the names and numbers of MongoDB's types, restricted to those of JSON.

use serde_json::{Number, Value};

use crate::number::{as_count, is_integer_text};

/// A type that `$type` tests for.
///
/// JSON has one type of number. An integer that fits into 32 bits is an `int`, one that needs 64 a
/// `long`, a larger one a `decimal`; a number with a fraction or an exponent is a `double`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Double,
    String,
    Object,
    Array,
    Bool,
    Null,
    Int,
    Long,
    Decimal,
    Number,
}

const KINDS: [(Kind, &str, usize); 9] = [
    (Kind::Double, "double", 1),
    (Kind::String, "string", 2),
    (Kind::Object, "object", 3),
    (Kind::Array, "array", 4),
    (Kind::Bool, "bool", 8),
    (Kind::Null, "null", 10),
    (Kind::Int, "int", 16),
    (Kind::Long, "long", 18),
    (Kind::Decimal, "decimal", 19),
];

impl Kind {
    /// The description of a valid operand of `$type`.
    pub(crate) const EXPECTED: &str = "a type of JSON or a list of them: `double`, `string`, \
        `object`, `array`, `bool`, `null`, `int`, `long`, `decimal`, `number`, or MongoDB's numbers \
        for them";

    pub(crate) fn parse(value: &Value) -> Option<Self> {
        match value {
            Value::String(name) if name == "number" => Some(Self::Number),
            Value::String(name) => {
                KINDS.iter().find(|(_, known, _)| known == name).map(|(kind, ..)| *kind)
            }
            Value::Number(code) => {
                let code = as_count(code)?;
                KINDS.iter().find(|(.., known)| *known == code).map(|(kind, ..)| *kind)
            }
            _ => None,
        }
    }

    pub(crate) fn fits(self, value: &Value) -> bool {
        match value {
            Value::Null => self == Self::Null,
            Value::Bool(_) => self == Self::Bool,
            Value::Number(number) => self == Self::Number || self == Self::of(number),
            Value::String(_) => self == Self::String,
            Value::Array(_) => self == Self::Array,
            Value::Object(_) => self == Self::Object,
        }
    }

    fn of(number: &Number) -> Self {
        let text = number.as_str();
        if !is_integer_text(number) {
            Self::Double
        } else if text.parse::<i32>().is_ok() {
            Self::Int
        } else if text.parse::<i64>().is_ok() {
            Self::Long
        } else {
            Self::Decimal
        }
    }
}
