//! The management commands that a policy declares.

use std::collections::HashSet;

use serde_json::Value;
use writ_model::run::CommandSchema;
use writ_model::{Error, ErrorKind, PolicyRule, RawJson};

/// Names that an error lists at most.
const LISTED_MAX: usize = 20;

/// The commands that a policy declares in `management_commands_schema`, in its order. Their schemas are
/// not compiled: that is a worker's work.
///
/// # Errors
/// A command without a name, a name that is there twice, a schema that is none.
pub(crate) fn commands(policy: &PolicyRule) -> Result<Vec<CommandSchema>, Error> {
    let field = "management_commands_schema";
    let Value::Array(declared) = policy.management_commands_schema.value() else {
        return Ok(Vec::new());
    };
    let mut names = HashSet::new();
    let mut commands = Vec::with_capacity(declared.len());
    for (index, command) in declared.iter().enumerate() {
        let Some(name) = command.get("name").and_then(Value::as_str) else {
            let message = "a management command is an object with a `name`";
            return Err(Error::invalid(message).at(format!("/{field}/{index}")));
        };
        if !names.insert(name) {
            let message = format!("the management command `{name}` is given twice");
            return Err(Error::invalid(message).at(format!("/{field}/{index}/name")));
        }
        let schema = command.get("schema").filter(|schema| **schema != Value::Array(vec![]));
        let schema = schema.unwrap_or(&Value::Null);
        if !(schema.is_null() || schema.is_object()) {
            let message = "the schema does not compile: a schema is a JSON object";
            return Err(Error::invalid(message).at(format!("/{field}/{index}/schema")));
        }
        commands.push(CommandSchema { name: name.to_owned(), schema: RawJson::of(schema) });
    }
    Ok(commands)
}

/// Refuses a command that is not declared.
///
/// # Errors
/// [`ErrorKind::NotFound`] with the commands that there are.
pub(crate) fn refuse_unknown(commands: &[CommandSchema], action: &str) -> Result<(), Error> {
    if commands.iter().any(|command| command.name == action) {
        return Ok(());
    }
    let listed = commands.iter().take(LISTED_MAX).map(|command| format!("`{}`", command.name));
    let listed = listed.collect::<Vec<_>>().join(", ");
    let known = match commands.len().saturating_sub(LISTED_MAX) {
        _ if listed.is_empty() => "its `management_commands_schema` declares none".to_owned(),
        0 => format!("there are {listed}"),
        more => format!("there are {listed} and {more} more"),
    };
    let message = format!("the policy has no management command `{action}`; {known}");
    Err(Error::new(ErrorKind::NotFound, message).at("/mgmt_action"))
}
