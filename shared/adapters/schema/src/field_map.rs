//! The field map dialect of the registry, translated to JSON Schema.
//!
//! A field map maps the names of fields to rules. Fields are optional unless their rule says
//! `required: true`; fields that the map does not name are accepted.

use serde_json::{Map, Value, json};

use crate::SchemaError;

/// The maximum depth of nested rules.
const DEPTH_MAX: usize = 32;

const TYPES: [&str; 7] = ["string", "number", "integer", "boolean", "array", "object", "any"];
const ATTRIBUTES: [&str; 11] = [
    "type",
    "description",
    "pattern",
    "length",
    "min",
    "max",
    "choices",
    "max_length",
    "properties",
    "items",
    "required",
];

/// Translates a field map to the JSON Schema that accepts the same values.
pub(crate) fn to_json_schema(fields: &Map<String, Value>) -> Result<Value, SchemaError> {
    object_schema(fields, "", 0)
}

fn object_schema(
    fields: &Map<String, Value>,
    path: &str,
    depth: usize,
) -> Result<Value, SchemaError> {
    if depth > DEPTH_MAX {
        let message = format!("rules are nested more than {DEPTH_MAX} deep");
        return Err(SchemaError::new(path, message));
    }
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (field, rule) in fields {
        let path = format!("{path}/{}", field.replace('~', "~0").replace('/', "~1"));
        let attributes = rule.as_object().ok_or_else(|| {
            let message = "a field's rule is an object such as `{\"type\": \"string\"}`";
            SchemaError::new(path.as_str(), message)
        })?;
        if flag(attributes, "required", &path)? {
            required.push(Value::from(field.as_str()));
        }
        properties.insert(field.clone(), rule_schema(attributes, &path, depth + 1)?);
    }
    Ok(json!({"type": "object", "properties": properties, "required": required}))
}

fn rule_schema(rule: &Map<String, Value>, path: &str, depth: usize) -> Result<Value, SchemaError> {
    if let Some(unknown) = rule.keys().find(|key| !ATTRIBUTES.contains(&key.as_str())) {
        let message =
            format!("`{unknown}` is no attribute of a rule; there are {}", quote_list(&ATTRIBUTES));
        return Err(SchemaError::new(format!("{path}/{unknown}"), message));
    }
    let kind = match rule.get("type") {
        None => "any",
        Some(Value::String(kind)) if TYPES.contains(&kind.as_str()) => kind,
        Some(other) => {
            let message = format!("{other} is no type; there are {}", quote_list(&TYPES));
            return Err(SchemaError::new(format!("{path}/type"), message));
        }
    };
    let mut schema = Map::new();
    if kind != "any" {
        schema.insert("type".to_owned(), kind.into());
    }
    for (attribute, keyword) in [
        ("pattern", "pattern"),
        ("length", "maxLength"),
        ("min", "minimum"),
        ("max", "maximum"),
        ("max_length", "maxItems"),
    ] {
        if let Some(value) = rule.get(attribute) {
            schema.insert(keyword.to_owned(), bound(attribute, value, path)?);
        }
    }
    if let Some(choices) = rule.get("choices") {
        if !choices.is_array() {
            return Err(SchemaError::new(format!("{path}/choices"), "`choices` is an array"));
        }
        // On an array, every element must be among the choices.
        if kind == "array" {
            schema.insert("allOf".to_owned(), json!([{"items": {"enum": choices}}]));
        } else {
            schema.insert("enum".to_owned(), choices.clone());
        }
    }
    if let Some(properties) = rule.get("properties") {
        let fields = require_object(properties, path, "properties")?;
        let nested = object_schema(fields, &format!("{path}/properties"), depth)?;
        schema.extend(nested.as_object().cloned().unwrap_or_default());
    }
    if let Some(items) = rule.get("items") {
        let element = require_object(items, path, "items")?;
        schema
            .insert("items".to_owned(), rule_schema(element, &format!("{path}/items"), depth + 1)?);
    }
    if depth > DEPTH_MAX {
        return Err(SchemaError::new(path, format!("rules are nested more than {DEPTH_MAX} deep")));
    }
    Ok(Value::Object(schema))
}

