//! The stacks of functions, one for each resource, and the root that holds all stacks.

use serde_json::json;

use crate::fill::fill;
use crate::{Document, Function, InfraError, extras, identifier, statements, timer_statements};

const TEMPLATE: &str = include_str!("snippets/template.yaml");
const RESOURCE: &str = include_str!("snippets/resource.yaml");
const STACK: &str = include_str!("snippets/stack.yaml");
const FUNCTION: &str = include_str!("snippets/function.yaml");

/// What only stacks with a reserved function have.
const RESERVED_CONDITION: &str = "  Reserved: !Equals [!Ref ReserveConcurrency, 'true']\n";

pub(crate) fn documents(functions: &[Function]) -> Result<Vec<Document>, InfraError> {
    let mut resources: Vec<&str> = Vec::new();
    for function in functions {
        if !resources.contains(&function.resource) {
            resources.push(function.resource);
        }
    }
    let (mut documents, mut stacks) = (Vec::new(), String::new());
    for resource in resources {
        let own: Vec<&Function> =
            functions.iter().filter(|function| function.resource == resource).collect();
        let path = format!("infra/stacks/{resource}.yaml").into();
        documents.push(Document { path, text: stack(resource, &own)? });
        if !stacks.is_empty() {
            stacks.push('\n');
        }
        stacks.push_str(&fill(
            RESOURCE,
            &[
                ("id", &identifier(resource)),
                ("resource", resource),
                ("arguments", &extras::arguments(&own)),
            ],
        )?);
    }
    let text = fill(TEMPLATE, &[("resources", &stacks)])?;
    documents.push(Document { path: "infra/template.yaml".into(), text });
    Ok(documents)
}

fn only_if(condition: bool, text: &str) -> &str {
    if condition { text } else { "" }
}

fn stack(resource: &str, functions: &[&Function]) -> Result<String, InfraError> {
    let is_reserved = functions.iter().any(|function| function.size.reserved.is_some());
    let resources =
        functions.iter().map(|function| resources_of(function)).collect::<Result<Vec<_>, _>>()?;
    fill(
        STACK,
        &[
            ("resource", resource),
            ("parameters", &extras::parameters(functions)),
            ("reserved_condition", only_if(is_reserved, RESERVED_CONDITION)),
            ("functions", &resources.join("\n")),
        ],
    )
}

fn resources_of(function: &Function) -> Result<String, InfraError> {
    let Function { spec, binary, size, needs, .. } = function;
    let grants = needs.grants();
    let allowed = statements(&grants) + &timer_statements(&grants, "FireGroup");
    let reserved = size.reserved.map(|count| {
        format!("      ReservedConcurrentExecutions: !If [Reserved, {count}, !Ref AWS::NoValue]\n")
    });
    fill(
        FUNCTION,
        &[
            ("id", &identifier(spec.name)),
            ("route", spec.name),
            ("route_key", &function.route_key()),
            ("source", &format!("{}{}", spec.method, any_segment(spec.path))),
            ("function", &function.name()),
            // JSON's strings are YAML's, whatever they hold.
            ("summary", &json!(spec.summary).to_string()),
            ("binary", binary),
            ("memory_mb", &size.memory_mb.to_string()),
            ("timeout_s", &size.timeout_s.to_string()),
            ("p99_ms", &size.p99_ms.to_string()),
            ("reserved", reserved.as_deref().unwrap_or_default()),
            ("variables", &extras::variables(function)),
            ("statements", &allowed),
        ],
    )
}

/// The path with `*` for each parameter, as permissions name it.
fn any_segment(path: &str) -> String {
    let segment = |segment: &str| if segment.starts_with('{') { "*" } else { segment }.to_owned();
    path.split('/').map(segment).collect::<Vec<_>>().join("/")
}
