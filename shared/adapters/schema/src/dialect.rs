//! Which dialect a schema is written in.
//!
//! Each member of a field map is a field with an object for its rule. A document that is no field map
//! and has keywords of JSON Schema alone is a JSON Schema; where both readings are possible, `$schema`
//! or a `type` decides.

use jsonschema::Draft;
use serde_json::{Map, Value};

use crate::{SchemaError, field_map};

/// The dialect of a schema.
#[derive(Debug)]
pub(crate) enum Dialect {
    /// A JSON Schema of this draft.
    JsonSchema(Draft),
    /// A field map, translated.
    FieldMap(Value),
}

/// Keywords that only describe: a document of these alone accepts every value, so a field map with an
/// error in it must not be taken for one.
const ANNOTATIONS: [&str; 11] = [
    "$comment",
    "$defs",
    "$id",
    "$anchor",
    "default",
    "definitions",
    "deprecated",
    "description",
    "examples",
    "readOnly",
    "title",
];
/// Keywords that accept and refuse values.
const ASSERTIONS: [&str; 43] = [
    "$dynamicAnchor",
    "$dynamicRef",
    "$ref",
    "additionalItems",
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "contains",
    "contentEncoding",
    "contentMediaType",
    "contentSchema",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "if",
    "items",
    "maxContains",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minContains",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "not",
    "oneOf",
    "pattern",
    "patternProperties",
    "prefixItems",
    "properties",
    "propertyNames",
    "required",
    "then",
    "type",
];
/// Keywords that no field is likely to be named after: a document of keywords with one of them is a
/// JSON Schema, though it might be a field map by its form.
const NAMES_OF_KEYWORDS_ALONE: [&str; 9] = [
    "$defs",
    "$ref",
    "additionalProperties",
    "dependentSchemas",
    "not",
    "patternProperties",
    "propertyNames",
    "unevaluatedItems",
    "unevaluatedProperties",
];
const UNEVALUATED: [&str; 2] = ["unevaluatedItems", "unevaluatedProperties"];

/// Finds the dialect of a schema that has members.
///
/// # Errors
/// An unknown `$schema`; a document that is a schema in neither dialect.
pub(crate) fn recognise(schema: &Map<String, Value>) -> Result<Dialect, SchemaError> {
    if let Some(uri) = schema.get("$schema") {
        return Ok(Dialect::JsonSchema(draft(uri)?));
    }
    let current = Dialect::JsonSchema(Draft::Draft202012);
    if schema.get("type").is_some_and(Value::is_string) {
        return Ok(current);
    }
    let has_keywords_alone = schema.keys().all(|name| is_keyword(name));
    if has_keywords_alone && is_no_field_map(schema) {
        return Ok(current);
    }
    let error = match field_map::to_json_schema(schema) {
        Ok(translated) => return Ok(Dialect::FieldMap(translated)),
        Err(error) => error,
    };
    if has_keywords_alone && schema.keys().any(|name| is_assertion(name)) {
        return Ok(current);
    }
    Err(match schema.keys().find(|name| is_keyword(name)) {
        None => error,
        Some(keyword) => SchemaError::new(
            error.path(),
            format!(
                "{error}; if `{keyword}` is a keyword of a JSON Schema, add \
                 `\"$schema\": \"https://json-schema.org/draft/2020-12/schema\"`"
            ),
        ),
    })
}

fn is_assertion(name: &str) -> bool {
    ASSERTIONS.contains(&name) || UNEVALUATED.contains(&name)
}

fn is_keyword(name: &str) -> bool {
    is_assertion(name) || ANNOTATIONS.contains(&name)
}

/// Whether a document of keywords is a JSON Schema for certain: a member is no object, as every rule
/// of a field map is, or it is named and built as in a JSON Schema.
fn is_no_field_map(schema: &Map<String, Value>) -> bool {
    let is_schema = |value: &Value| value.is_object() || value.is_boolean();
    let of_properties = |value: &Value| {
        value.as_object().is_some_and(|properties| properties.values().all(is_schema))
    };
    let has_other_value = schema.values().any(|value| !value.is_object());
    has_other_value
        || schema.keys().any(|name| NAMES_OF_KEYWORDS_ALONE.contains(&name.as_str()))
        || schema.get("properties").is_some_and(of_properties)
}

