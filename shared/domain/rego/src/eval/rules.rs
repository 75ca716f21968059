//! Complete rules and functions, each evaluated once.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};

use writ_rego_builtins::Value;

use super::machine::Machine;
use super::terms::step;
use super::{Failure, Run};
use crate::core::{Branch, Operand, Place, Requirement, RuleId, RuleKind};
use crate::diagnostic::Span;

/// The results of rules so far.
#[derive(Default)]
pub(crate) struct Memo {
    rules: Vec<Option<Option<Value>>>,
    keyed: HashMap<(RuleId, Value), Option<Value>>,
    calls: HashMap<CallKey, Option<Value>>,
}

/// How many results of functions and of single keys a run keeps.
const KEPT_MAX: usize = 100_000;

impl Memo {
    pub(super) fn rule(&self, rule: RuleId) -> Option<&Option<Value>> {
        self.rules.get(rule as usize)?.as_ref()
    }

    pub(super) fn keep(&mut self, rule: RuleId, value: Option<Value>) {
        let index = rule as usize;
        if self.rules.len() <= index {
            self.rules.resize(index + 1, None);
        }
        if let Some(place) = self.rules.get_mut(index) {
            *place = Some(value);
        }
    }

    pub(super) fn keyed(&self, rule: RuleId, key: &Value) -> Option<Option<Value>> {
        self.keyed.get(&(rule, key.clone())).cloned()
    }

    pub(super) fn keep_keyed(&mut self, rule: RuleId, key: Value, value: Option<Value>) {
        if self.keyed.len() >= KEPT_MAX {
            self.keyed.clear();
        }
        self.keyed.insert((rule, key), value);
    }
}

/// A call. Collections are the same if they are the same object in memory, so that large ones cost nothing.
struct CallKey {
    rule: RuleId,
    args: Vec<Value>,
}

/// Where a collection lies, and its length; the key keeps the collection alive.
fn identity(value: &Value) -> Option<(usize, usize)> {
    let (address, length) = match value {
        Value::Array(items) => (items.as_slice().as_ptr() as usize, items.len()),
        Value::Object(members) => {
            let first = members.keys().next().map_or(0, |key| std::ptr::from_ref(key) as usize);
            (first, members.len())
        }
        Value::Set(items) => {
            let first = items.iter().next().map_or(0, |key| std::ptr::from_ref(key) as usize);
            (first, items.len())
        }
        _ => return None,
    };
    Some((address, length))
}

impl PartialEq for CallKey {
    fn eq(&self, other: &Self) -> bool {
        self.rule == other.rule
            && self.args.len() == other.args.len()
            && self.args.iter().zip(&other.args).all(|(a, b)| match (identity(a), identity(b)) {
                (Some((_, 0)), Some((_, 0))) => a == b,
                (Some(a), Some(b)) => a == b,
                (None, None) => a == b,
                _ => false,
            })
    }
}

impl Eq for CallKey {}

impl Hash for CallKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.rule.hash(state);
        for arg in &self.args {
            match identity(arg) {
                Some((_, 0)) => 0_usize.hash(state),
                Some(identity) => identity.hash(state),
                None => arg.hash(state),
            }
        }
    }
}

impl<'a, 'c> Machine<'a, 'c> {
    /// The value of a rule behind keys.
    pub(super) fn rule(
        &mut self,
        rule: RuleId,
        keys: &'a [Operand],
        span: Span,
    ) -> Run<Option<Value>> {
        let policy = self.policy;
        let Some(set) = policy.rules.get(rule as usize) else {
            return Ok(None);
        };
        if !self.env.hidden.is_empty() && self.is_hidden(&set.path) {
            let value = self.base(&set.path);
            return Ok(value.and_then(|value| self.follow_document(&value, keys).cloned()));
        }
        if let (RuleKind::Partial { .. }, Some((first, rest))) = (&set.kind, keys.split_first()) {
            let first = self.operand(first);
            let value = self.keyed(rule, first, span)?;
            return Ok(value.and_then(|value| self.follow(&value, rest).cloned()));
        }
        let value = self.value(rule, span)?;
        if keys.is_empty() {
            return Ok(value);
        }
        Ok(value.and_then(|value| self.follow(&value, keys).cloned()))
    }

    /// The whole value of a rule.
    pub(super) fn value(&mut self, rule: RuleId, span: Span) -> Run<Option<Value>> {
        if let Some(kept) = self.env.memo.rule(rule) {
            return Ok(kept.clone());
        }
        let policy = self.policy;
        let Some(set) = policy.rules.get(rule as usize) else {
            return Ok(None);
        };
        let value = match &set.kind {
            RuleKind::Complete { clauses, default } => {
                let conflict = "complete rules must not produce multiple outputs";
                self.deeper(span, |machine| {
                    machine.clauses(clauses, default.as_deref(), &[], conflict)
                })?
            }
            RuleKind::Function { .. } => None,
            RuleKind::Partial { is_set, all, .. } => {
                self.deeper(span, |machine| machine.members(*is_set, all, None))?
            }
        };
        self.env.memo.keep(rule, value.clone());
        Ok(value)
    }

