//! The authorization request, which is the input of a run.

use cedar_policy::ffi::DetailedError;
use cedar_policy::{Context, EntityUid, Request, Schema};
use serde_json::{Map, Value};
use writ_model::RawJson;

use super::{diagnose, entities, json_fast_path, reference};
use crate::Failure;

const KIND: &str = "cedar.request";
const MEMBERS: [&str; 5] = ["principal", "action", "resource", "context", "entities"];

/// A request, and the entities of the same input.
pub(super) struct ParsedRequest {
    pub(super) request: Request,
    pub(super) entities: Option<Value>,
}

/// Parses the input; with a schema, the request must conform to it.
pub(super) fn parse(input: &RawJson, schema: Option<&Schema>) -> Result<ParsedRequest, Failure> {
    let Value::Object(mut members) = input.value() else {
        return Err(diagnose::policy_error(
            KIND,
            "the input is an object of `principal`, `action`, `resource` and, where there are any, `context` and `entities`",
        ));
    };
    if let Some(unknown) = members.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        let message = format!(
            "a request has no `{unknown}`; it has `principal`, `action`, `resource`, `context`, `entities`"
        );
        return Err(diagnose::policy_error(KIND, message));
    }
    let principal = entity(&members, "principal")?;
    let action = entity(&members, "action")?;
    let resource = entity(&members, "resource")?;
    let context = context(members.remove("context"), schema, &action)?;
    let request = Request::new(principal, action, resource, context, schema).map_err(|error| {
        let message = diagnose::message_with_help(DetailedError::from(&error));
        diagnose::policy_error(KIND, format!("the input does not fit the schema: {message}"))
    })?;
    Ok(ParsedRequest { request, entities: members.remove("entities") })
}

fn entity(members: &Map<String, Value>, name: &str) -> Result<EntityUid, Failure> {
    let Some(value) = members.get(name) else {
        return Err(diagnose::policy_error(KIND, format!("the input has no `{name}`")));
    };
    reference::parse(value)
        .map_err(|problem| diagnose::policy_error(KIND, format!("`input.{name}`: {problem}")))
}

fn context(
    context: Option<Value>,
    schema: Option<&Schema>,
    action: &EntityUid,
) -> Result<Context, Failure> {
    let wrong =
        |message: String| diagnose::policy_error(KIND, format!("`input.context`: {message}"));
    let context = match context {
        None => Value::Object(Map::new()),
        Some(context @ Value::Object(_)) => context,
        Some(_) => return Err(wrong("a context is an object".to_owned())),
    };
    entities::check_numbers(&context).map_err(&wrong)?;
    let members = context.as_object().filter(|_| schema.is_none()).and_then(json_fast_path::record);
    if let Some(context) = members.and_then(|members| Context::from_pairs(members).ok()) {
        return Ok(context);
    }
    Context::from_json_value(context, schema.map(|schema| (schema, action)))
        .map_err(|error| wrong(diagnose::message_with_help(DetailedError::from(&error))))
}
