//! Documents and schemas that cost much to read, to compile or to apply.

use serde_json::{Map, Value, json};

/// Almost the most bytes that a body may have.
pub(crate) const BODY_BYTES: usize = (4 << 20) - 4_096;

/// Arrays in arrays, so many levels deep.
pub(crate) fn deep(levels: usize) -> String {
    format!("{}{}", "[".repeat(levels), "]".repeat(levels))
}

/// A list of so many equal elements.
pub(crate) fn list(element: &str, count: usize) -> String {
    format!("[{}]", vec![element; count].join(","))
}

/// An object of so many members.
pub(crate) fn members(count: usize) -> Value {
    Value::Object((0..count).map(|n| (format!("m{n}"), json!(n))).collect())
}

/// A body with this text in place of its `"<raw>"`.
pub(crate) fn with_raw(body: &Value, raw: &str) -> String {
    body.to_string().replacen("\"<raw>\"", raw, 1)
}

/// A schema that compares each element of a list with each other one.
pub(crate) fn unique_items() -> Value {
    json!({"type": "object", "properties": {"n": {"type": "array", "uniqueItems": true}}})
}

/// A schema with many large patterns.
pub(crate) fn patterns() -> Value {
    let pattern = |n: usize| (format!("^(a|{n}{{1,90}}){{1,90}}$"), json!({"type": "integer"}));
    let patterns: Map<String, Value> = (0..500).map(pattern).collect();
    json!({"type": "object", "patternProperties": patterns})
}

/// Pointers to as many values.
pub(crate) fn mask(count: usize) -> Value {
    (0..count).map(|n| format!("/input_data/n/m{n}")).collect()
}

/// Conditions in conditions, so many levels deep.
pub(crate) fn deep_filter(levels: usize) -> String {
    format!("{}{{}}{}", "{\"$or\":[".repeat(levels), "]}".repeat(levels))
}

/// A filter of so many conditions, each with a regular expression.
pub(crate) fn wide_filter(count: usize) -> Value {
    let conditions: Vec<Value> = (0..count)
        .map(|n| json!({"input_data.n": {"$regex": format!("^(a+)+{n}(b|c.*d.*e){{1,20}}$")}}))
        .collect();
    json!({"$or": conditions})
}

/// Filters that every query route gets.
pub(crate) fn filters() -> Vec<(&'static str, String)> {
    vec![
        ("deep filter", deep_filter(100_000)),
        ("filter of the allowed depth", deep_filter(20)),
        ("filter of many regular expressions", wide_filter(1_000).to_string()),
        ("filter of few regular expressions", wide_filter(20).to_string()),
        ("large regular expression", json!({"a": {"$regex": "(a{1,500}){1,500}"}}).to_string()),
        ("list of many values", format!("{{\"a\":{{\"$in\":{}}}}}", list("1", 500_000))),
        ("condition that nothing fits", json!({"a.b.c": {"$not": {"$exists": false}}}).to_string()),
        ("deep path", json!({vec!["a"; 50_000].join("."): 1}).to_string()),
        ("no JSON", "\u{0}{".to_owned()),
    ]
}