    /// The result of a function.
    pub(super) fn function(
        &mut self,
        rule: RuleId,
        args: Vec<Value>,
        span: Span,
    ) -> Run<Option<Value>> {
        let policy = self.policy;
        let Some(set) = policy.rules.get(rule as usize) else {
            return Ok(None);
        };
        let RuleKind::Function { clauses, default } = &set.kind else {
            return Ok(None);
        };
        let key = CallKey { rule, args };
        if let Some(kept) = self.env.memo.calls.get(&key) {
            return Ok(kept.clone());
        }
        let conflict = "functions must not produce multiple outputs for same inputs";
        let value = self.deeper(span, |machine| {
            machine.clauses(clauses, default.as_deref(), &key.args, conflict)
        })?;
        if self.env.memo.calls.len() >= KEPT_MAX {
            self.env.memo.calls.clear();
        }
        self.env.memo.calls.insert(key, value.clone());
        Ok(value)
    }

    fn clauses(
        &mut self,
        clauses: &'a [Vec<Branch>],
        default: Option<&'a Branch>,
        args: &[Value],
        conflict: &str,
    ) -> Run<Option<Value>> {
        let stops_early = self.stops_early(clauses, args);
        let mut result: Option<Value> = None;
        for clause in clauses {
            for branch in clause {
                if !self.is_guarded(branch, args) {
                    continue;
                }
                if self.branch(branch, args, stops_early, conflict, &mut result)? {
                    break;
                }
            }
            if stops_early && result.is_some() {
                return Ok(result);
            }
        }
        if result.is_none()
            && let Some(default) = default
        {
            self.branch(default, args, stops_early, conflict, &mut result)?;
        }
        Ok(result)
    }

    /// Whether all branches that may run have the same constant value, so that the first solution decides.
    fn stops_early(&self, clauses: &[Vec<Branch>], args: &[Value]) -> bool {
        let mut first: Option<&Value> = None;
        for branch in clauses.iter().flatten() {
            match (&branch.constant, first) {
                (Some(constant), None) => {
                    if self.is_guarded(branch, args) {
                        first = Some(constant);
                    }
                }
                (Some(constant), Some(first)) if constant == first => {}
                _ => {
                    if self.is_guarded(branch, args) {
                        return false;
                    }
                }
            }
        }
        true
    }

    /// Whether the places that a branch needs have their values.
    pub(super) fn is_guarded(&self, branch: &Branch, args: &[Value]) -> bool {
        branch.guards.iter().all(|guard| {
            let found = match &guard.place {
                Place::Input(path) => self
                    .env
                    .input
                    .as_ref()
                    .and_then(|input| path.iter().try_fold(input, |at, key| at.get(key))),
                Place::Base(path) => self
                    .env
                    .data
                    .as_ref()
                    .and_then(|data| path.iter().try_fold(data, |at, key| step(at, key))),
                Place::Argument(index) => args.get(*index),
            };
            let Some(found) = found else {
                return false;
            };
            match &guard.wanted {
                Requirement::Any => true,
                Requirement::Is(value) => found == value,
                Requirement::OneOf(values) => values.contains(found),
                Requirement::Has(item) => match found {
                    Value::Set(items) => items.contains(item),
                    _ => found.pairs().any(|(_, found)| found == item),
                },
                Requirement::Array(items) => found.as_array().is_some_and(|array| {
                    array.len() == items.len()
                        && items.iter().zip(array.iter()).all(|(wanted, item)| {
                            wanted.as_ref().is_none_or(|wanted| wanted == item)
                        })
                }),
            }
        })
    }

    /// Evaluates a branch: whether it has a value.
    fn branch(
        &mut self,
        branch: &'a Branch,
        args: &[Value],
        stops_early: bool,
        conflict: &str,
        result: &mut Option<Value>,
    ) -> Run<bool> {
        let mut found = false;
        self.framed(branch.block.slots, |machine| {
            for (pattern, arg) in branch.args.iter().zip(args) {
                if !machine.matches(pattern, arg) {
                    return Ok(true);
                }
            }
            if machine.covers {
                machine.sink.enter(branch.span);
            }
            machine.run(&branch.block.steps, &mut |machine| {
                let value = machine.borrow(&branch.value);
                found = true;
                match result {
                    Some(first) => {
                        if *first != *value {
                            return Err(Failure::conflict(branch.span, conflict));
                        }
                    }
                    None => *result = Some(value.into_owned()),
                }
                if machine.covers {
                    machine.sink.cover(branch.span);
                }
                Ok(!stops_early)
            })
        })?;
        Ok(found)
    }
}
