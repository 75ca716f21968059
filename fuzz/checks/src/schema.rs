//! A schema and a value as JSON, one per line.

use serde_json::Value;
use writ_schema::Schema;

/// Compiles the schema and validates the value, twice.
///
/// # Panics
/// When a promise is broken: the bytes are a finding.
pub fn check(data: &[u8]) {
    let mut lines = data.splitn(2, |byte| *byte == b'\n').map(serde_json::from_slice::<Value>);
    let Some(Ok(document)) = lines.next() else { return };
    let value = lines.next().and_then(Result::ok).unwrap_or_default();
    let schema = match Schema::compile(&document) {
        Ok(schema) => schema,
        Err(error) => {
            assert!(!error.to_string().is_empty(), "a refusal says why");
            return;
        }
    };
    let violations = schema.violations("input", &value);
    let again = Schema::compile(&document).map(|schema| schema.violations("input", &value));
    assert_eq!(again.ok().as_ref(), Some(&violations), "a schema means one thing");
    for violation in &violations {
        let place = violation.path.as_str();
        assert!(place.is_empty() || place.starts_with('/'), "a path is a JSON Pointer: {place}");
    }
}
