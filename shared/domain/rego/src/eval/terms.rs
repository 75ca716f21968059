//! Values of operands and sources, and patterns.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use writ_rego_builtins::Value;

use super::machine::Machine;
use super::{Failure, Run};
use crate::core::{Collect, Operand, Pattern, Shape, Source};
use crate::diagnostic::Span;

impl<'a, 'c> Machine<'a, 'c> {
    pub(super) fn borrow<'s>(&'s self, operand: &'s Operand) -> Cow<'s, Value> {
        match operand {
            Operand::Const(value) => Cow::Borrowed(value),
            Operand::Slot(slot) => Cow::Borrowed(self.slot(*slot)),
            Operand::Array(items) => {
                Cow::Owned(Value::array(items.iter().map(|item| self.operand(item))))
            }
            Operand::Set(items) => {
                Cow::Owned(Value::set(items.iter().map(|item| self.operand(item))))
            }
            Operand::Object(members) => Cow::Owned(Value::object(
                members.iter().map(|(key, value)| (self.operand(key), self.operand(value))),
            )),
        }
    }

    pub(crate) fn operand(&self, operand: &Operand) -> Value {
        self.borrow(operand).into_owned()
    }

    /// The value behind keys.
    pub(super) fn follow<'s>(&'s self, value: &'s Value, keys: &'s [Operand]) -> Option<&'s Value> {
        let mut at = value;
        for key in keys {
            at = at.get(&self.borrow(key))?;
        }
        Some(at)
    }

    /// The value behind keys of a document of the caller.
    pub(super) fn follow_document<'s>(
        &'s self,
        value: &'s Value,
        keys: &'s [Operand],
    ) -> Option<&'s Value> {
        let mut at = value;
        for key in keys {
            at = step(at, &self.borrow(key))?;
        }
        Some(at)
    }

    pub(crate) fn source(&mut self, source: &'a Source, span: Span) -> Run<Option<Value>> {
        Ok(match source {
            Source::Operand(operand) => Some(self.operand(operand)),
            Source::Slot(slot, keys) => self.follow(self.slot(*slot), keys).cloned(),
            Source::Input(keys) => {
                self.env.input.as_ref().and_then(|input| self.follow(input, keys)).cloned()
            }
            Source::Base(keys) => {
                self.env.data.as_ref().and_then(|data| self.follow_document(data, keys)).cloned()
            }
            Source::Rule(rule, keys) => return self.rule(*rule, keys, span),
            Source::Extent(node) => return self.extent(*node, span),
            Source::Data(path) => return self.dynamic(path, span),
            Source::Collect(collect) => return self.collect(collect).map(Some),
        })
    }

    pub(super) fn matches_owned(&mut self, pattern: &Pattern, value: Value) -> bool {
        match pattern {
            Pattern::Bind(slot) => {
                self.set(*slot, value);
                true
            }
            pattern => self.matches(pattern, &value),
        }
    }

    /// Whether a value looks like the pattern; fills its slots.
    pub(super) fn matches(&mut self, pattern: &Pattern, value: &Value) -> bool {
        match pattern {
            Pattern::Any => true,
            Pattern::Bind(slot) => {
                self.set(*slot, value.clone());
                true
            }
            Pattern::Is(operand) => *self.borrow(operand) == *value,
            Pattern::Array(patterns) => match value {
                Value::Array(items) => {
                    items.len() == patterns.len()
                        && patterns
                            .iter()
                            .zip(items.iter())
                            .all(|(pattern, item)| self.matches(pattern, item))
                }
                _ => false,
            },
            Pattern::Object(patterns) => match value {
                Value::Object(members) => {
                    members.len() == patterns.len()
                        && patterns.iter().all(|(key, pattern)| {
                            let key = self.operand(key);
                            members.get(&key).is_some_and(|item| self.matches(pattern, item))
                        })
                }
                _ => false,
            },
        }
    }

    fn collect(&mut self, collect: &'a Collect) -> Run<Value> {
        let span = collect.span;
        match collect.shape {
            Shape::Array => {
                let mut items = Vec::new();
                self.solutions(collect, |machine| {
                    items.push(machine.operand(&collect.value));
                    Ok(())
                })?;
                Ok(Value::array(items))
            }
            Shape::Set => {
                let mut items = BTreeSet::new();
                self.solutions(collect, |machine| {
                    items.insert(machine.operand(&collect.value));
                    Ok(())
                })?;
                Ok(Value::set(items))
            }
            Shape::Object => {
                let mut members: BTreeMap<Value, Value> = BTreeMap::new();
                self.solutions(collect, |machine| {
                    let key = machine.operand(&collect.key);
                    let value = machine.operand(&collect.value);
                    match members.get(&key) {
                        Some(found) if *found != value => {
                            Err(Failure::conflict(span, "object keys must be unique"))
                        }
                        Some(_) => Ok(()),
                        None => {
                            members.insert(key, value);
                            Ok(())
                        }
                    }
                })?;
                Ok(Value::object(members))
            }
        }
    }

    fn solutions(
        &mut self,
        collect: &'a Collect,
        mut add: impl FnMut(&mut Self) -> Run<()>,
    ) -> Run<()> {
        self.deeper(collect.span, |machine| {
            machine.run(&collect.steps, &mut |machine| {
                add(machine)?;
                Ok(true)
            })
        })?;
        Ok(())
    }
}

/// The value behind a key of a document of the caller. Its paths are text: a number also names a member of an object,
/// and a text an item of an array.
pub(super) fn step<'v>(value: &'v Value, key: &Value) -> Option<&'v Value> {
    if let Some(found) = value.get(key) {
        return Some(found);
    }
    match (value, key) {
        (Value::Object(members), Value::Number(number)) => members.get_str(&number.text()),
        (Value::Array(items), Value::String(text)) => items.get(text.parse().ok()?),
        _ => None,
    }
}
