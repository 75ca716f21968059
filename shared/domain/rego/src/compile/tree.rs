//! The tree of packages and rules, before rules are lowered.

use std::collections::{BTreeMap, BTreeSet};

use writ_rego_builtins::{Number, Value};

use crate::core::NodeId;
use crate::diagnostic::Span;
use crate::syntax::ast::{Body, Kind, Term};

/// A body with its value, after calls are expanded.
#[derive(Clone, Debug)]
pub(crate) struct ClauseBranch {
    pub(crate) span: Span,
    pub(crate) args: Vec<Term>,
    pub(crate) body: Body,
    /// The value, or the element of a set.
    pub(crate) value: Term,
    /// The operands of the head behind its constant prefix.
    pub(crate) keys: Vec<Term>,
}

#[derive(Clone, Debug)]
pub(crate) struct Clause {
    pub(crate) span: Span,
    pub(crate) path: Vec<Value>,
    pub(crate) is_default: bool,
    pub(crate) is_function: bool,
    pub(crate) is_element: bool,
    pub(crate) arity: usize,
    pub(crate) branches: Vec<ClauseBranch>,
}

#[derive(Debug, Default)]
pub(crate) struct Branching {
    pub(crate) children: BTreeMap<Value, NodeId>,
    /// The clauses at this very path.
    pub(crate) clauses: Vec<usize>,
    pub(crate) path: Vec<Value>,
    /// A package lies here.
    pub(crate) is_package: bool,
}

#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) nodes: Vec<Branching>,
    pub(crate) clauses: Vec<Clause>,
}

impl Tree {
    pub(crate) fn new() -> Self {
        Self { nodes: vec![Branching::default()], clauses: Vec::new() }
    }

    pub(crate) fn node(&self, id: NodeId) -> Option<&Branching> {
        self.nodes.get(id as usize)
    }

    /// The node of a path, which is made if it is missing.
    pub(crate) fn make(&mut self, path: &[Value]) -> NodeId {
        let mut at = 0;
        for (depth, key) in path.iter().enumerate() {
            let next = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
            let Some(node) = self.nodes.get_mut(at as usize) else {
                return at;
            };
            at = match node.children.get(key) {
                Some(child) => *child,
                None => {
                    node.children.insert(key.clone(), next);
                    let path = path.get(..=depth).unwrap_or_default().to_vec();
                    self.nodes.push(Branching { path, ..Branching::default() });
                    next
                }
            };
        }
        at
    }

    pub(crate) fn add_package(&mut self, path: &[Value]) {
        let id = self.make(path);
        if let Some(node) = self.nodes.get_mut(id as usize) {
            node.is_package = true;
        }
    }

    pub(crate) fn add(&mut self, clause: Clause) {
        let id = self.make(&clause.path);
        let index = self.clauses.len();
        self.clauses.push(clause);
        if let Some(node) = self.nodes.get_mut(id as usize) {
            node.clauses.push(index);
        }
    }

    pub(crate) fn child(&self, id: NodeId, key: &Value) -> Option<NodeId> {
        self.node(id)?.children.get(key).copied()
    }

    /// The node of a path.
    pub(crate) fn find(&self, path: &[Value]) -> Option<NodeId> {
        path.iter().try_fold(0, |at, key| self.child(at, key))
    }

    /// The clauses that a reference may mean; `operands` stand behind `data`.
    pub(crate) fn referred(&self, operands: &[Term]) -> BTreeSet<usize> {
        let mut found = BTreeSet::new();
        self.refer(0, operands, &mut found);
        found
    }

    fn refer(&self, at: NodeId, operands: &[Term], found: &mut BTreeSet<usize>) {
        let Some(node) = self.node(at) else {
            return;
        };
        let Some((first, rest)) = operands.split_first() else {
            self.below(at, found);
            return;
        };
        match constant(first) {
            Some(key) => {
                if let Some(child) = node.children.get(&key) {
                    self.enter(*child, rest, found);
                }
            }
            None => node.children.values().for_each(|child| self.enter(*child, rest, found)),
        }
    }

    fn enter(&self, child: NodeId, rest: &[Term], found: &mut BTreeSet<usize>) {
        if let Some(node) = self.node(child) {
            found.extend(&node.clauses);
        }
        self.refer(child, rest, found);
    }

    /// All clauses at a node and below it.
    pub(crate) fn below(&self, at: NodeId, found: &mut BTreeSet<usize>) {
        let mut waiting = vec![at];
        while let Some(id) = waiting.pop() {
            if let Some(node) = self.node(id) {
                found.extend(&node.clauses);
                waiting.extend(node.children.values());
            }
        }
    }
}

/// The value of a constant term, composites among them.
pub(crate) fn constant(term: &Term) -> Option<Value> {
    Some(match &term.kind {
        Kind::Null => Value::Null,
        Kind::Bool(value) => Value::Bool(*value),
        Kind::Number(digits) => Value::Number(Number::parse(digits)?),
        Kind::String(text) => Value::String(text.clone()),
        Kind::Array(items) => Value::array(items.iter().map(constant).collect::<Option<Vec<_>>>()?),
        Kind::Set(items) => Value::set(items.iter().map(constant).collect::<Option<Vec<_>>>()?),
        Kind::Object(members) => {
            let pairs = members.iter().map(|(key, value)| Some((constant(key)?, constant(value)?)));
            Value::object(pairs.collect::<Option<Vec<_>>>()?)
        }
        _ => return None,
    })
}
