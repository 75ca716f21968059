//! The schema of a policy: Cedar's schema syntax, or its JSON form.

use cedar_policy::Schema;
use cedar_policy::ffi::DetailedError;
use serde_json::Value;
use writ_model::Diagnostic;

use super::diagnose;
use crate::nesting::{self, Dialect};

/// The longest schema text, in bytes.
const SCHEMA_BYTES_MAX: usize = 1 << 20;

/// Parses `functionality_data.schema`. Returns it with Cedar's warnings.
pub(super) fn parse(schema: &Value) -> Result<(Schema, Vec<Diagnostic>), Vec<Diagnostic>> {
    match schema {
        Value::String(text) => of_text(text).map_err(|problem| vec![problem]),
        Value::Object(_) => match Schema::from_json_value(schema.clone()) {
            Ok(schema) => Ok((schema, Vec::new())),
            Err(error) => Err(vec![diagnose::in_schema(DetailedError::from(&error), "")]),
        },
        _ => Err(vec![
            Diagnostic::error(
                "cedar.schema",
                "`functionality_data.schema` is neither a text nor an object",
            )
            .help("write Cedar's schema as a string, or its JSON form as an object"),
        ]),
    }
}

fn of_text(text: &str) -> Result<(Schema, Vec<Diagnostic>), Diagnostic> {
    if text.len() > SCHEMA_BYTES_MAX {
        let message = format!("the schema has {} bytes, more than {SCHEMA_BYTES_MAX}", text.len());
        return Err(Diagnostic::error("cedar.too-large", message));
    }
    nesting::check(text, Dialect::Cedar).map_err(|deep| {
        let (line, column) = nesting::line_column(text, deep.offset);
        let message = format!("{} (line {line}, column {column} of the schema)", deep.message);
        Diagnostic::error("cedar.too-deep", message)
    })?;
    let (schema, warnings) = Schema::from_cedarschema_str(text)
        .map_err(|error| diagnose::in_schema(DetailedError::from(&error), text))?;
    let warnings =
        warnings.map(|warning| Diagnostic::warning("cedar.schema", warning.to_string())).collect();
    Ok((schema, warnings))
}
