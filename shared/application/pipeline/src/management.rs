//! The management commands that a policy declares.

use serde_json::Value;
use writ_model::schema::Schema;
use writ_model::{Error, ErrorKind, PolicyRule};

/// The commands that a policy declares in `management_commands_schema`, in its order.
#[derive(Debug, Default)]
pub(crate) struct Commands(Vec<(String, Schema)>);

impl Commands {
    /// Compiles the schemas of all commands.
    ///
    /// # Errors
    /// A command without a name, a name that is there twice, a schema that does not compile.
    pub(crate) fn of(policy: &PolicyRule) -> Result<Self, Error> {
        let field = "management_commands_schema";
        let Value::Array(declared) = policy.management_commands_schema.value() else {
            return Ok(Self::default());
        };
        let mut commands: Vec<(String, Schema)> = Vec::new();
        for (index, command) in declared.iter().enumerate() {
            let Some(name) = command.get("name").and_then(Value::as_str) else {
                let message = "a management command is an object with a `name`";
                return Err(Error::invalid(message).at(format!("/{field}/{index}")));
            };
            if commands.iter().any(|(other, _)| other == name) {
                let message = format!("the management command `{name}` is given twice");
                return Err(Error::invalid(message).at(format!("/{field}/{index}/name")));
            }
            let schema = command.get("schema").filter(|schema| **schema != Value::Array(vec![]));
            let schema = Schema::compile(schema.unwrap_or(&Value::Null)).map_err(|error| {
                Error::invalid(format!("the schema does not compile: {error}"))
                    .at(format!("/{field}/{index}/schema{}", error.path()))
            })?;
            commands.push((name.to_owned(), schema));
        }
        Ok(Self(commands))
    }

    /// The schema of a command's argument.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`] with the commands that there are.
    pub(crate) fn named(&self, action: &str) -> Result<&Schema, Error> {
        let found = self.0.iter().find(|(name, _)| name == action);
        found.map(|(_, schema)| schema).ok_or_else(|| {
            let known: Vec<String> = self.0.iter().map(|(name, _)| format!("`{name}`")).collect();
            let known = match known.as_slice() {
                [] => "its `management_commands_schema` declares none".to_owned(),
                known => format!("there are {}", known.join(", ")),
            };
            let message = format!("the policy has no management command `{action}`; {known}");
            Error::new(ErrorKind::NotFound, message).at("/mgmt_action")
        })
    }
}
