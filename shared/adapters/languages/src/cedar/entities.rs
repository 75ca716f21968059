//! Entities from several documents; a later one replaces an earlier one with the same UID.

use std::collections::HashMap;

use cedar_policy::entities_errors::EntitiesError;
use cedar_policy::ffi::DetailedError;
use cedar_policy::{Entities, Entity, Schema};
use serde_json::{Value, json};

use super::{diagnose, json_fast_path, reference};
use crate::Failure;

const KIND: &str = "cedar.entities";

/// The entities of the schema, which are its actions.
pub(super) fn schema_entities(schema: Option<&Schema>) -> Result<Entities, Failure> {
    match schema {
        None => Ok(Entities::empty()),
        Some(schema) => schema.action_entities().map_err(|error| {
            diagnose::policy_error(KIND, diagnose::message_with_help(DetailedError::from(&error)))
        }),
    }
}

/// Adds the entities of the document `name`; each replaces one with the same UID.
///
/// # Errors
/// The first entity that cannot be parsed, or a cycle of parents.
pub(super) fn add(
    entities: Entities,
    list: &Value,
    name: &str,
    schema: Option<&Schema>,
) -> Result<Entities, Failure> {
    let Value::Array(list) = list else {
        return Err(diagnose::policy_error(KIND, format!("`{name}` is no list of entities")));
    };
    let mut uids = HashMap::with_capacity(list.len());
    let mut parsed = Vec::with_capacity(list.len());
    for (index, value) in list.iter().enumerate() {
        let error_at =
            |message: String| diagnose::policy_error(KIND, format!("`{name}[{index}]`: {message}"));
        check_numbers(value).map_err(&error_at)?;
        let entity = if schema.is_none() { json_fast_path::entity(value) } else { None };
        let entity = match entity {
            Some(entity) => entity,
            None => Entity::from_json_value(with_references(value), schema).map_err(|error| {
                error_at(diagnose::message_with_help(DetailedError::from(&error)))
            })?,
        };
        match uids.get(&entity.uid()) {
            None => {
                uids.insert(entity.uid(), value);
                parsed.push(entity);
            }
            // As in Cedar, the same entity may be written twice.
            Some(earlier) if *earlier == value => {}
            Some(_) => return Err(error_at(format!("the list has `{}` twice", entity.uid()))),
        }
    }
    entities.upsert_entities(parsed, schema).map_err(|error| {
        let message = match &error {
            // Which of them Cedar finds first depends on hash order.
            EntitiesError::TransitiveClosureError(_) => {
                "the parents of the entities go in a circle".to_owned()
            }
            _ => diagnose::message_with_help(DetailedError::from(&error)),
        };
        diagnose::policy_error(KIND, format!("`{name}`: {message}"))
    })
}

/// The entity with the references in `uid` and `parents` that are texts, as `User::"alice"`, written
/// as objects, which is the only notation that Cedar reads there.
fn with_references(entity: &Value) -> Value {
    let object = |reference: &mut Value| {
        if reference.is_string()
            && let Ok(uid) = reference::parse(reference)
        {
            *reference = json!({
                "type": uid.type_name().to_string(), "id": AsRef::<str>::as_ref(uid.id()),
            });
        }
    };
    let mut entity = entity.clone();
    if let Some(uid) = entity.get_mut("uid") {
        object(uid);
    }
    if let Some(Value::Array(parents)) = entity.get_mut("parents") {
        parents.iter_mut().for_each(object);
    }
    entity
}

/// Refuses a number that is no 64-bit integer, since Cedar has no other; the message has its path.
pub(super) fn check_numbers(value: &Value) -> Result<(), String> {
    fn find(value: &Value, path: &mut Vec<String>) -> Option<String> {
        match value {
            Value::Number(number) if number.as_i64().is_none() => Some(number.to_string()),
            Value::Array(items) => items.iter().enumerate().find_map(|(index, item)| {
                find(item, path).inspect(|_| path.push(format!("[{index}]")))
            }),
            Value::Object(members) => members.iter().find_map(|(name, item)| {
                find(item, path).inspect(|_| path.push(format!(".{name}")))
            }),
            _ => None,
        }
    }

    let mut path = Vec::new();
    match find(value, &mut path) {
        None => Ok(()),
        Some(number) => {
            path.reverse();
            let path = path.concat();
            Err(format!(
                "`{}` is {number}, and cedar has only integers of 64 bits: write `{{\"__extn\": {{\"fn\": \"decimal\", \"arg\": \"1.5\"}}}}` or a string",
                path.trim_start_matches('.')
            ))
        }
    }
}
