//! A run's context: the values that earlier runs stored, and the changes of this run.

use std::collections::BTreeMap;

use writ_model::{CONTEXT_BYTES_MAX, ContextChange, RawJson};

use crate::Call;

/// The bytes that JSON adds to a member's key and value: two quotes, a colon, a comma.
const MEMBER_BYTES: usize = 4;

/// The context of the current run. A value is a snapshot: a policy that mutates an object which it
/// got from the context, or has put into it, does not change the context.
#[derive(Debug, Default)]
pub(crate) struct RunContext {
    members: BTreeMap<String, RawJson>,
    change: ContextChange,
    bytes: usize,
    is_persisted: bool,
}

/// The context would hold more than [`CONTEXT_BYTES_MAX`] bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the context would hold more than {CONTEXT_BYTES_MAX} bytes; delete what is not needed")]
pub(crate) struct ContextFullError;

impl RunContext {
    /// The context of a call; empty if the call is stateless.
    pub(crate) fn of(call: &Call) -> Self {
        let members: BTreeMap<String, RawJson> = call
            .context
            .as_ref()
            .and_then(|context| serde_json::from_str(context.as_str()).ok())
            .unwrap_or_default();
        let bytes = members.iter().map(|(key, value)| size(key, value)).sum();
        Self {
            members,
            change: ContextChange::default(),
            bytes,
            is_persisted: call.context.is_some(),
        }
    }

    /// The value of a key, if it has one.
    pub(crate) fn get(&self, key: &str) -> Option<&RawJson> {
        self.members.get(key)
    }

    /// Sets a key to a value.
    ///
    /// # Errors
    /// [`ContextFullError`], and the context has not changed.
    pub(crate) fn set(&mut self, key: &str, value: RawJson) -> Result<(), ContextFullError> {
        let before = self.members.get(key).map_or(0, |old| size(key, old));
        let bytes = self.bytes - before + size(key, &value);
        if bytes > CONTEXT_BYTES_MAX {
            return Err(ContextFullError);
        }
        self.bytes = bytes;
        self.change.deleted.remove(key);
        self.change.set.insert(key.to_owned(), value.clone());
        self.members.insert(key.to_owned(), value);
        Ok(())
    }

    /// Removes a key. Returns whether it had a value.
    pub(crate) fn delete(&mut self, key: &str) -> bool {
        let Some(old) = self.members.remove(key) else { return false };
        self.bytes -= size(key, &old);
        self.change.set.remove(key);
        self.change.deleted.insert(key.to_owned());
        true
    }

    /// Removes every key with its value.
    pub(crate) fn clear(&mut self) {
        for key in self.members.keys().cloned().collect::<Vec<_>>() {
            self.delete(&key);
        }
    }

    /// The changes of the run; `None` if the call is stateless.
    pub(crate) fn into_change(self) -> Option<ContextChange> {
        self.is_persisted.then_some(self.change)
    }
}

fn size(key: &str, value: &RawJson) -> usize {
    key.len() + value.as_str().len() + MEMBER_BYTES
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use writ_model::run::Method;

    use super::*;

    fn context(stored: Option<&str>) -> RunContext {
        RunContext::of(&Call {
            rule_id: String::new(),
            settings: RawJson::empty_object(),
            parameters: RawJson::empty_object(),
            method: Method::Eval { input_data: RawJson::null() },
            now_ms: 0,
            seed: 0,
            context: stored.map(json),
            coverage: false,
        })
    }

    fn json(text: &str) -> RawJson {
        RawJson::parse(text).unwrap()
    }

    #[test]
    fn a_run_sees_the_stored_values_and_its_own_changes() {
        let mut context = context(Some(r#"{"n": 1.50, "old": [1]}"#));
        assert_eq!(context.get("n"), Some(&json("1.50")));
        context.set("n", json("2")).unwrap();
        context.set("new", json("{}")).unwrap();
        assert!(context.delete("old") && !context.delete("old") && context.delete("new"));
        assert_eq!((context.get("n"), context.get("new")), (Some(&json("2")), None));
        let change = context.into_change().unwrap();
        assert_eq!(change.set, BTreeMap::from([("n".to_owned(), json("2"))]));
        assert_eq!(change.deleted, BTreeSet::from(["new".to_owned(), "old".to_owned()]));
    }

    #[test]
    fn a_stateless_run_starts_empty_and_reports_nothing() {
        let mut context = context(None);
        assert_eq!(context.get("n"), None);
        context.set("n", json("2")).unwrap();
        assert_eq!(context.get("n"), Some(&json("2")));
        assert_eq!(context.into_change(), None);
    }

    #[test]
    fn a_full_context_takes_no_more_until_something_is_deleted() {
        let mut context = context(Some("{}"));
        let half = json(&format!("\"{}\"", "x".repeat(CONTEXT_BYTES_MAX / 2)));
        context.set("a", half.clone()).unwrap();
        assert_eq!(context.set("b", half.clone()), Err(ContextFullError));
        context.set("a", half.clone()).unwrap();
        context.clear();
        context.set("b", half).unwrap();
    }
}
