//! Schemas of inputs, outputs, settings and parameters, in two dialects.
//!
//! * The *field map* of the policy registry: `{"ip": {"type": "string", "pattern": "..."}}`.
//! * JSON Schema 2020-12, recognised by a string `type` or a `$schema` at the top.
//!
//! Both are compiled once. A `$ref` must stay within the document, and patterns run on an engine
//! that takes time linear in the text.

mod field_map;

use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use serde_json::Value;

use crate::Violation;

/// The maximum number of violations reported for one value: the first ones are enough to fix it.
const VIOLATIONS_MAX: usize = 20;
/// The maximum size of one compiled pattern, in bytes.
const PATTERN_BYTES_MAX: usize = 1 << 20;

/// A compiled schema of either dialect.
#[derive(Debug)]
pub struct Schema {
    validator: Option<Validator>,
}

/// The error of a schema that does not compile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SchemaError {
    path: String,
    message: String,
}

impl SchemaError {
    fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }

    /// Returns the location in the schema, as a JSON Pointer (RFC 6901).
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

impl Schema {
    /// Compiles a schema of either dialect. `null` and `{}` accept every value.
    ///
    /// # Errors
    /// Returns an error with the location where the schema is invalid or refers outside of itself.
    pub fn compile(document: &Value) -> Result<Self, SchemaError> {
        let object = match document {
            Value::Null => return Ok(Self { validator: None }),
            Value::Object(object) if object.is_empty() => return Ok(Self { validator: None }),
            Value::Object(object) => object,
            _ => return Err(SchemaError::new("", "a schema is a JSON object")),
        };
        let is_json_schema =
            object.contains_key("$schema") || object.get("type").is_some_and(Value::is_string);
        let validator = if is_json_schema {
            build(document)?
        } else {
            build(&field_map::to_json_schema(object)?)?
        };
        Ok(Self { validator: Some(validator) })
    }

    /// Returns the violations of `value`, at most 20; `subject` names the value in them.
    ///
    /// Messages never quote the value itself: it may be a secret, and it may be huge.
    #[must_use]
    pub fn violations(&self, subject: &str, value: &Value) -> Vec<Violation> {
        self.violations_if(subject, value, |_, _| true)
    }

    /// Like [`Schema::violations`], restricted to the paths and keywords that `counts` accepts.
    #[must_use]
    pub fn violations_if(
        &self,
        subject: &str,
        value: &Value,
        counts: impl Fn(&str, &str) -> bool,
    ) -> Vec<Violation> {
        let Some(validator) = &self.validator else { return Vec::new() };
        if validator.is_valid(value) {
            return Vec::new();
        }
        validator
            .iter_errors(value)
            .filter(|error| counts(error.instance_path().as_str(), error.kind().keyword()))
            .take(VIOLATIONS_MAX)
            .map(|error| Violation {
                subject: subject.to_owned(),
                path: error.instance_path().to_string(),
                rule: error.kind().keyword().to_owned(),
                message: error.masked_with("the value").to_string(),
            })
            .collect()
    }
}

fn build(schema: &Value) -> Result<Validator, SchemaError> {
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_BYTES_MAX))
        .build(schema)
        .map_err(|error| schema_error(schema, &error))
}

fn schema_error(schema: &Value, error: &ValidationError<'_>) -> SchemaError {
    if let Some((path, reference)) = external_reference(schema, String::new()) {
        let message = format!(
            "`{reference}` is outside of this schema and is never fetched; \
             copy the definition into `$defs` and refer to `#/$defs/...`"
        );
        return SchemaError::new(path, message);
    }
    SchemaError::new(error.instance_path().to_string(), error.to_string())
}

/// Returns the location and target of the first reference to another document.
fn external_reference(schema: &Value, path: String) -> Option<(String, String)> {
    match schema {
        Value::Object(object) => object.iter().find_map(|(key, value)| {
            let path = format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"));
            match value {
                Value::String(target)
                    if matches!(key.as_str(), "$ref" | "$dynamicRef" | "$schema")
                        && !target.starts_with('#')
                        && !target.starts_with("https://json-schema.org/") =>
                {
                    Some((path, target.clone()))
                }
                value => external_reference(value, path),
            }
        }),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(index, item)| external_reference(item, format!("{path}/{index}"))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rules(schema: &Value, value: &Value) -> Vec<(String, String)> {
        Schema::compile(schema)
            .unwrap()
            .violations("input_data", value)
            .into_iter()
            .map(|violation| (violation.path, violation.rule))
            .collect()
    }

    #[test]
    fn an_absent_or_empty_schema_accepts_everything() {
        for schema in [json!(null), json!({})] {
            assert_eq!(rules(&schema, &json!([1, {"a": null}])), []);
        }
    }

    #[test]
    fn json_schema_is_recognised_by_a_string_type_or_a_schema_keyword() {
        let by_type = json!({"type": "object", "required": ["ip"]});
        assert_eq!(rules(&by_type, &json!({})), [(String::new(), "required".to_owned())]);
        let by_schema =
            json!({"$schema": "https://json-schema.org/draft/2020-12/schema", "minimum": 3});
        assert_eq!(rules(&by_schema, &json!(2)), [(String::new(), "minimum".to_owned())]);
        let a_field_called_type = json!({"type": {"type": "string", "required": true}});
        assert_eq!(
            rules(&a_field_called_type, &json!({"type": 1})),
            [("/type".to_owned(), "type".to_owned())]
        );
    }

    #[test]
    fn a_reference_to_a_file_or_a_url_is_refused_at_its_place() {
        for target in ["file:///etc/passwd", "https://example.com/schema.json", "other.json"] {
            let schema = json!({"type": "object", "properties": {"a": {"$ref": target}}});
            let error = Schema::compile(&schema).unwrap_err();
            assert_eq!(error.path(), "/properties/a/$ref");
            assert!(error.to_string().contains(target), "{error}");
        }
        let local = json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/n"}}, "$defs": {"n": {"type": "integer"}}});
        assert_eq!(rules(&local, &json!({"a": "x"})), [("/a".to_owned(), "type".to_owned())]);
    }

    #[test]
    fn a_pattern_that_no_linear_engine_runs_is_refused() {
        for pattern in ["(a)\\1", "(?=x)", "("] {
            assert!(
                Schema::compile(&json!({"type": "string", "pattern": pattern})).is_err(),
                "{pattern}"
            );
            assert!(
                Schema::compile(&json!({"f": {"type": "string", "pattern": pattern}})).is_err(),
                "{pattern}"
            );
        }
    }

    #[test]
    fn a_message_never_quotes_the_value() {
        let schema =
            Schema::compile(&json!({"pin": {"type": "string", "pattern": "^[0-9]+$"}})).unwrap();
        let violations = schema.violations("input_data", &json!({"pin": "hunter2"}));
        assert_eq!(violations.len(), 1);
        assert!(!format!("{violations:?}").contains("hunter2"));
    }

    #[test]
    fn numbers_beyond_a_double_are_compared_exactly() {
        let schema = json!({"type": "integer", "maximum": 9_007_199_254_740_993_u64});
        assert_eq!(rules(&schema, &serde_json::from_str("9007199254740993").unwrap()), []);
        assert_eq!(rules(&schema, &serde_json::from_str("9007199254740994").unwrap()).len(), 1);
    }
}
