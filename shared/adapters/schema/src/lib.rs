//! Schemas of inputs, outputs, settings and parameters, in two dialects.
//!
//! * The *field map* of the policy registry: `{"ip": {"type": "string", "pattern": "..."}}`.
//! * JSON Schema 2020-12, or an earlier draft by its `$schema`.
//!
//! Both are compiled once. A `$ref` must stay within the document, and patterns run on an engine
//! that takes time linear in the text.
//!
//! A schema of a tenant may take any time, memory and stack, to compile and to apply: a chain of
//! references overflows the stack, branches over references double the work at each level. So this
//! crate runs in worker processes under a budget. In the platform's own process only schemas of the
//! platform itself may be compiled.

mod compiled_schemas;
mod dialect;
mod field_map;
mod validator;

pub use compiled_schemas::{CompiledSchemas, SCHEMA_LOCATIONS};
pub use validator::{Schema, SchemaError, TEXT_BYTES_MAX, VIOLATIONS_MAX};

/// Compiles a small schema, so that what the library builds at its first use exists already, and is
/// shared by every process that is forked afterwards.
pub fn warm() {
    let schema = serde_json::json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object", "properties": {"a": {"type": "string", "pattern": "^[a-z]+$"}},
    });
    if let Ok(schema) = Schema::compile(&schema) {
        drop(schema.violations("", &serde_json::json!({"a": "1"})));
    }
}
