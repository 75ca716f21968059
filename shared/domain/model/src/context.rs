//! The context of a policy: the state that it carries from one run to the next.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::RawJson;

/// The largest context, in bytes of compact JSON. A context is read and recorded with every run,
/// and an item of DynamoDB holds 400 KB.
pub const CONTEXT_BYTES_MAX: usize = 256 << 10;

/// The change that one run makes to its context. A key is in `set` or in `deleted`, never in both.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextChange {
    /// The new values, by key.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, RawJson>,
    /// The keys that the run removes.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub deleted: BTreeSet<String>,
}

impl ContextChange {
    /// Whether the run changed nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.deleted.is_empty()
    }

    /// Applies the change to `before` and returns the new context as compact JSON: the old keys in
    /// their order, then the new ones. A `before` that is not an object counts as empty.
    ///
    /// # Errors
    /// Returns the size in bytes where the new context exceeds [`CONTEXT_BYTES_MAX`].
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