/// The draft that `$schema` names.
fn draft(uri: &Value) -> Result<Draft, SchemaError> {
    let named = uri.as_str().map(Draft::from_schema_uri);
    match named {
        Some(Draft::Unknown) | None => Err(SchemaError::new(
            "/$schema",
            format!(
                "{uri} is no dialect that is known; there are \
                 `https://json-schema.org/draft/2020-12/schema`, its predecessor of `2019-09`, and \
                 `http://json-schema.org/draft-07/schema`, `draft-06` and `draft-04`"
            ),
        )),
        Some(draft) => Ok(draft),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Schema;

    /// The dialect of a document, or the path of its error.
    fn found(document: &Value) -> String {
        match recognise(document.as_object().unwrap()) {
            Ok(Dialect::JsonSchema(draft)) => format!("{draft:?}"),
            Ok(Dialect::FieldMap(_)) => "map".to_owned(),
            Err(error) => format!("error {error}"),
        }
    }

    #[test]
    fn each_document_is_read_in_its_dialect() {
        let (new, map) = ("Draft202012", "map");
        let cases = [
            (json!({"properties": {"a": {"type": "integer"}}}), new),
            (json!({"properties": {"a": true}}), new),
            (json!({"properties": {}}), new),
            (json!({"properties": {"type": {"type": "string"}, "a": {}}}), new),
            (json!({"properties": {"items": {"type": "array"}}}), new),
            (json!({"enum": [1, 2]}), new),
            (json!({"type": ["string", "null"]}), new),
            (json!({"type": "object"}), new),
            (json!({"required": ["a"]}), new),
            (json!({"const": {"a": 1}}), new),
            (json!({"const": null}), new),
            (json!({"minimum": 3}), new),
            (json!({"maxLength": 3}), new),
            (json!({"pattern": "^a"}), new),
            (json!({"format": "ipv4"}), new),
            (json!({"anyOf": [{"type": "string"}]}), new),
            (json!({"$ref": "#/$defs/a", "$defs": {"a": {"type": "string"}}}), new),
            (json!({"not": {"type": "string"}}), new),
            (json!({"additionalProperties": {"type": "string"}}), new),
            (json!({"patternProperties": {"^a": {"type": "string"}}}), new),
            (json!({"propertyNames": {"pattern": "^a"}}), new),
            (json!({"unevaluatedProperties": false}), new),
            (json!({"additionalProperties": false}), new),
            (json!({"items": {"minLength": 3}}), new),
            (json!({"if": {"required": ["a"]}, "then": {"required": ["b"]}}), new),
            (json!({"title": "Input", "properties": {"a": {}}, "required": ["a"]}), new),
            (json!({"title": "a title alone"}), new),
            (json!({"ip": {"type": "string"}}), map),
            (json!({"type": {"type": "string"}}), map),
            (json!({"items": {"type": "array", "required": true}}), map),
            (json!({"description": {"type": "string"}, "title": {"type": "string"}}), map),
            (json!({"required": {"type": "boolean"}, "enum": {"type": "array"}}), map),
            (json!({"properties": {"type": "object"}}), map),
            (json!({"format": {"type": "string"}}), map),
            (json!({"$schema": "http://json-schema.org/draft-07/schema#"}), "Draft7"),
            (json!({"$schema": "http://json-schema.org/draft-07/schema"}), "Draft7"),
            (json!({"$schema": "https://json-schema.org/draft/2019-09/schema"}), "Draft201909"),
            (json!({"$schema": "http://json-schema.org/draft-06/schema#"}), "Draft6"),
            (json!({"$schema": "http://json-schema.org/draft-04/schema#"}), "Draft4"),
        ];
        for (document, expected) in cases {
            assert_eq!(found(&document), expected, "{document}");
        }
    }

    #[test]
    fn what_may_be_meant_as_a_json_schema_is_refused_with_what_to_add() {
        for document in [
            json!({"properties": {"a": {"type": "string"}}, "x-owner": "team"}),
            json!({"enum": [1, 2], "ip": {"type": "string"}}),
            json!({"type": ["string"], "ip": {"type": "string"}}),
            json!({"default": {"typ": "string"}, "description": {"type": "text"}}),
        ] {
            let error = Schema::compile(&document).unwrap_err().to_string();
            assert!(error.contains("add `\"$schema\""), "{document} {error}");
        }
        let plain = Schema::compile(&json!({"ip": {"type": "text"}})).unwrap_err().to_string();
        assert!(!plain.contains("$schema"), "{plain}");
        for uri in [json!("https://example.com/mine"), json!("draft-07"), json!(7)] {
            let error = Schema::compile(&json!({"$schema": uri, "type": "string"})).unwrap_err();
            assert_eq!(error.path(), "/$schema");
            assert!(error.to_string().contains("draft-07/schema"), "{error}");
        }
    }

    #[test]
    fn an_older_draft_has_its_own_rules() {
        let (seven, six) =
            ("http://json-schema.org/draft-07/schema#", "http://json-schema.org/draft-06/schema#");
        let four = "http://json-schema.org/draft-04/schema#";
        // Members of the schema, the value, whether it fits under the draft and under 2020-12.
        let cases = [
            (seven, json!({"dependencies": {"a": ["b"]}}), json!({"a": 1}), false, false),
            (seven, json!({"dependentRequired": {"a": ["b"]}}), json!({"a": 1}), true, false),
            (
                seven,
                json!({"$ref": "#/definitions/n", "maximum": 3, "definitions": {"n": {"type": "number"}}}),
                json!(5),
                true,
                false,
            ),
            (
                seven,
                json!({"contains": {"type": "string"}, "minContains": 2}),
                json!(["a"]),
                true,
                false,
            ),
            (seven, json!({"unevaluatedProperties": false}), json!({"a": 1}), true, false),
            (seven, json!({"prefixItems": [{"type": "string"}]}), json!([1]), true, false),
            (six, json!({"if": {}, "then": false}), json!(1), true, false),
            (four, json!({"const": 1}), json!(2), true, false),
        ];
        let fits = |uri: &str, members: &Value, value: &Value| {
            let mut schema = members.clone();
            schema["$schema"] = json!(uri);
            Schema::compile(&schema).unwrap().violations("it", value).is_empty()
        };
        for (uri, members, value, expected, in_new) in cases {
            assert_eq!(fits(uri, &members, &value), expected, "{uri} {members}");
            let new = "https://json-schema.org/draft/2020-12/schema";
            assert_eq!(fits(new, &members, &value), in_new, "{members}");
        }
        let tuple = json!({"items": [{"type": "string"}], "additionalItems": false});
        assert!(fits(seven, &tuple, &json!(["a"])));
        assert!(!fits(seven, &tuple, &json!([1])));
        assert!(!fits(seven, &tuple, &json!(["a", 1])));
        assert!(Schema::compile(&tuple).is_err());
    }
}
