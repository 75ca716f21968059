//! `$type`: the names and numbers of MongoDB's types, restricted to those of JSON.

use serde_json::{Number, Value};

use crate::number::{as_count, is_integer_text};

/// A type that `$type` tests for.
///
/// JSON has one type of number. An integer that fits into 32 bits is an `int`, one that needs 64 a
/// `long`, a larger one a `decimal`; a number with a fraction or an exponent is a `double`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BsonType {
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

const BSON_TYPES: [(BsonType, &str, usize); 9] = [
    (BsonType::Double, "double", 1),
    (BsonType::String, "string", 2),
    (BsonType::Object, "object", 3),
    (BsonType::Array, "array", 4),
    (BsonType::Bool, "bool", 8),
    (BsonType::Null, "null", 10),
    (BsonType::Int, "int", 16),
    (BsonType::Long, "long", 18),
    (BsonType::Decimal, "decimal", 19),
];

impl BsonType {
    /// The description of a valid operand of `$type`.
    pub(crate) const EXPECTED: &str = "a type of JSON or a list of them: `double`, `string`, \
        `object`, `array`, `bool`, `null`, `int`, `long`, `decimal`, `number`, or MongoDB's numbers \
        for them";

    pub(crate) fn parse(value: &Value) -> Option<Self> {
        match value {
            Value::String(name) if name == "number" => Some(Self::Number),
            Value::String(name) => {
                BSON_TYPES.iter().find(|(_, known, _)| known == name).map(|(kind, ..)| *kind)
            }
            Value::Number(code) => {
                let code = as_count(code)?;
                BSON_TYPES.iter().find(|(.., known)| *known == code).map(|(kind, ..)| *kind)
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
