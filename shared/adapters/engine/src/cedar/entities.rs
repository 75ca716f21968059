//! Entities from several documents, later ones in the place of earlier ones of the same name.

use std::collections::HashSet;

use cedar_policy::entities_errors::EntitiesError;
use cedar_policy::ffi::DetailedError;
use cedar_policy::{Entities, Entity, Schema};
use serde_json::Value;

use super::{diagnose, json_fast_path};
use crate::Failure;

const KIND: &str = "cedar.entities";

/// The entities that exist before any document: the actions of the schema.
pub(super) fn known_to(schema: Option<&Schema>) -> Result<Entities, Failure> {
    match schema {
        None => Ok(Entities::empty()),
        Some(schema) => schema
            .action_entities()
            .map_err(|error| diagnose::raised(KIND, diagnose::words(DetailedError::from(&error)))),
    }
}

/// Adds the entities of one document, `name` says which; each replaces the one of its name.
pub(super) fn add(
    known: Entities,
    list: &Value,
    name: &str,
    schema: Option<&Schema>,
) -> Result<Entities, Failure> {
    let Value::Array(list) = list else {
        return Err(diagnose::raised(KIND, format!("`{name}` is no list of entities")));
    };
    let mut uids = HashSet::with_capacity(list.len());
    let mut read = Vec::with_capacity(list.len());
    for (index, value) in list.iter().enumerate() {
        let wrong =
            |message: String| diagnose::raised(KIND, format!("`{name}[{index}]`: {message}"));
        numbers(value).map_err(&wrong)?;
        let entity = if schema.is_none() { json_fast_path::entity(value) } else { None };
        let entity = match entity {
            Some(entity) => entity,
            None => Entity::from_json_value(value.clone(), schema)
                .map_err(|error| wrong(diagnose::words(DetailedError::from(&error))))?,
        };
        if !uids.insert(entity.uid()) {
            return Err(wrong(format!("the list has `{}` twice", entity.uid())));
        }
        read.push(entity);
    }
    known.upsert_entities(read, schema).map_err(|error| {
        let message = match &error {
            // Which of them Cedar finds first is chance.
            EntitiesError::TransitiveClosureError(_) => {
                "the parents of the entities go in a circle".to_owned()
            }
            _ => diagnose::words(DetailedError::from(&error)),
        };
        diagnose::raised(KIND, format!("`{name}`: {message}"))
    })
}

/// Refuses a number that is no 64-bit integer, which Cedar has not, at its place.
pub(super) fn numbers(value: &Value) -> Result<(), String> {
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
