//! The OpenAPI 3.1 document, made of the route table and of the schemas in `components.json`.

mod operation;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::RouteSpec;

/// Schemas and sentences; the code adds what the route table knows.
const COMPONENTS: &str = include_str!("components.json");
const REF: &str = "#/components/schemas/";

/// The document of these routes. Equal tables give equal documents, to the byte.
#[must_use]
pub fn openapi(specs: &[RouteSpec]) -> Value {
    let parts = Parts::read();
    let mut paths = Map::new();
    for spec in specs {
        let path = paths.entry(spec.path).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(path) = path {
            path.insert(spec.method.as_str().to_lowercase(), operation::of(spec, &parts));
        }
    }
    let responses: Map<String, Value> = operation::ERROR_STATUSES
        .iter()
        .map(|status| (operation::name_of(*status), operation::failure(*status)))
        .collect();
    let mut document = json!({
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "Writ",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Registers policies and runs them.",
            "description": "A policy is a small program with typed inputs: registered once, under one URI, checked, run within its limits, recorded.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        // An empty requirement: the local admin needs no token.
        "security": [{ "bearer": [] }, {}],
        "tags": parts.tags_of(specs),
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A token, as `writ token create` prints it. Processes of the server's own user on its machine need none, unless it listens beyond loopback or was started with `--require-token`.",
                },
            },
            "responses": responses,
        },
    });
    let schemas = parts.reached_from(&document);
    if let Some(Value::Object(components)) = document.get_mut("components") {
        components.insert("schemas".to_owned(), Value::Object(schemas));
    }
    document
}

/// [`openapi`], indented, with a line feed at its end: what `docs/openapi.json` holds.
#[must_use]
pub fn openapi_text(specs: &[RouteSpec]) -> String {
    format!("{:#}\n", openapi(specs))
}

/// What the table names and no component defines, as `Schema of policy.create`; a test over the
/// whole table finds nothing.
#[must_use]
pub fn undefined_names(specs: &[RouteSpec]) -> Vec<String> {
    let parts = Parts::read();
    let mut undefined = Vec::new();
    for spec in specs {
        let of = |name: &str| format!("{name} of {}", spec.name);
        for schema in spec.body.into_iter().chain([operation::schema_of(spec.data)]) {
            if !parts.schemas.contains_key(schema) {
                undefined.push(of(schema));
            }
        }
        for param in spec.params {
            if !parts.parameters.contains_key(param.name) {
                undefined.push(of(param.name));
            }
        }
        for name in operation::segments_of(spec.path) {
            if !parts.path_parameters.contains_key(name) {
                undefined.push(of(&format!("{{{name}}}")));
            }
        }
        if !parts.tags.contains_key(operation::tag_of(spec)) {
            undefined.push(of(operation::tag_of(spec)));
        }
    }
    undefined
}

/// The contents of `components.json`.
struct Parts {
    tags: Map<String, Value>,
    path_parameters: Map<String, Value>,
    /// Schemas of query parameters and headers.
    parameters: Map<String, Value>,
    schemas: Map<String, Value>,
}

impl Parts {
    fn read() -> Self {
        // INVARIANT: the file is part of the program, and a test reads it.
        let mut all: Value = serde_json::from_str(COMPONENTS).unwrap_or_default();
        let mut part = |name: &str| match all.get_mut(name).map(Value::take) {
            Some(Value::Object(part)) => part,
            _ => Map::new(),
        };
        let schemas = part("schemas");
        Self {
            tags: part("tags"),
            path_parameters: part("path_parameters"),
            parameters: part("parameters"),
            schemas: with_projections(schemas),
        }
    }

    fn tags_of(&self, specs: &[RouteSpec]) -> Vec<Value> {
        let mut seen = BTreeSet::new();
        let tags = specs.iter().map(operation::tag_of).filter(|tag| seen.insert(*tag));
        tags.map(|tag| match self.tags.get(tag) {
            Some(description) => json!({ "name": tag, "description": description }),
            None => json!({ "name": tag }),
        })
        .collect()
    }

    /// The schemas that a document refers to, directly or through others, in the file's order.
    fn reached_from(&self, document: &Value) -> Map<String, Value> {
        let mut reached = BTreeSet::new();
        let mut waiting = Vec::new();
        collect_references(document, &mut waiting);
        while let Some(name) = waiting.pop() {
            if let Some(schema) = self.schemas.get(&name)
                && reached.insert(name)
            {
                collect_references(schema, &mut waiting);
            }
        }
        let kept = self.schemas.iter().filter(|(name, _)| reached.contains(*name));
        kept.map(|(name, schema)| {
            let mut schema = schema.clone();
            if let Value::Object(members) = &mut schema {
                members.shift_remove(operation::BESIDE_DATA);
                members.shift_remove(operation::MAYBE_BESIDE_DATA);
            }
            (name.clone(), schema)
        })
        .collect()
    }
}

/// The schemas, each followed by the one of its projections where that is another one: no member of
/// an object is required, at any depth.
fn with_projections(schemas: Map<String, Value>) -> Map<String, Value> {
    let mut requiring: BTreeSet<String> = schemas
        .iter()
        .filter(|(_, schema)| requires(schema))
        .map(|(name, _)| name.clone())
        .collect();
    loop {
        let refers = |schema: &Value| {
            let mut names = Vec::new();
            collect_references(schema, &mut names);
            names.iter().any(|name| requiring.contains(name))
        };
        let more: Vec<_> = schemas
            .iter()
            .filter(|(name, schema)| !requiring.contains(*name) && refers(schema))
            .map(|(name, _)| name.clone())
            .collect();
        if more.is_empty() {
            break;
        }
        requiring.extend(more);
    }
    let mut all = Map::new();
    for (name, schema) in schemas {
        if requiring.contains(&name) {
            let mut projected = schema.clone();
            project(&mut projected, &requiring);
            if let Value::Object(members) = &mut projected {
                let description = format!(
                    "The members of `{name}` that `projection` keeps; all of them without it."
                );
                members.insert("description".to_owned(), description.into());
                members.shift_remove("examples");
            }
            all.insert(name.clone(), schema);
            all.insert(format!("{name}{}", operation::PROJECTED), projected);
        } else {
            all.insert(name, schema);
        }
    }
    all
}

/// Whether a schema requires members, itself or in what it is made of.
fn requires(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => {
            members.get("required").is_some_and(Value::is_array) || members.values().any(requires)
        }
        Value::Array(elements) => elements.iter().any(requires),
        _ => false,
    }
}

/// Removes what a schema requires, and refers to the projections of `requiring`.
fn project(schema: &mut Value, requiring: &BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            // A member of that name is described by an object.
            if members.get("required").is_some_and(Value::is_array) {
                members.shift_remove("required");
            }
            if let Some(Value::String(reference)) = members.get_mut("$ref")
                && reference.strip_prefix(REF).is_some_and(|name| requiring.contains(name))
            {
                reference.push_str(operation::PROJECTED);
            }
            members.values_mut().for_each(|member| project(member, requiring));
        }
        Value::Array(elements) => {
            elements.iter_mut().for_each(|element| project(element, requiring));
        }
        _ => {}
    }
}

fn collect_references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            let name =
                members.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix(REF));
            found.extend(name.map(str::to_owned));
            members.values().for_each(|member| collect_references(member, found));
        }
        Value::Array(elements) => {
            elements.iter().for_each(|element| collect_references(element, found))
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
