//! JSON Schema for `json.match_schema` and `json.verify_schema`, with the texts of OPA's library.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{Draft, PatternOptions, ValidationError};
use serde_json::Value as Json;
use writ_rego::builtin::{SchemaError, Value};

/// OPA's name of the whole document.
const ROOT: &str = "(Root)";
/// The most violations that are reported.
const VIOLATIONS_MAX: usize = 1_000;

/// Checks a document; without one, only the schema itself.
pub(super) fn check(schema: &Value, document: Option<&Value>) -> Result<Vec<SchemaError>, String> {
    let schema = json(schema)?;
    let validator = jsonschema::options()
        .with_draft(draft(&schema))
        .with_pattern_options(PatternOptions::regex())
        .build(&schema)
        .map_err(|error| error.to_string())?;
    let Some(document) = document else { return Ok(Vec::new()) };
    let document = json(document)?;
    Ok(validator
        .iter_errors(&document)
        .take(VIOLATIONS_MAX)
        .map(|error| violation(&error, &schema))
        .collect())
}

/// The draft that a schema names, of those that OPA knows.
fn draft(schema: &Json) -> Draft {
    match schema.get("$schema").and_then(Json::as_str).unwrap_or_default() {
        name if name.contains("draft-04") => Draft::Draft4,
        name if name.contains("draft-06") => Draft::Draft6,
        _ => Draft::Draft7,
    }
}

fn json(value: &Value) -> Result<Json, String> {
    serde_json::from_str(&value.to_json()).map_err(|error| error.to_string())
}

fn violation(error: &ValidationError<'_>, schema: &Json) -> SchemaError {
    let path: Vec<String> = error
        .instance_path()
        .as_str()
        .split('/')
        .skip(1)
        .map(|part| part.replace("~1", "/").replace("~0", "~"))
        .collect();
    let field = if path.is_empty() { ROOT.to_owned() } else { path.join(".") };
    let (kind, description) = describe(error, &field, schema);
    SchemaError {
        error: format!("{field}: {description}"),
        kind: kind.to_owned(),
        field,
        description,
    }
}

/// OPA's name and text of a violation.
fn describe(error: &ValidationError<'_>, field: &str, schema: &Json) -> (&'static str, String) {
    use ValidationErrorKind as Kind;
    match error.kind() {
        Kind::Required { property } => ("required", format!("{} is required", plain(property))),
        Kind::Type { kind } => {
            let given = type_of(error.instance());
            // In the order of the schema, where its path leads there without references.
            let written = schema.pointer(error.schema_path().as_str()).and_then(Json::as_array);
            let expected = written.map_or_else(|| types(kind), |types| list(types));
            ("invalid_type", format!("Invalid type. Expected: {expected}, given: {given}"))
        }
        Kind::Enum { options } => {
            let options: Vec<String> =
                options.as_array().into_iter().flatten().map(ToString::to_string).collect();
            let options = options.join(", ");
            ("enum", format!("{field} must be one of the following: {options}"))
        }
        Kind::Constant { expected_value } => {
            ("const", format!("{field} does not match: {expected_value}"))
        }
        Kind::Pattern { pattern } => ("pattern", format!("Does not match pattern '{pattern}'")),
        Kind::Format { format } => ("format", format!("Does not match format '{format}'")),
        Kind::MinLength { limit } => {
            ("string_gte", format!("String length must be greater than or equal to {limit}"))
        }
        Kind::MaxLength { limit } => {
            ("string_lte", format!("String length must be less than or equal to {limit}"))
        }
        Kind::Minimum { limit } => {
            ("number_gte", format!("Must be greater than or equal to {limit}"))
        }
        Kind::Maximum { limit } => ("number_lte", format!("Must be less than or equal to {limit}")),
        Kind::ExclusiveMinimum { limit } => ("number_gt", format!("Must be greater than {limit}")),
        Kind::ExclusiveMaximum { limit } => ("number_lt", format!("Must be less than {limit}")),
        Kind::MultipleOf { multiple_of } => {
            ("multiple_of", format!("Must be a multiple of {multiple_of}"))
        }
        Kind::MinItems { limit } => {
            ("array_min_items", format!("Array must have at least {limit} items"))
        }
        Kind::MaxItems { limit } => {
            ("array_max_items", format!("Array must have at most {limit} items"))
        }
        Kind::UniqueItems => ("unique", unique(error.instance())),
        Kind::Contains => ("contains", "At least one of the items must match".to_owned()),
        Kind::AdditionalItems { .. } => {
            ("array_no_additional_items", "No additional items allowed on array".to_owned())
        }
        Kind::AdditionalProperties { unexpected } => (
            "additional_property_not_allowed",
            format!("Additional property {} is not allowed", unexpected.join(", ")),
        ),
        Kind::MinProperties { limit } => {
            ("array_min_properties", format!("Must have at least {limit} properties"))
        }
        Kind::MaxProperties { limit } => {
            ("array_max_properties", format!("Must have at most {limit} properties"))
        }
        Kind::AnyOf { .. } => {
            ("number_any_of", "Must validate at least one schema (anyOf)".to_owned())
        }
        Kind::OneOfNotValid { .. } | Kind::OneOfMultipleValid { .. } => {
            ("number_one_of", "Must validate one and only one schema (oneOf)".to_owned())
        }
        Kind::Not { .. } => ("number_not", "Must not validate the schema (not)".to_owned()),
        Kind::FalseSchema => ("false", "False always fails validation".to_owned()),
        Kind::PropertyNames { error } => (
            "invalid_property_name",
            format!("Property name of \"{}\" does not match", plain(error.instance())),
        ),
        other => ("invalid", format!("Does not match `{}`", other.keyword())),
    }
}

fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn list(types: &[Json]) -> String {
    let types: Vec<String> = types.iter().map(plain).collect();
    format!("[{}]", types.join(","))
}

fn types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(one) => one.to_string(),
        TypeKind::Multiple(several) => {
            let several: Vec<String> = several.iter().map(|one| one.to_string()).collect();
            format!("[{}]", several.join(","))
        }
    }
}

fn type_of(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(number) if number.as_str().contains(['.', 'e', 'E']) => "number",
        Json::Number(_) => "integer",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    }
}

/// The text for the first two items of a list that are equal.
fn unique(list: &Json) -> String {
    let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
    let pair = items.iter().enumerate().find_map(|(second, item)| {
        let first = items.iter().take(second).position(|earlier| earlier == item)?;
        Some((first, second))
    });
    let (first, second) = pair.unwrap_or_default();
    format!("array items[{first},{second}] must be unique")
}

#[cfg(test)]
mod tests {
    use writ_rego::builtin::from_json_str;

    use super::*;

    /// A schema, a document, and the violations as OPA words them.
    const CASES: [(&str, &str, &[&str]); 13] = [
        (r#"{"type": "object"}"#, "{}", &[]),
        (r#"{"required": ["name", "x"]}"#, r#"{"name": 1}"#, &["(Root): x is required"]),
        (
            r#"{"properties": {"a": {"properties": {"b": {"type": ["string", "null"]}}}}}"#,
            r#"{"a": {"b": 1}}"#,
            &["a.b: Invalid type. Expected: [string,null], given: integer"],
        ),
        (
            r#"{"properties": {"n": {"type": "integer"}}}"#,
            r#"{"n": 1.5}"#,
            &["n: Invalid type. Expected: integer, given: number"],
        ),
        (
            r#"{"properties": {"n": {"maximum": 5}}}"#,
            r#"{"n": 7}"#,
            &["n: Must be less than or equal to 5"],
        ),
        (
            r#"{"properties": {"n": {"exclusiveMinimum": 7}}}"#,
            r#"{"n": 7}"#,
            &["n: Must be greater than 7"],
        ),
        (
            r#"{"properties": {"a": {"uniqueItems": true}}}"#,
            r#"{"a": [1, 2, 1]}"#,
            &["a: array items[0,2] must be unique"],
        ),
        (
            r#"{"additionalProperties": false, "properties": {"a": {}}}"#,
            r#"{"a": 1, "b": 2}"#,
            &["(Root): Additional property b is not allowed"],
        ),
        (r#"{"not": {}}"#, r#"{"a": 1}"#, &["(Root): Must not validate the schema (not)"]),
        (
            r#"{"properties": {"a": {"pattern": "^x"}}}"#,
            r#"{"a": "y"}"#,
            &["a: Does not match pattern '^x'"],
        ),
        (
            r#"{"properties": {"a/b": {"minItems": 2}}}"#,
            r#"{"a/b": [1]}"#,
            &["a/b: Array must have at least 2 items"],
        ),
        (
            r##"{"$ref": "#/definitions/x", "definitions": {"x": {"type": "string"}}}"##,
            "{}",
            &["(Root): Invalid type. Expected: string, given: object"],
        ),
        (
            r#"{"properties": {"a": {"enum": ["x", 1]}}}"#,
            r#"{"a": 2}"#,
            &["a: a must be one of the following: \"x\", 1"],
        ),
    ];

    #[test]
    fn violations_are_worded_as_opa_words_them() {
        for (schema, document, expected) in CASES {
            let (schema, document) =
                (from_json_str(schema).unwrap(), from_json_str(document).unwrap());
            let found = check(&schema, Some(&document)).unwrap();
            let found: Vec<&str> = found.iter().map(|one| one.error.as_str()).collect();
            assert_eq!(found, expected, "{schema}");
        }
        assert!(check(&from_json_str(r#"{"type": "nothing"}"#).unwrap(), None).is_err());
    }
}
