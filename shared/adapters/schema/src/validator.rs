//! One schema of either dialect, compiled.

use jsonschema::{Draft, PatternOptions, ValidationError, Validator};
use serde_json::Value;
use writ_model::Violation;
use writ_model::run::SchemaFormats;

use crate::dialect::{self, Dialect};

/// The maximum number of violations reported for one value: the first ones are enough to fix it.
pub const VIOLATIONS_MAX: usize = 20;
/// The size of a path and of a message of a violation, in bytes at most: a name in the value and a
/// list of choices in the schema may be megabytes long.
pub const TEXT_BYTES_MAX: usize = 1 << 10;
/// The maximum size of one compiled pattern, in bytes.
const PATTERN_BYTES_MAX: usize = 1 << 20;
/// The number of values in a document up to which all its errors are made at once. A library makes
/// every error with the errors of all branches in it, some hundred bytes for each: of a larger
/// document only the first one is made.
const ALL_ERRORS_NODES_MAX: usize = 1_000;

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
    pub(crate) fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: bounded(path.into()), message: bounded(message.into()) }
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
        Self::compile_with(document, SchemaFormats::Annotate)
    }

    /// Like [`Schema::compile`], with what `format` does in a JSON Schema.
    ///
    /// # Errors
    /// As [`Schema::compile`].
    pub fn compile_with(document: &Value, formats: SchemaFormats) -> Result<Self, SchemaError> {
        let object = match document {
            Value::Null => return Ok(Self { validator: None }),
            Value::Object(object) if object.is_empty() => return Ok(Self { validator: None }),
            Value::Object(object) => object,
            _ => return Err(SchemaError::new("", "a schema is a JSON object")),
        };
        let validator = match dialect::recognise(object)? {
            Dialect::JsonSchema(draft) => build(document, draft, formats)?,
            Dialect::FieldMap(schema) => build(&schema, Draft::Draft202012, formats)?,
        };
        Ok(Self { validator: Some(validator) })
    }

    /// Whether the schema accepts every value, so that a value need not be parsed.
    #[must_use]
    pub fn accepts_all(&self) -> bool {
        self.validator.is_none()
    }

    /// Returns the violations of `value`: at most 20, and of a large value the first one alone.
    /// `subject` names the value in them.
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
        let counts = |error: &ValidationError<'_>| {
            counts(error.instance_path().as_str(), error.kind().keyword())
        };
        if validator.is_valid(value) {
            return Vec::new();
        }
        if !is_small(value)
            && let Err(first) = validator.validate(value)
            && counts(&first)
        {
            return vec![violation(subject, &first)];
        }
        let errors = validator.iter_errors(value).filter(counts).take(VIOLATIONS_MAX);
        errors.map(|error| violation(subject, &error)).collect()
    }
}

fn violation(subject: &str, error: &ValidationError<'_>) -> Violation {
    Violation {
        subject: subject.to_owned(),
        path: bounded(error.instance_path().to_string()),
        rule: error.kind().keyword().to_owned(),
        message: bounded(error.masked_with("the value").to_string()),
    }
}

/// Whether a document holds few values.
fn is_small(value: &Value) -> bool {
    let mut left = ALL_ERRORS_NODES_MAX;
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        let Some(fewer) = left.checked_sub(1) else { return false };
        left = fewer;
        match value {
            Value::Array(items) if items.len() <= left => open.extend(items),
            Value::Object(members) if members.len() <= left => open.extend(members.values()),
            Value::Array(_) | Value::Object(_) => return false,
            _ => {}
        }
    }
    true
}

/// The text, cut where it is too long.
fn bounded(mut text: String) -> String {
    if text.len() > TEXT_BYTES_MAX {
        text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX - 3));
        text.push_str("...");
    }
    text
}

fn build(schema: &Value, draft: Draft, formats: SchemaFormats) -> Result<Validator, SchemaError> {
    jsonschema::options()
        .with_draft(draft)
        .should_validate_formats(formats == SchemaFormats::Assert)
        .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_BYTES_MAX))
        .build(schema)
        .map_err(|error| schema_error(schema, &error))
}

fn schema_error(schema: &Value, error: &ValidationError<'_>) -> SchemaError {
    let mut path = Vec::new();
    if let Some(reference) = external_reference(schema, &mut path) {
        let message = format!(
            "`{reference}` is outside of this schema and is never fetched; \
             copy the definition into `$defs` and refer to `#/$defs/...`"
        );
        return SchemaError::new(pointer(&path), message);
    }
    SchemaError::new(error.instance_path().to_string(), error.to_string())
}

/// One step from a value to a value in it.
enum Step<'s> {
    Member(&'s str),
    Item(usize),
}

/// Returns the first reference to another document, with its location in `path`.
fn external_reference<'s>(schema: &'s Value, path: &mut Vec<Step<'s>>) -> Option<&'s str> {
    match schema {
        Value::Object(object) => {
            for (key, value) in object {
                path.push(Step::Member(key));
                let found = match value {
                    Value::String(target) if is_external(key, target) => Some(target.as_str()),
                    value => external_reference(value, path),
                };
                if found.is_some() {
                    return found;
                }
                path.pop();
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                path.push(Step::Item(index));
                let found = external_reference(item, path);
                if found.is_some() {
                    return found;
                }
                path.pop();
            }
        }
        _ => {}
    }
    None
}

