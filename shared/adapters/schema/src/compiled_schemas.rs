//! All schemas of one policy, compiled.

use std::collections::BTreeMap;

use serde_json::Value;
use writ_model::run::{Call, Document, DocumentKind, Failure, Method, SchemaFormats, Schemas};
use writ_model::{RawJson, Violation};

use crate::{Schema, VIOLATIONS_MAX};

const COMMANDS: &str = "/management_commands_schema";
const INPUT: &str = "/policy_input_schema";
const OUTPUT: &str = "/policy_output_schema";
const SETTINGS: &str = "/policy_settings_schema";
const PARAMETERS: &str = "/policy_parameters_schema";

/// The members of a policy that hold schemas, as JSON Pointers.
pub const SCHEMA_LOCATIONS: [&str; 5] = [COMMANDS, INPUT, OUTPUT, SETTINGS, PARAMETERS];

/// The schemas of one policy, ready to be applied.
#[derive(Debug)]
pub struct CompiledSchemas {
    input: Schema,
    output: Schema,
    settings: Schema,
    parameters: Schema,
    commands: BTreeMap<String, Schema>,
}

impl CompiledSchemas {
    /// Compiles all schemas. `before` is called with the location of each one, of
    /// [`SCHEMA_LOCATIONS`], before it is compiled: if the process does not survive, it is known which
    /// schema was at fault.
    ///
    /// # Errors
    /// [`Failure::Schema`] for the first schema that does not compile.
    pub fn compile(
        schemas: &Schemas,
        mut before: impl FnMut(&'static str),
    ) -> Result<Self, Failure> {
        let formats = schemas.formats;
        let mut commands = BTreeMap::new();
        if !schemas.commands.is_empty() {
            before(COMMANDS);
        }
        for (index, command) in schemas.commands.iter().enumerate() {
            let schema =
                compile(&command.schema, formats, || format!("{COMMANDS}/{index}/schema"))?;
            commands.insert(command.name.clone(), schema);
        }
        let mut compile_field = |location: &'static str, schema: &RawJson| {
            if *schema != RawJson::null() {
                before(location);
            }
            compile(schema, formats, || location.to_owned())
        };
        Ok(Self {
            commands,
            input: compile_field(INPUT, &schemas.input)?,
            output: compile_field(OUTPUT, &schemas.output)?,
            settings: compile_field(SETTINGS, &schemas.settings)?,
            parameters: compile_field(PARAMETERS, &schemas.parameters)?,
        })
    }

    /// Validates a run's input, or the argument of its command, and its parameters.
    ///
    /// # Errors
    /// [`Failure::InvalidInput`] with the violations.
    pub fn check_call(&self, call: &Call) -> Result<(), Failure> {
        let mut violations = match &call.method {
            Method::Eval { input_data } => violations(&self.input, "input_data", input_data),
            Method::Management { action, data } => {
                let schema = self.commands.get(action);
                schema.map(|schema| violations(schema, "mgmt_data", data)).unwrap_or_default()
            }
        };
        violations.extend(self::violations(&self.parameters, "parameters", &call.parameters));
        refuse(violations, Failure::InvalidInput)
    }

    /// Validates what the call has returned. The output of a management command has no schema.
    ///
    /// # Errors
    /// [`Failure::InvalidOutput`] with the violations.
    pub fn check_output(&self, call: &Call, output: &RawJson) -> Result<(), Failure> {
        match call.method {
            Method::Management { .. } => Ok(()),
            Method::Eval { .. } => {
                refuse(violations(&self.output, "output", output), Failure::InvalidOutput)
            }
        }
    }

