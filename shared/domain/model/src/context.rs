//! What a policy keeps from one run to the next.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::RawJson;

/// A context holds at most this many bytes of compact JSON: it is read and recorded with every
/// run, and an item of DynamoDB holds 400 KB.
pub const CONTEXT_BYTES_MAX: usize = 256 << 10;

/// What one run changed in its context. A key is in one of the two at most.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextChange {
    /// New values by key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, RawJson>,
    /// Keys that are gone.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub deleted: BTreeSet<String>,
}

impl ContextChange {
    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.deleted.is_empty()
    }

    /// The context after this change: compact JSON, old keys in their order, then new ones.
    ///
    /// # Errors
    /// More than [`CONTEXT_BYTES_MAX`] bytes: how many.
    pub fn apply(&self, before: &RawJson) -> Result<RawJson, usize> {
        let mut members = match before.value() {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        members.retain(|key, _| !self.deleted.contains(key));
        members.extend(self.set.iter().map(|(key, value)| (key.clone(), value.value())));
        let after = RawJson::of(&Value::Object(members));
        match after.as_str().len() {
            bytes if bytes > CONTEXT_BYTES_MAX => Err(bytes),
            _ => Ok(after),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> RawJson {
        RawJson::parse(text).unwrap()
    }

    #[test]
    fn a_change_sets_and_deletes_and_leaves_the_rest_in_its_order() {
        let change = ContextChange {
            set: BTreeMap::from([("b".to_owned(), json("2.50")), ("new".to_owned(), json("{}"))]),
            deleted: BTreeSet::from(["a".to_owned(), "never there".to_owned()]),
        };
        let after = change.apply(&json(r#"{"z": 1, "a": 1, "b": 1}"#)).unwrap();
        assert_eq!(after.as_str(), r#"{"z":1,"b":2.50,"new":{}}"#);
        assert!(!change.is_empty() && ContextChange::default().is_empty());
    }

    #[test]
    fn a_context_is_bounded() {
        let long = json(&format!("\"{}\"", "x".repeat(CONTEXT_BYTES_MAX)));
        let change = ContextChange {
            set: BTreeMap::from([("a".to_owned(), long)]),
            deleted: BTreeSet::new(),
        };
        assert_eq!(change.apply(&RawJson::empty_object()), Err(CONTEXT_BYTES_MAX + 8));
    }
}
