//! Documents under `data`: those of the caller, and those of rules.

use std::collections::BTreeMap;

use writ_rego_builtins::{Object, Value};

use super::machine::Machine;
use super::terms::step;
use super::{Failure, Run};
use crate::core::{NodeId, Operand, RuleKind};
use crate::diagnostic::Span;

/// Where a path leads.
enum Place {
    Node(NodeId),
    Value(Option<Value>),
}

impl<'a, 'c> Machine<'a, 'c> {
    /// Whether a `with` replaced the document at a path, so that its rules do not count.
    pub(super) fn is_hidden(&self, path: &[Value]) -> bool {
        self.env.hidden.iter().any(|hidden| path.starts_with(hidden))
    }

    /// The document of the caller at a path.
    pub(super) fn base(&self, path: &[Value]) -> Option<Value> {
        let mut at = self.env.data.as_ref()?;
        for key in path {
            at = step(at, key)?;
        }
        Some(at.clone())
    }

    /// The documents under a node that is no rule.
    pub(super) fn extent(&mut self, node: NodeId, span: Span) -> Run<Option<Value>> {
        let policy = self.policy;
        let Some(found) = policy.nodes.get(node as usize) else {
            return Ok(None);
        };
        let base = self.base(&found.path);
        if self.is_hidden(&found.path) {
            return Ok(base);
        }
        let rules = self.deeper(span, |machine| machine.leaves(node, span))?;
        match base {
            None => Ok(Some(Value::Object(rules))),
            Some(Value::Object(base)) => Ok(Some(Value::Object(merge(&base, &rules)))),
            Some(_) => Err(Failure::new(
                "eval_conflict_error",
                span,
                "base and virtual document keys must be disjoint",
            )),
        }
    }

    fn leaves(&mut self, node: NodeId, span: Span) -> Run<Object> {
        let policy = self.policy;
        let mut members = BTreeMap::new();
        let children = policy.nodes.get(node as usize).map(|node| &node.children);
        for (key, child) in children.into_iter().flatten() {
            let Some(found) = policy.nodes.get(*child as usize) else {
                continue;
            };
            if found.is_hidden {
                continue;
            }
            let value = match found.rule {
                Some(rule) => self.rule(rule, &[], span)?,
                None => {
                    let inner = self.deeper(span, |machine| machine.leaves(*child, span))?;
                    Some(Value::Object(inner))
                }
            };
            if let Some(value) = value {
                members.insert(key.clone(), value);
            }
        }
        Ok(members.into_iter().collect())
    }

    fn place(&mut self, path: &[Value], span: Span) -> Run<Place> {
        let policy = self.policy;
        let mut at = 0;
        for (index, key) in path.iter().enumerate() {
            let walked = path.get(..=index).unwrap_or_default();
            let child = policy.nodes.get(at as usize).and_then(|node| node.children.get(key));
            let Some(child) = child.filter(|_| !self.is_hidden(walked)) else {
                return Ok(Place::Value(self.base(path)));
            };
            at = *child;
            let Some(rule) = policy.nodes.get(at as usize).and_then(|node| node.rule) else {
                continue;
            };
            let rest = path.get(index + 1..).unwrap_or_default();
            let kind = policy.rules.get(rule as usize).map(|set| &set.kind);
            let (mut value, rest) = match (kind, rest.split_first()) {
                (Some(RuleKind::Partial { .. }), Some((first, rest))) => {
                    (self.keyed(rule, first.clone(), span)?, rest)
                }
                _ => (self.value(rule, span)?, rest),
            };
            for key in rest {
                value = value.and_then(|value| value.get(key).cloned());
            }
            return Ok(Place::Value(value));
        }
        Ok(Place::Node(at))
    }

    pub(super) fn dynamic(&mut self, path: &[Operand], span: Span) -> Run<Option<Value>> {
        let path: Vec<Value> = path.iter().map(|key| self.operand(key)).collect();
        match self.place(&path, span)? {
            Place::Value(value) => Ok(value),
            Place::Node(node) => self.extent(node, span),
        }
    }

    /// The keys under a path.
    pub(super) fn keys(&mut self, path: &[Operand], span: Span) -> Run<Vec<Value>> {
        let path: Vec<Value> = path.iter().map(|key| self.operand(key)).collect();
        let (value, node) = match self.place(&path, span)? {
            Place::Value(value) => (value, None),
            Place::Node(node) => (self.base(&path), Some(node)),
        };
        let mut keys: Vec<Value> = match &value {
            Some(Value::Set(items)) => items.iter().cloned().collect(),
            Some(value) => value.pairs().map(|(key, _)| key.into_owned()).collect(),
            None => Vec::new(),
        };
        let children = node.and_then(|node| self.policy.nodes.get(node as usize));
        for key in children.into_iter().flat_map(|node| node.children.keys()) {
            if !keys.contains(key) {
                keys.push(key.clone());
            }
        }
        Ok(keys)
    }
}

/// Documents and rules of one name; the documents win.
fn merge(base: &Object, rules: &Object) -> Object {
    let mut merged = rules.clone();
    for (key, value) in base.iter() {
        let value = match (value, rules.get(key)) {
            (Value::Object(base), Some(Value::Object(rules))) => Value::Object(merge(base, rules)),
            _ => value.clone(),
        };
        merged.insert(key.clone(), value);
    }
    merged
}

/// A document with another value at a path.
pub(super) fn put(document: Option<Value>, path: &[Value], value: Value) -> Value {
    let Some((first, rest)) = path.split_first() else {
        return value;
    };
    let mut members = match document {
        Some(Value::Object(members)) => members,
        _ => Object::default(),
    };
    let inner = members.remove(first);
    members.insert(first.clone(), put(inner, rest, value));
    Value::Object(members)
}