fn is_external(key: &str, target: &str) -> bool {
    matches!(key, "$ref" | "$dynamicRef" | "$schema")
        && !target.starts_with('#')
        && !["https://json-schema.org/", "http://json-schema.org/"]
            .iter()
            .any(|site| target.starts_with(site))
}

fn pointer(path: &[Step<'_>]) -> String {
    let segment = |step: &Step<'_>| match step {
        Step::Member(name) => format!("/{}", name.replace('~', "~0").replace('/', "~1")),
        Step::Item(index) => format!("/{index}"),
    };
    path.iter().map(segment).collect()
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

    /// A format, a text of it, and a text that is none.
    const FORMATS: &[(&str, &str, &str)] = &[
        ("date", "2026-02-28", "2026-02-30"),
        ("date-time", "2026-02-28T10:00:00Z", "2026-02-28 10:00"),
        ("time", "10:00:00Z", "25:00:00Z"),
        ("duration", "P1DT2H", "1 day"),
        ("email", "a@example.com", "example.com"),
        ("idn-email", "\u{fc}@example.com", "example.com"),
        ("hostname", "a.example.com", "a_b..com"),
        ("idn-hostname", "m\u{fc}nchen.de", "a b"),
        ("ipv4", "10.0.0.1", "10.0.0.256"),
        ("ipv6", "::1", "10.0.0.1"),
        ("uri", "https://example.com/a", "/a"),
        ("uri-reference", "/a", "\\\\a"),
        ("iri", "https://example.com/\u{fc}", "/a"),
        ("iri-reference", "/\u{fc}", "\\\\a"),
        ("uri-template", "/a/{b}", "/a/{b"),
        ("uuid", "2eb8aa08-aa98-11ea-b4aa-73b441d16380", "2eb8aa08"),
        ("json-pointer", "/a/0", "a"),
        ("relative-json-pointer", "1/a", "/a"),
        ("regex", "^a+$", "^(a"),
    ];

    #[test]
    fn a_format_is_asserted_where_the_revision_says_so_and_in_every_draft() {
        let drafts = [
            "https://json-schema.org/draft/2020-12/schema",
            "http://json-schema.org/draft-07/schema#",
        ];
        let mut wrong = Vec::new();
        for (format, fits, other) in FORMATS {
            for draft in drafts {
                let since_2019 = ["duration", "uuid"].contains(format);
                if since_2019 && draft.contains("draft-07") {
                    continue;
                }
                let schema = json!({"$schema": draft, "type": "string", "format": format});
                let accepts = |formats, text: &str| {
                    let schema = Schema::compile_with(&schema, formats).unwrap();
                    schema.violations("it", &json!(text)).is_empty()
                };
                let found = [
                    accepts(SchemaFormats::Assert, fits),
                    accepts(SchemaFormats::Assert, other),
                    accepts(SchemaFormats::Annotate, other),
                ];
                if found != [true, false, true] {
                    wrong.push(format!("{draft} {format} {found:?}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        let unknown = json!({"type": "string", "format": "colour"});
        let schema = Schema::compile_with(&unknown, SchemaFormats::Assert).unwrap();
        assert_eq!(schema.violations("it", &json!("x")), []);
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
    fn a_large_value_gives_one_violation_and_a_small_one_up_to_twenty() {
        let schema = json!({"type": "array", "items": {"anyOf": [
            {"type": "string"}, {"type": "object"}, {"type": "boolean"},
        ]}});
        let found = |count: usize| rules(&schema, &Value::from(vec![1; count]));
        assert_eq!(found(3).len(), 3);
        assert_eq!(found(ALL_ERRORS_NODES_MAX - 1).len(), VIOLATIONS_MAX);
        assert_eq!(found(ALL_ERRORS_NODES_MAX), [("/0".to_owned(), "anyOf".to_owned())]);
    }

    #[test]
    fn of_a_large_value_the_first_violation_that_counts_is_found() {
        let schema =
            json!({"type": "object", "required": ["a"], "additionalProperties": {"type": "array"}});
        let schema = Schema::compile(&schema).unwrap();
        let counts = |path: &str, rule: &str| !(rule == "required" && path.is_empty());
        let large = |b: Value| json!({"c": vec![1; ALL_ERRORS_NODES_MAX], "b": b});
        assert_eq!(schema.violations_if("parameters", &large(json!([])), counts), []);
        let found = schema.violations_if("parameters", &large(json!(1)), counts);
        assert_eq!(found.into_iter().map(|it| it.path).collect::<Vec<_>>(), ["/b"]);
    }

    #[test]
    fn a_name_and_a_list_of_choices_of_megabytes_are_cut_in_a_violation() {
        let long = "\u{e9}".repeat(1 << 20);
        let schema = json!({"type": "object", "additionalProperties": {"const": long}});
        let mut members = serde_json::Map::new();
        members.insert(long, json!(1));
        let found = Schema::compile(&schema).unwrap().violations("input_data", &members.into());
        assert!(found[0].path.len() <= TEXT_BYTES_MAX && found[0].path.ends_with("..."));
        assert!(found[0].message.len() <= TEXT_BYTES_MAX, "{}", found[0].message.len());
    }

    #[test]
    fn numbers_beyond_a_double_are_compared_exactly() {
        let schema = json!({"type": "integer", "maximum": 9_007_199_254_740_993_u64});
        assert_eq!(rules(&schema, &serde_json::from_str("9007199254740993").unwrap()), []);
        assert_eq!(rules(&schema, &serde_json::from_str("9007199254740994").unwrap()).len(), 1);
    }
}
