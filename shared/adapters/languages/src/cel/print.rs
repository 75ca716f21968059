//! Conversion of CEL values to JSON.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use cel::Env;
use cel::common::types::{
    CelBool, CelBytes, CelDouble, CelDuration, CelInt, CelList, CelMap, CelMapKey, CelNull,
    CelString, CelTimestamp, CelUInt,
};
use cel::common::value::{CowVal, Val};

use super::order;
use crate::Failure;

/// The deepest nesting of an output, the same in every language; JSON readers have such limits too.
const OUTPUT_NESTING_MAX: usize = 100;

/// Writes values as compact JSON: keys are sorted, bytes are base64, durations and timestamps are
/// in the format of `string()`.
pub(super) struct Printer<'e> {
    environment: &'e Env,
    text: String,
    bytes_max: usize,
    /// The path of the current value, for messages.
    path: Vec<String>,
}

impl<'e> Printer<'e> {
    pub(super) fn new(environment: &'e Env, bytes_max: usize) -> Self {
        Self { environment, text: String::new(), bytes_max, path: Vec::new() }
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    /// Writes one member of an object, with the bracket or comma before it.
    pub(super) fn member(
        &mut self,
        index: usize,
        name: &str,
        value: &dyn Val,
    ) -> Result<(), Failure> {
        self.push(if index == 0 { "{" } else { "," })?;
        self.string(name)?;
        self.push(":")?;
        self.at(format!(".{name}"), value)
    }

    pub(super) fn push(&mut self, text: &str) -> Result<(), Failure> {
        self.reserve(text.len())?;
        self.text.push_str(text);
        Ok(())
    }

    pub(super) fn value(&mut self, value: &dyn Val) -> Result<(), Failure> {
        if let Some(text) = value.downcast_ref::<CelString<'_>>() {
            self.string(text.inner())
        } else if let Some(list) = value.downcast_ref::<CelList<'_>>() {
            self.list(list)
        } else if let Some(map) = value.downcast_ref::<CelMap<'_>>() {
            self.map(map)
        } else if let Some(value) = value.downcast_ref::<CelBool>() {
            self.push(if *value.inner() { "true" } else { "false" })
        } else if let Some(value) = value.downcast_ref::<CelInt>() {
            self.push(&value.inner().to_string())
        } else if let Some(value) = value.downcast_ref::<CelUInt>() {
            self.push(&value.inner().to_string())
        } else if let Some(value) = value.downcast_ref::<CelDouble>() {
            self.double(*value.inner())
        } else if value.downcast_ref::<CelNull>().is_some() {
            self.push("null")
        } else if let Some(bytes) = value.downcast_ref::<CelBytes<'_>>() {
            self.reserve(bytes.inner().len())?;
            self.string(&BASE64_STANDARD.encode(bytes.inner()))
        } else {
            self.time(value)
        }
    }

    /// Writes a duration or a timestamp; any other value is an error.
    fn time(&mut self, value: &dyn Val) -> Result<(), Failure> {
        let is_time = value.downcast_ref::<CelTimestamp>().is_some()
            || value.downcast_ref::<CelDuration>().is_some();
        if is_time {
            let arguments = vec![CowVal::Borrowed(value)];
            let formatted =
                self.environment.find_overload("string", &arguments).map(|write| write(arguments));
            if let Some(Ok(formatted)) = formatted
                && let Some(text) = formatted.downcast_ref::<CelString<'_>>()
            {
                return self.string(text.inner());
            }
        }
        let what = match value.get_type().name() {
            name if name.starts_with("optional") => {
                "an optional; take its value by `.orValue(...)`".to_owned()
            }
            name => format!("a {name}"),
        };
        Err(self.not_json(&what))
    }

    fn double(&mut self, double: f64) -> Result<(), Failure> {
        match serde_json::Number::from_f64(double) {
            Some(number) => self.push(number.as_str()),
            None => Err(self.not_json(&double.to_string().to_lowercase())),
        }
    }

    fn list(&mut self, list: &CelList<'_>) -> Result<(), Failure> {
        self.push("[")?;
        for (index, item) in list.inner().iter().enumerate() {
            if index > 0 {
                self.push(",")?;
            }
            self.at(format!("[{index}]"), item.as_ref())?;
        }
        self.push("]")
    }

    fn map(&mut self, map: &CelMap<'_>) -> Result<(), Failure> {
        let mut members: Vec<_> = map.inner().iter().collect();
        members.sort_by(|(one, _), (other, _)| order::compare(one, other));
        let mut names: Vec<String> = members.iter().map(|(key, _)| name(key)).collect();
        if members.is_empty() {
            return self.push("{}");
        }
        for (index, ((_, value), name)) in members.iter().zip(&names).enumerate() {
            self.member(index, name, value.as_ref())?;
        }
        names.sort_unstable();
        let twice = names.iter().zip(names.iter().skip(1)).find(|(one, other)| one == other);
        if let Some((name, _)) = twice {
            return Err(self.not_json(&format!("a map with two keys that are written `{name}`")));
        }
        self.push("}")
    }

    fn at(&mut self, segment: String, value: &dyn Val) -> Result<(), Failure> {
        if self.path.len() >= OUTPUT_NESTING_MAX {
            let what = format!("values nested more than {OUTPUT_NESTING_MAX} deep");
            return Err(Failure::NotJson { what });
        }
        self.path.push(segment);
        self.value(value)?;
        self.path.pop();
        Ok(())
    }

    fn not_json(&self, what: &str) -> Failure {
        let path = self.path.concat();
        let path = path.trim_start_matches('.');
        let what = if path.is_empty() { what.to_owned() } else { format!("{what} at `{path}`") };
        Failure::NotJson { what }
    }

    fn string(&mut self, text: &str) -> Result<(), Failure> {
        // Checked before the escapes are written, so that one huge string is not copied first.
        self.reserve(text.len())?;
        let quoted = serde_json::to_string(text).map_err(|error| Failure::NotJson {
            what: format!("a string that prints as no JSON: {error}"),
        })?;
        self.push(&quoted)
    }

    fn reserve(&self, bytes: usize) -> Result<(), Failure> {
        if self.text.len().saturating_add(bytes) > self.bytes_max {
            return Err(Failure::OutputTooLarge { budget_bytes: self.bytes_max });
        }
        Ok(())
    }
}

fn name(key: &CelMapKey<'_>) -> String {
    match key {
        CelMapKey::Bool(key) => key.inner().to_string(),
        CelMapKey::Int(key) => key.inner().to_string(),
        CelMapKey::UInt(key) => key.inner().to_string(),
        CelMapKey::String(key) => key.inner().to_owned(),
    }
}