    /// Validates values without a run. `before` is called as [`CompiledSchemas::compile`] calls it.
    ///
    /// # Errors
    /// [`Failure::InvalidInput`] with the violations.
    pub fn check_documents(
        &self,
        documents: &[Document],
        mut before: impl FnMut(&'static str),
    ) -> Result<(), Failure> {
        let violations = documents.iter().flat_map(|Document { subject, kind, value }| {
            let (location, schema) = match kind {
                DocumentKind::Input => (INPUT, &self.input),
                DocumentKind::Parameters | DocumentKind::StoredParameters => {
                    (PARAMETERS, &self.parameters)
                }
                DocumentKind::StoredSettings => (SETTINGS, &self.settings),
            };
            if !schema.accepts_all() {
                before(location);
            }
            match kind {
                DocumentKind::StoredParameters => stored_violations(schema, subject, value),
                _ => violations(schema, subject, value),
            }
        });
        refuse(violations.collect(), Failure::InvalidInput)
    }
}

fn compile(
    schema: &RawJson,
    formats: SchemaFormats,
    location: impl FnOnce() -> String,
) -> Result<Schema, Failure> {
    Schema::compile_with(&schema.value(), formats).map_err(|error| Failure::Schema {
        location: format!("{}{}", location(), error.path()),
        message: error.to_string(),
    })
}

fn refuse(
    mut violations: Vec<Violation>,
    failure: impl FnOnce(Vec<Violation>) -> Failure,
) -> Result<(), Failure> {
    violations.truncate(2 * VIOLATIONS_MAX);
    if violations.is_empty() { Ok(()) } else { Err(failure(violations)) }
}

fn violations(schema: &Schema, subject: &str, value: &RawJson) -> Vec<Violation> {
    match schema.accepts_all() {
        true => Vec::new(),
        false => schema.violations(subject, &value.value()),
    }
}

/// The violations of parameters that are stored with a policy.
fn stored_violations(schema: &Schema, subject: &str, value: &RawJson) -> Vec<Violation> {
    // The caller overrides whole members, so it can only send one that is missing at the top.
    let counts = |path: &str, rule: &str| !(rule == "required" && path.is_empty());
    let value = match value.value() {
        object @ Value::Object(_) => object,
        _ => Value::Object(serde_json::Map::new()),
    };
    schema.violations_if(subject, &value, counts)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use writ_model::run::CommandSchema;

    use super::*;

    fn raw(value: &Value) -> RawJson {
        RawJson::of(value)
    }

    fn compiled(schemas: &Schemas) -> CompiledSchemas {
        CompiledSchemas::compile(schemas, |_| {}).unwrap()
    }

    fn subjects(result: Result<(), Failure>) -> Vec<String> {
        let violations = match result {
            Ok(()) => Vec::new(),
            Err(Failure::InvalidInput(violations) | Failure::InvalidOutput(violations)) => {
                violations
            }
            Err(other) => panic!("{other}"),
        };
        violations.into_iter().map(|one| format!("{}{}", one.subject, one.path)).collect()
    }

    fn call(method: Method, parameters: &Value) -> Call {
        Call {
            rule_id: "a:1-x".to_owned(),
            settings: RawJson::null(),
            parameters: raw(parameters),
            method,
            now_ms: 0,
            seed: 0,
            context: None,
            coverage: false,
        }
    }

    #[test]
    fn a_stored_parameter_may_be_the_callers_to_send_but_not_wrong() {
        let check = |schema: &Value, stored: &Value| {
            let schemas = Schemas { parameters: raw(schema), ..Schemas::default() };
            let kind = DocumentKind::StoredParameters;
            let document = Document { subject: "p".to_owned(), kind, value: raw(stored) };
            subjects(compiled(&schemas).check_documents(&[document], |_| {}))
        };
        let schema = json!({"a": {"type": "string", "required": true}});
        assert_eq!(check(&schema, &json!({})), [""; 0]);
        assert_eq!(check(&schema, &json!(null)), [""; 0]);
        assert_eq!(check(&schema, &json!({"a": 1})), ["p/a"]);
        let nested = json!({"a": {"type": "object", "properties": {"b": {"required": true}}}});
        assert_eq!(check(&nested, &json!({"a": {}})), ["p/a"]);
    }

    #[test]
    fn each_value_of_a_call_meets_its_own_schema() {
        let integer = |name: &str| raw(&json!({name: {"type": "integer", "required": true}}));
        let schemas = Schemas {
            input: integer("i"),
            output: integer("o"),
            parameters: integer("p"),
            commands: vec![CommandSchema { name: "set".to_owned(), schema: integer("c") }],
            ..Schemas::default()
        };
        let schemas = compiled(&schemas);
        let eval = |input| Method::Eval { input_data: raw(&input) };
        let set = |data| Method::Management { action: "set".to_owned(), data: raw(&data) };
        let check = |method, parameters| subjects(schemas.check_call(&call(method, &parameters)));
        assert_eq!(check(eval(json!({"i": 1})), json!({"p": 1})), [""; 0]);
        assert_eq!(
            check(eval(json!({"i": "x"})), json!({"p": "x"})),
            ["input_data/i", "parameters/p"]
        );
        assert_eq!(check(set(json!({"c": 1})), json!({"p": 1})), [""; 0]);
        assert_eq!(check(set(json!({"i": 1})), json!({"p": 1})), ["mgmt_data"]);
        let output = |method| {
            subjects(schemas.check_output(&call(method, &json!({})), &raw(&json!({"o": "x"}))))
        };
        assert_eq!(output(eval(json!({}))), ["output/o"]);
        assert_eq!(output(set(json!({}))), [""; 0]);
    }

    #[test]
    fn a_schema_that_does_not_compile_is_named_with_its_place_in_the_policy() {
        let wrong = raw(&json!({"a": {"type": "text"}}));
        let command = CommandSchema { name: "b".to_owned(), schema: wrong.clone() };
        let cases = [
            (Schemas { input: wrong.clone(), ..Schemas::default() }, "/policy_input_schema/a/type"),
            (
                Schemas { output: wrong.clone(), ..Schemas::default() },
                "/policy_output_schema/a/type",
            ),
            (
                Schemas { settings: wrong.clone(), ..Schemas::default() },
                "/policy_settings_schema/a/type",
            ),
            (
                Schemas { parameters: wrong, ..Schemas::default() },
                "/policy_parameters_schema/a/type",
            ),
            (
                Schemas { commands: vec![command], ..Schemas::default() },
                "/management_commands_schema/0/schema/a/type",
            ),
        ];
        for (schemas, expected) in cases {
            let mut begun = Vec::new();
            let failure = CompiledSchemas::compile(&schemas, |location| begun.push(location));
            let Err(Failure::Schema { location, .. }) = failure else { panic!("{failure:?}") };
            assert_eq!(location, expected);
            assert!(
                expected.starts_with(begun[0]) && SCHEMA_LOCATIONS.contains(&begun[0]),
                "{begun:?}"
            );
        }
    }

    #[test]
    fn a_format_is_checked_where_the_policy_says_so() {
        let of = |formats| Schemas {
            input: raw(&json!({"type": "string", "format": "ipv4"})),
            formats,
            ..Schemas::default()
        };
        let eval = Method::Eval { input_data: raw(&json!("10.0.0.256")) };
        let check =
            |formats| subjects(compiled(&of(formats)).check_call(&call(eval.clone(), &json!({}))));
        assert_eq!(check(SchemaFormats::Annotate), [""; 0]);
        assert_eq!(check(SchemaFormats::Assert), ["input_data"]);
    }
}
