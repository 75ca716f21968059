//! Documents against JSON schemas, by the check that the run brings.

use crate::builtin::{Answer, Args, Call, some};
use crate::context::{Context, Error};
use crate::json::from_json_str;
use crate::value::{Object, Value};

pub(crate) const TABLE: &[(&str, Call)] =
    &[("json.match_schema", matches), ("json.verify_schema", verify)];

/// A schema or document: a text is JSON.
fn document(args: &Args<'_>, place: usize) -> Result<Value, Error> {
    match args.value(place) {
        Value::String(text) => from_json_str(text).map_err(|error| Error::new(error.to_string())),
        value @ Value::Object(_) => Ok(value.clone()),
        _ => Err(args.wrong(place, &["string", "object"])),
    }
}

fn missing() -> Error {
    Error::halt("documents cannot be checked by schemas here")
}

fn matches(context: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let value = match args.value(0) {
        // OPA's types have no lists here, its library takes them.
        list @ Value::Array(_) => list.clone(),
        _ => document(args, 0)?,
    };
    let schema = document(args, 1)?;
    let check = context.check_schema.ok_or_else(missing)?;
    let mistakes = check(&schema, Some(&value)).map_err(Error::new)?;
    let is_valid = mistakes.is_empty();
    let mistakes = mistakes.into_iter().map(|mistake| {
        let members = [
            ("error", mistake.error),
            ("type", mistake.kind),
            ("field", mistake.field),
            ("desc", mistake.description),
        ];
        let members =
            members.into_iter().map(|(name, text)| (Value::from(name), Value::from(text)));
        Value::from(members.collect::<Object>())
    });
    some(Value::array([Value::from(is_valid), Value::array(mistakes)]))
}

/// Whether a schema is one, and what is wrong with it otherwise.
fn verify(context: &mut Context<'_>, args: &Args<'_>) -> Answer {
    let schema = match document(args, 0) {
        Ok(schema) => schema,
        Err(error) if args.value(0).as_str().is_none() => return Err(error),
        Err(error) => return some(Value::array([Value::from(false), Value::from(error.message)])),
    };
    let check = context.check_schema.ok_or_else(missing)?;
    some(match check(&schema, None) {
        Ok(_) => Value::array([Value::from(true), Value::Null]),
        Err(reason) => Value::array([Value::from(false), Value::from(reason)]),
    })
}
