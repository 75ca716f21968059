//! What a module keeps from one run to the next.

use std::collections::BTreeMap;

use writ_model::{CONTEXT_BYTES_MAX, ContextChange, RawJson};

use super::answer;
use super::failure::raised;
use crate::Failure;

/// The context as the run sees it: what was kept before, under what it changes.
pub(super) struct Context {
    /// Nothing in a stateless run.
    before: Option<RawJson>,
    /// By key, once somebody asks: many policies never do.
    members: Option<BTreeMap<String, RawJson>>,
    change: ContextChange,
    bytes: usize,
}

impl Context {
    pub(super) fn new(before: Option<&RawJson>) -> Self {
        Self { before: before.cloned(), members: None, change: ContextChange::default(), bytes: 0 }
    }

    pub(super) fn get(&mut self, key: &str) -> Result<Option<&RawJson>, Failure> {
        self.read()?;
        if self.change.deleted.contains(key) {
            return Ok(None);
        }
        let kept = || self.members.as_ref().and_then(|members| members.get(key));
        Ok(self.change.set.get(key).or_else(kept))
    }

    pub(super) fn set(&mut self, key: String, value: &str) -> Result<(), Failure> {
        let value = answer::json(value.as_bytes()).map_err(|what| {
            raised("wasm.context", format!("`context_set` was given {what} for `{key}`"))
        })?;
        let replaced = self.change.set.get(&key).map_or(0, |old| key.len() + old.as_str().len());
        let bytes = self.bytes - replaced + key.len() + value.as_str().len();
        if bytes > CONTEXT_BYTES_MAX {
            return Err(too_large());
        }
        self.bytes = bytes;
        self.change.deleted.remove(&key);
        self.change.set.insert(key, value);
        Ok(())
    }

    pub(super) fn delete(&mut self, key: &str) -> Result<(), Failure> {
        self.read()?;
        if let Some(old) = self.change.set.remove(key) {
            self.bytes -= key.len() + old.as_str().len();
        }
        // What was never there needs no deletion, and would be kept for nothing.
        if self.members.as_ref().is_some_and(|members| members.contains_key(key)) {
            self.change.deleted.insert(key.to_owned());
        }
        Ok(())
    }

    /// What is to be kept; nothing of a stateless run.
    pub(super) fn finish(self) -> Result<Option<ContextChange>, Failure> {
        let Some(before) = self.before else { return Ok(None) };
        if !self.change.is_empty() && self.change.apply(&before).is_err() {
            return Err(too_large());
        }
        Ok(Some(self.change))
    }

    fn read(&mut self) -> Result<(), Failure> {
        if self.members.is_none() {
            let text = self.before.as_ref().map_or("{}", RawJson::as_str);
            let members = serde_json::from_str(text).map_err(|error| {
                raised("wasm.context", format!("the context cannot be read: {error}"))
            })?;
            self.members = Some(members);
        }
        Ok(())
    }
}

fn too_large() -> Failure {
    raised(
        "wasm.context-too-large",
        format!("the context would hold more than {CONTEXT_BYTES_MAX} bytes of json; keep less"),
    )
}
