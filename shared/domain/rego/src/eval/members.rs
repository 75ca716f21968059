//! Partial rules: sets, and objects of any depth.

use std::collections::{BTreeMap, BTreeSet};

use writ_rego_builtins::Value;

use super::machine::Machine;
use super::{Failure, Run};
use crate::core::{Member, RuleId, RuleKind};
use crate::diagnostic::Span;

/// A document in the making. What a rule gave as its value is not extended by another.
enum Partial {
    Object(BTreeMap<Value, Partial>),
    Set(BTreeSet<Value>),
    Leaf(Value),
}

impl Partial {
    fn finish(self) -> Value {
        match self {
            Partial::Object(members) => {
                Value::object(members.into_iter().map(|(key, value)| (key, value.finish())))
            }
            Partial::Set(items) => Value::set(items),
            Partial::Leaf(value) => value,
        }
    }

    /// Adds a value, or an element, behind keys; `false`: it contradicts another one.
    fn add(&mut self, keys: &[Value], value: Value, is_element: bool) -> bool {
        let Some((first, rest)) = keys.split_first() else {
            return match self {
                Partial::Set(items) if is_element => {
                    items.insert(value);
                    true
                }
                Partial::Leaf(found) if !is_element => *found == value,
                _ => false,
            };
        };
        let Partial::Object(members) = self else {
            return false;
        };
        if let Some(found) = members.get_mut(first) {
            return found.add(rest, value, is_element);
        }
        let mut made = match (rest.is_empty(), is_element) {
            (true, true) => Partial::Set(BTreeSet::new()),
            (true, false) => Partial::Leaf(value.clone()),
            (false, _) => Partial::Object(BTreeMap::new()),
        };
        let fits = made.add(rest, value, is_element);
        members.insert(first.clone(), made);
        fits
    }
}

impl<'a, 'c> Machine<'a, 'c> {
    /// The value of a partial rule behind its first key.
    pub(super) fn keyed(&mut self, rule: RuleId, key: Value, span: Span) -> Run<Option<Value>> {
        if let Some(kept) = self.env.memo.rule(rule) {
            return Ok(kept.as_ref().and_then(|value| value.get(&key)).cloned());
        }
        if let Some(kept) = self.env.memo.keyed(rule, &key) {
            return Ok(kept);
        }
        let policy = self.policy;
        let Some(set) = policy.rules.get(rule as usize) else {
            return Ok(None);
        };
        let RuleKind::Partial { is_set, keyed, .. } = &set.kind else {
            return Ok(None);
        };
        let value = self.deeper(span, |machine| machine.members(*is_set, keyed, Some(&key)))?;
        let value = value.and_then(|value| value.get(&key).cloned());
        self.env.memo.keep_keyed(rule, key, value.clone());
        Ok(value)
    }

    /// Evaluates the members of a partial rule, those of one first key if it is given.
    pub(super) fn members(
        &mut self,
        is_set: bool,
        members: &'a [Member],
        key: Option<&Value>,
    ) -> Run<Option<Value>> {
        let mut result =
            if is_set { Partial::Set(BTreeSet::new()) } else { Partial::Object(BTreeMap::new()) };
        for member in members {
            self.member(member, key, &mut result)?;
        }
        Ok(Some(result.finish()))
    }

    fn member(&mut self, member: &'a Member, key: Option<&Value>, result: &mut Partial) -> Run<()> {
        for branch in &member.branches {
            if !self.is_guarded(branch, &[]) {
                continue;
            }
            let mut found = false;
            self.framed(branch.block.slots, |machine| {
                if let Some(key) = key
                    && !machine.matches(&member.first, key)
                {
                    return Ok(true);
                }
                if machine.covers {
                    machine.sink.enter(branch.span);
                }
                machine.run(&branch.block.steps, &mut |machine| {
                    found = true;
                    let keys: Vec<Value> =
                        member.keys.iter().map(|key| machine.operand(key)).collect();
                    let value = machine.operand(&branch.value);
                    if machine.covers {
                        machine.sink.cover(branch.span);
                    }
                    if result.add(&keys, value, member.is_element) {
                        Ok(true)
                    } else {
                        Err(Failure::conflict(branch.span, "object keys must be unique"))
                    }
                })
            })?;
            if found {
                break;
            }
        }
        Ok(())
    }
}
