//! `$type`: MongoDB's names and numbers of types, as far as JSON has them.

use serde_json::{Number, Value};

use crate::number::{as_count, is_integer_text};

/// What `$type` can ask for.
///
/// JSON has one type of number. As `int` counts what is written as an integer of 32 bits, as `long`
/// one that needs 64, as `decimal` a larger one, as `double` what has a fraction or an exponent.
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
    /// What `$type` takes.
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
