//! Conversion of JSON to CEL values.

use std::collections::HashMap;

use cel::common::types::{
    CelBool, CelDouble, CelInt, CelList, CelMap, CelMapKey, CelNull, CelString,
};
use cel::common::value::Val;
use serde_json::{Number, Value};
use writ_model::RawJson;

use crate::Failure;

/// Converts a document: a number written as an integer is an `int`, any other one a `double`.
///
/// # Errors
/// A number beyond these types, with its JSON Pointer.
pub(super) fn parse(document: &RawJson, name: &str) -> Result<Box<dyn Val>, Failure> {
    let mut reader = Reader { path: Vec::new() };
    reader.value(document.value()).map_err(|problem| {
        let path: String = reader.path.iter().map(|segment| format!("/{segment}")).collect();
        let location = if path.is_empty() { String::new() } else { format!(" at `{path}`") };
        Failure::Raised {
            kind: "cel.document".to_owned(),
            message: format!("`{name}` holds {problem}{location}; send it as a string"),
            line: None,
            traceback: String::new(),
        }
    })
}

struct Reader {
    /// The segments of a JSON Pointer, complete only after an error.
    path: Vec<String>,
}

impl Reader {
    fn value(&mut self, value: Value) -> Result<Box<dyn Val>, String> {
        Ok(match value {
            Value::Null => Box::new(CelNull),
            Value::Bool(value) => Box::new(CelBool::from(value)),
            Value::Number(number) => convert_number(&number)?,
            Value::String(text) => Box::new(CelString::from(text)),
            Value::Array(items) => {
                let mut values = Vec::with_capacity(items.len());
                for (index, item) in items.into_iter().enumerate() {
                    values.push(self.member(item, || index.to_string())?);
                }
                Box::new(CelList::from(values))
            }
            Value::Object(members) => {
                let mut values = HashMap::with_capacity(members.len());
                for (key, item) in members {
                    let value = self.member(item, || key.replace('~', "~0").replace('/', "~1"))?;
                    values.insert(CelMapKey::String(CelString::from(key)), value);
                }
                Box::new(CelMap::from(values))
            }
        })
    }

    fn member(
        &mut self,
        value: Value,
        segment: impl FnOnce() -> String,
    ) -> Result<Box<dyn Val>, String> {
        self.value(value).inspect_err(|_| self.path.insert(0, segment()))
    }
}

fn convert_number(number: &Number) -> Result<Box<dyn Val>, String> {
    if let Some(integer) = number.as_i64() {
        return Ok(Box::new(CelInt::from(integer)));
    }
    let text = number.as_str();
    if !text.contains(['.', 'e', 'E']) {
        return Err(format!("{}, which is no 64-bit integer,", abbreviate(text)));
    }
    match number.as_f64().filter(|double| double.is_finite()) {
        Some(double) => Ok(Box::new(CelDouble::from(double))),
        None => Err(format!("{}, which is beyond a double,", abbreviate(text))),
    }
}

fn abbreviate(text: &str) -> String {
    const DIGITS_SHOWN: usize = 40;
    match text.get(..DIGITS_SHOWN) {
        Some(start) if text.len() > DIGITS_SHOWN => format!("{start}..."),
        _ => text.to_owned(),
    }
}