fn bound(attribute: &str, value: &Value, path: &str) -> Result<Value, SchemaError> {
    let fits = match attribute {
        "pattern" => value.is_string(),
        "length" | "max_length" => value.is_u64(),
        _ => value.is_number(),
    };
    if fits {
        return Ok(value.clone());
    }
    let expected = match attribute {
        "pattern" => "a regular expression in a string",
        "length" | "max_length" => "a whole number, zero or more",
        _ => "a number",
    };
    Err(SchemaError::new(format!("{path}/{attribute}"), format!("`{attribute}` is {expected}")))
}

fn flag(rule: &Map<String, Value>, attribute: &str, path: &str) -> Result<bool, SchemaError> {
    match rule.get(attribute) {
        None => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => {
            let message = format!("`{attribute}` is `true` or `false`");
            Err(SchemaError::new(format!("{path}/{attribute}"), message))
        }
    }
}

fn require_object<'a>(
    value: &'a Value,
    path: &str,
    attribute: &str,
) -> Result<&'a Map<String, Value>, SchemaError> {
    value.as_object().ok_or_else(|| {
        SchemaError::new(format!("{path}/{attribute}"), format!("`{attribute}` is an object"))
    })
}

fn quote_list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use crate::Schema;
    use serde_json::{Value, json};

    #[test]
    fn each_attribute_refuses_what_it_should_and_nothing_else() {
        let cases = [
            (json!({"type": "string"}), json!("a"), json!(1)),
            (json!({"type": "number"}), json!(1.5), json!(true)),
            (json!({"type": "integer"}), json!(2), json!(1.5)),
            (json!({"type": "boolean"}), json!(true), json!("true")),
            (json!({"type": "any"}), json!(null), Value::Null),
            (
                json!({"type": "string", "pattern": "^\\d{1,3}(\\.\\d{1,3}){3}$"}),
                json!("10.0.0.1"),
                json!("x"),
            ),
            (json!({"type": "string", "length": 2}), json!("é€"), json!("abc")),
            (json!({"type": "number", "min": 1, "max": 2}), json!(2), json!(2.1)),
            (json!({"type": "string", "choices": ["a", "b"]}), json!("a"), json!("c")),
            (json!({"type": "array", "choices": ["a", "b"]}), json!(["a", "b"]), json!(["a", "c"])),
            (json!({"type": "array", "max_length": 1}), json!([1]), json!([1, 2])),
            (
                json!({"type": "array", "items": {"type": "object", "properties": {"n": {"type": "number", "required": true}}}}),
                json!([{"n": 1}]),
                json!([{}]),
            ),
        ];
        for (rule, good, bad) in cases {
            let schema = Schema::compile(&json!({"f": rule})).unwrap();
            assert_eq!(schema.violations("input_data", &json!({"f": good})), [], "{rule}");
            if rule != json!({"type": "any"}) {
                assert_ne!(schema.violations("input_data", &json!({"f": bad})), [], "{rule}");
            }
        }
    }

    #[test]
    fn fields_are_optional_and_unknown_ones_pass() {
        let schema = Schema::compile(
            &json!({"a": {"type": "string"}, "b": {"type": "string", "required": true}}),
        )
        .unwrap();
        assert_eq!(schema.violations("input_data", &json!({"b": "x", "z": 1})), []);
        let missing = schema.violations("input_data", &json!({}));
        assert_eq!(missing.len(), 1);
        assert_eq!(missing[0].rule, "required");
        assert_ne!(schema.violations("input_data", &json!([])), []);
    }

    #[test]
    fn a_rule_that_means_nothing_is_refused_at_its_place() {
        for (schema, path) in [
            (json!({"f": {"typ": "string"}}), "/f/typ"),
            (json!({"f": {"type": "text"}}), "/f/type"),
            (json!({"f": {"min": "1"}}), "/f/min"),
            (json!({"f": {"required": "yes"}}), "/f/required"),
            (json!({"f": "string"}), "/f"),
            (json!({"a/b": {"items": 1}}), "/a~1b/items"),
        ] {
            assert_eq!(Schema::compile(&schema).unwrap_err().path(), path, "{schema}");
        }
    }
}
