//! The form that the evaluator runs: steps over numbered slots.

use std::collections::BTreeMap;

use writ_rego_builtins::Value;

use crate::builtins::Function;
use crate::diagnostic::Span;

pub(crate) type Slot = u32;
pub(crate) type RuleId = u32;
pub(crate) type NodeId = u32;

/// A value made of constants and slots that have values.
#[derive(Clone, Debug)]
pub(crate) enum Operand {
    Const(Value),
    Slot(Slot),
    Array(Vec<Operand>),
    Object(Vec<(Operand, Operand)>),
    Set(Vec<Operand>),
}

/// Where a value comes from; it may be undefined.
#[derive(Clone, Debug)]
pub(crate) enum Source {
    Operand(Operand),
    Input(Vec<Operand>),
    Slot(Slot, Vec<Operand>),
    /// A path of the documents under `data`, where no rules are.
    Base(Vec<Operand>),
    Rule(RuleId, Vec<Operand>),
    /// Rules and documents under a node that has no rules itself.
    Extent(NodeId),
    /// A path from `data` that is known only at run time.
    Data(Vec<Operand>),
    Collect(Box<Collect>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Array,
    Set,
    Object,
}

/// A comprehension of any kind.
#[derive(Clone, Debug)]
pub(crate) struct Collect {
    pub(crate) shape: Shape,
    pub(crate) key: Operand,
    pub(crate) value: Operand,
    pub(crate) steps: Vec<Step>,
    pub(crate) span: Span,
}

/// What a value must look like.
#[derive(Clone, Debug)]
pub(crate) enum Pattern {
    Any,
    Bind(Slot),
    Is(Operand),
    Array(Vec<Pattern>),
    Object(Vec<(Operand, Pattern)>),
}

#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) span: Span,
    pub(crate) op: Op,
}

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Match(Source, Pattern),
    /// The source has a value, and it is not false.
    Holds(Source),
    Scan {
        over: Source,
        key: Pattern,
        value: Pattern,
    },
    /// The items of a set as it is written: the reference keeps their order and their duplicates.
    ScanItems {
        items: Vec<Operand>,
        key: Pattern,
        value: Pattern,
    },
    /// The keys under a path from `data` that is known only at run time.
    ScanKeys {
        path: Vec<Operand>,
        key: Pattern,
    },
    Call {
        callee: Callee,
        args: Vec<Operand>,
        out: Option<Pattern>,
    },
    Not(Vec<Step>),
    With {
        changes: Vec<Change>,
        steps: Vec<Step>,
    },
    Every(Box<Every>),
    Fail,
}

#[derive(Clone, Debug)]
pub(crate) struct Every {
    pub(crate) domain: Operand,
    pub(crate) key: Pattern,
    pub(crate) value: Pattern,
    pub(crate) steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Callee {
    Builtin(Function),
    Rule(RuleId),
}

/// What one `with` replaces.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Input(Vec<Value>, Operand),
    /// The path; the value hides its rules.
    Data(Vec<Value>, Operand),
    Function(Callee, usize, Replacement),
}

#[derive(Clone, Debug)]
pub(crate) enum Replacement {
    Function(Callee),
    Value(Operand),
}

/// The steps of a body with what they bind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Block {
    pub(crate) slots: u32,
    pub(crate) steps: Vec<Step>,
}

/// A place of which a body needs a value.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Input(Vec<Value>),
    Base(Vec<Value>),
    Argument(usize),
}

/// What must hold before a body runs at all, as the reference's index of rules has it.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    pub(crate) place: Place,
    pub(crate) wanted: Requirement,
}

#[derive(Clone, Debug)]
pub(crate) enum Requirement {
    Any,
    Is(Value),
    Array(Vec<Option<Value>>),
    OneOf(Vec<Value>),
    /// A collection with this item.
    Has(Value),
}

/// A body and the value that it gives.
#[derive(Clone, Debug)]
pub(crate) struct Branch {
    pub(crate) args: Vec<Pattern>,
    pub(crate) guards: Vec<Guard>,
    /// The value, if it is always the same.
    pub(crate) constant: Option<Value>,
    pub(crate) block: Block,
    pub(crate) value: Operand,
    pub(crate) span: Span,
}

/// A rule of a partial set or object.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// What the first key must look like, if it is known.
    pub(crate) first: Pattern,
    pub(crate) keys: Vec<Operand>,
    /// The element, for a set at the end of the path.
    pub(crate) is_element: bool,
    pub(crate) branches: Vec<Branch>,
}

#[derive(Clone, Debug)]
pub(crate) enum RuleKind {
    /// Clauses, each with its branches, and the default.
    Complete {
        clauses: Vec<Vec<Branch>>,
        default: Option<Box<Branch>>,
    },
    Function {
        clauses: Vec<Vec<Branch>>,
        default: Option<Box<Branch>>,
    },
    /// The members for any key, and those for a known first key.
    Partial {
        is_set: bool,
        all: Vec<Member>,
        keyed: Vec<Member>,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct RuleSet {
    pub(crate) path: Vec<Value>,
    pub(crate) span: Span,
    pub(crate) kind: RuleKind,
}

/// A node of the tree of packages and rules.
#[derive(Clone, Debug, Default)]
pub(crate) struct Node {
    pub(crate) children: BTreeMap<Value, NodeId>,
    pub(crate) rule: Option<RuleId>,
    /// The node is left out of the documents above it.
    pub(crate) is_hidden: bool,
    /// The documents above, from the root.
    pub(crate) path: Vec<Value>,
}
