//! JSON schemas that cost much to compile or to apply.

use serde_json::{Map, Value, json};

/// A schema of strings: so many definitions, each of which refers to the next one.
#[must_use]
pub fn reference_chain(length: usize) -> Value {
    of_definitions(length, |next| json!({ "$ref": next }), json!({"type": "string"}))
}

/// A schema of strings: levels with two ways each, so that another value is held against 2 to the
/// power of `levels` schemas.
#[must_use]
pub fn doubling(levels: usize) -> Value {
    let level = |next: String| json!({"anyOf": [{"$ref": next}, {"allOf": [{"$ref": next}]}]});
    of_definitions(levels, level, json!({"type": "string"}))
}

/// A schema of lists by which every error has errors of its own.
#[must_use]
pub fn errors_in_errors() -> Value {
    let types = [json!({"type": "string"}), json!({"type": "object"}), json!({"type": "boolean"})];
    json!({"type": "array", "items": {"anyOf": types}})
}

/// The schema of objects in which the member `n` fits this schema.
#[must_use]
pub fn of_member(mut schema: Value) -> Value {
    let definitions = schema.as_object_mut().and_then(|schema| schema.remove("$defs"));
    let mut object = json!({"type": "object", "properties": {"n": schema}});
    if let Some(definitions) = definitions {
        object["$defs"] = definitions;
    }
    object
}

/// Definitions from 0 on, made from the reference to the next one, and the last.
fn of_definitions(count: usize, step: impl Fn(String) -> Value, last: Value) -> Value {
    let mut definitions: Map<String, Value> =
        (0..count).map(|n| (n.to_string(), step(format!("#/$defs/{}", n + 1)))).collect();
    definitions.insert(count.to_string(), last);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": "#/$defs/0", "$defs": definitions,
    })
}
