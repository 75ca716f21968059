//! The order of values across types, by MongoDB's manual ("Comparison/Sort Order"), for the types
//! of JSON: null, numbers, strings, objects, arrays, booleans.

use std::cmp::Ordering;

use serde_json::{Map, Value};

use crate::number;

/// Returns the rank of a value's type in the order. A comparison operator matches only within one
/// rank.
pub(crate) fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Object(_) => 4,
        Value::Array(_) => 5,
        Value::Bool(_) => 6,
    }
}

/// Compares two values: strings by their UTF-8 bytes, arrays element by element, objects field by
/// field in their own order (the type of the value, then the key, then the value).
pub(crate) fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => number::compare(left, right),
        (Value::String(left), Value::String(right)) => left.cmp(right),
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::Object(left), Value::Object(right)) => compare_objects(left, right),
        (Value::Array(left), Value::Array(right)) => compare_arrays(left, right),
        _ => rank(left).cmp(&rank(right)),
    }
}

/// Whether two values are equal: numbers by value, objects with their fields in the same order.
pub(crate) fn equal(left: &Value, right: &Value) -> bool {
    compare(left, right) == Ordering::Equal
}

fn compare_objects(left: &Map<String, Value>, right: &Map<String, Value>) -> Ordering {
    for ((left_key, left), (right_key, right)) in left.iter().zip(right) {
        let order = rank(left)
            .cmp(&rank(right))
            .then_with(|| left_key.cmp(right_key))
            .then_with(|| compare(left, right));
        if order != Ordering::Equal {
            return order;
        }
    }
    left.len().cmp(&right.len())
}

fn compare_arrays(left: &[Value], right: &[Value]) -> Ordering {
    for (left, right) in left.iter().zip(right) {
        let order = compare(left, right);
        if order != Ordering::Equal {
            return order;
        }
    }
    left.len().cmp(&right.len())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_order_by_type_and_then_within_it() {
        let ascending = [
            json!(null),
            json!(-1),
            json!(2.5),
            json!(10),
            json!(""),
            json!("10"),
            json!("9"),
            json!("\u{ffff}"),
            json!("\u{10000}"),
            json!({}),
            json!({"b": 1}),
            json!({"b": 1, "a": 1}),
            json!({"a": "x"}),
            json!([]),
            json!([1]),
            json!([1, null]),
            json!([2]),
            json!(false),
            json!(true),
        ];
        for (i, left) in ascending.iter().enumerate() {
            for (j, right) in ascending.iter().enumerate() {
                assert_eq!(compare(left, right), i.cmp(&j), "{left} with {right}");
            }
        }
    }

    #[test]
    fn objects_with_fields_in_another_order_differ() {
        assert!(equal(&json!({"a": 1, "b": 2.0}), &json!({"a": 1.0, "b": 2})));
        assert!(!equal(&json!({"a": 1, "b": 2}), &json!({"b": 2, "a": 1})));
    }
}
