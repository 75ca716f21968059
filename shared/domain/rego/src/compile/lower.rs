//! From ordered bodies to steps over slots.

use std::collections::{BTreeSet, HashMap};

use writ_rego_builtins::Value;

use super::expand::is_equality;
use super::names::is_wildcard;
use super::safety::same;
use super::tree::{Tree, constant};
use crate::builtins::{self, Code, Function};
use crate::core::{
    Callee, Change, Collect, Every, NodeId, Op, Operand, Pattern, Replacement, RuleId, Shape, Slot,
    Source, Step,
};
use crate::diagnostic::{Finding, Span, TYPE, UNSAFE};
use crate::syntax::ast::{Body, Expr, ExprKind, Kind, Name, Term, With, operator_name};

/// What a body is lowered against.
pub(crate) struct Scene<'a> {
    pub(crate) tree: &'a Tree,
    /// The rule of each node.
    pub(crate) rules: &'a HashMap<NodeId, RuleId>,
    /// The arity of each function.
    pub(crate) functions: &'a HashMap<RuleId, usize>,
}

/// Lowers the bodies of one clause.
pub(crate) struct Lowering<'a> {
    scene: &'a Scene<'a>,
    slots: HashMap<Name, Slot>,
    next: Slot,
    bound: BTreeSet<Slot>,
    /// The items of sets that are written with variables, in order.
    literals: HashMap<Slot, Vec<Operand>>,
    pub(crate) findings: Vec<Finding>,
}

impl<'a> Lowering<'a> {
    pub(crate) fn new(scene: &'a Scene<'a>) -> Self {
        Self {
            scene,
            slots: HashMap::new(),
            next: 0,
            bound: BTreeSet::new(),
            literals: HashMap::new(),
            findings: Vec::new(),
        }
    }

    pub(crate) fn slots(&self) -> u32 {
        self.next
    }

    pub(crate) fn slot(&mut self, name: &Name) -> Slot {
        if let Some(slot) = self.slots.get(name) {
            return *slot;
        }
        let slot = self.temporary();
        self.slots.insert(name.clone(), slot);
        slot
    }

    fn temporary(&mut self) -> Slot {
        let slot = self.next;
        self.next += 1;
        slot
    }

    pub(crate) fn body(&mut self, body: &Body) -> Vec<Step> {
        let mut steps = Vec::with_capacity(body.len());
        for expr in body {
            self.expr(expr, &mut steps);
        }
        steps
    }

    fn expr(&mut self, expr: &Expr, steps: &mut Vec<Step>) {
        if expr.with.is_empty() {
            self.negatable(expr, steps);
            return;
        }
        let changes = expr.with.iter().filter_map(|modifier| self.change(modifier)).collect();
        let mut inner = Vec::new();
        self.negatable(expr, &mut inner);
        steps.push(Step { span: expr.span, op: Op::With { changes, steps: inner } });
    }

    fn negatable(&mut self, expr: &Expr, steps: &mut Vec<Step>) {
        if !expr.negated {
            self.positive(expr, steps);
            return;
        }
        let bound = self.bound.clone();
        let mut inner = Vec::new();
        self.positive(expr, &mut inner);
        self.bound = bound;
        steps.push(Step { span: expr.span, op: Op::Not(inner) });
    }

    fn positive(&mut self, expr: &Expr, steps: &mut Vec<Step>) {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Term(term) => {
                let source = self.source(term, span, steps);
                steps.push(Step { span, op: Op::Holds(source) });
            }
            ExprKind::Call(terms) if is_equality(terms) => {
                if let (Some(left), Some(right)) = (terms.get(1), terms.get(2)) {
                    self.unify(left, right, span, steps);
                }
            }
            ExprKind::Call(terms) => self.call(terms, span, steps),
            ExprKind::Every(every) => {
                let domain = self.operand(&every.domain);
                let bound = self.bound.clone();
                let key = every.key.as_ref().map_or(Pattern::Any, |key| self.pattern(key));
                let value = self.pattern(&every.value);
                let inner = self.body(&every.body);
                self.bound = bound;
                let every = Every { domain, key, value, steps: inner };
                steps.push(Step { span, op: Op::Every(Box::new(every)) });
            }
            ExprKind::Not { body, .. } => {
                let bound = self.bound.clone();
                let inner = self.body(body);
                self.bound = bound;
                steps.push(Step { span, op: Op::Not(inner) });
            }
            ExprKind::SomeVars(_) | ExprKind::SomeIn(_) => {}
        }
    }

    fn is_bound(&self, term: &Term) -> bool {
        match &term.kind {
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::String(_) => true,
            Kind::Var(name) => self.slots.get(name).is_some_and(|slot| self.bound.contains(slot)),
            Kind::Array(items) | Kind::Set(items) => items.iter().all(|item| self.is_bound(item)),
            Kind::Object(members) => {
                members.iter().all(|(key, value)| self.is_bound(key) && self.is_bound(value))
            }
            Kind::Ref(terms) => {
                let operands = terms.get(1..).unwrap_or_default();
                operands.iter().all(|operand| self.is_bound(operand))
                    && terms.first().is_none_or(|head| {
                        head.as_var().is_some_and(|name| crate::syntax::is_root(name))
                            || self.is_bound(head)
                    })
            }
            Kind::ArrayCompr(..) | Kind::SetCompr(..) | Kind::ObjectCompr(..) => true,
            Kind::Call(_) | Kind::Template(_) => false,
        }
    }

    /// A composite or constant; all its variables have values.
    pub(crate) fn operand(&mut self, term: &Term) -> Operand {
        if let Some(value) = constant(term) {
            return Operand::Const(value);
        }
        match &term.kind {
            Kind::Var(name) => {
                let slot = self.slot(name);
                if !self.bound.contains(&slot) {
                    self.not_bound(name, term.span);
                }
                Operand::Slot(slot)
            }
            Kind::Array(items) => {
                Operand::Array(items.iter().map(|item| self.operand(item)).collect())
            }
            Kind::Set(items) => Operand::Set(items.iter().map(|item| self.operand(item)).collect()),
            Kind::Object(members) => Operand::Object(
                members
                    .iter()
                    .map(|(key, value)| (self.operand(key), self.operand(value)))
                    .collect(),
            ),
            _ => {
                self.findings.push(Finding::new(
                    crate::diagnostic::COMPILE,
                    term.span,
                    "this expression cannot stand here: give its value to a variable first",
                ));
                Operand::Const(Value::Null)
            }
        }
    }

    fn not_bound(&mut self, name: &str, span: Span) {
        let message = format!("var {} is unsafe", super::names::shown(name));
        self.findings.push(
            Finding::new(UNSAFE, span, message)
                .help("give the variable a value in a positive expression of the same body"),
        );
    }

    /// A pattern; its variables have values from then on.
    pub(crate) fn pattern(&mut self, term: &Term) -> Pattern {
        if self.is_bound(term) {
            return Pattern::Is(self.operand(term));
        }
        match &term.kind {
            Kind::Var(name) if is_wildcard(name) => Pattern::Any,
            Kind::Var(name) => {
                let slot = self.slot(name);
                self.bound.insert(slot);
                Pattern::Bind(slot)
            }
            Kind::Array(items) => {
                Pattern::Array(items.iter().map(|item| self.pattern(item)).collect())
            }
            Kind::Object(members) => Pattern::Object(
                members
                    .iter()
                    .map(|(key, value)| (self.operand(key), self.pattern(value)))
                    .collect(),
            ),
            _ => Pattern::Is(self.operand(term)),
        }
    }

    /// The source of a term; steps that find its unknown operands come before.
    fn source(&mut self, term: &Term, span: Span, steps: &mut Vec<Step>) -> Source {
        match &term.kind {
            Kind::Ref(terms) => self.reference(terms, span, steps),
            Kind::ArrayCompr(head, body) => {
                let inner = self.collect(Shape::Array, None, head, body, term.span);
                Source::Collect(Box::new(inner))
            }
            Kind::SetCompr(head, body) => {
                let inner = self.collect(Shape::Set, None, head, body, term.span);
                Source::Collect(Box::new(inner))
            }
            Kind::ObjectCompr(head, body) => {
                let inner = self.collect(Shape::Object, Some(&head.0), &head.1, body, term.span);
                Source::Collect(Box::new(inner))
            }
            _ => Source::Operand(self.operand(term)),
        }
    }

    fn collect(
        &mut self,
        shape: Shape,
        key: Option<&Term>,
        value: &Term,
        body: &Body,
        span: Span,
    ) -> Collect {
        let bound = self.bound.clone();
        let steps = self.body(body);
        let key = key.map_or(Operand::Const(Value::Null), |key| self.operand(key));
        let value = self.operand(value);
        self.bound = bound;
        Collect { shape, key, value, steps, span }
    }

    fn reference(&mut self, terms: &[Term], span: Span, steps: &mut Vec<Step>) -> Source {
        let Some((head, operands)) = terms.split_first() else {
            return Source::Operand(Operand::Const(Value::Null));
        };
        let source = match head.as_var().map(|name| &**name) {
            Some("input") => Source::Input(Vec::new()),
            Some("data") => return self.data(operands, span, steps),
            Some(_) => match self.operand(head) {
                Operand::Slot(slot) => Source::Slot(slot, Vec::new()),
                other => Source::Operand(other),
            },
            None => {
                let value = self.operand(head);
                let slot = self.temporary();
                let op = Op::Match(Source::Operand(value), Pattern::Bind(slot));
                steps.push(Step { span, op });
                self.bound.insert(slot);
                Source::Slot(slot, Vec::new())
            }
        };
        self.operands(source, operands, span, steps)
    }

    /// Follows operands from a source that has no rules below it.
    fn operands(
        &mut self,
        source: Source,
        operands: &[Term],
        span: Span,
        steps: &mut Vec<Step>,
    ) -> Source {
        let mut source = source;
        for operand in operands {
            if self.is_bound(operand) {
                let key = self.operand(operand);
                match &mut source {
                    Source::Input(keys)
                    | Source::Slot(_, keys)
                    | Source::Base(keys)
                    | Source::Rule(_, keys)
                    | Source::Data(keys) => keys.push(key),
                    Source::Operand(_) | Source::Extent(_) | Source::Collect(_) => {}
                }
                continue;
            }
            let key = self.pattern(operand);
            let slot = self.temporary();
            let op = self.scan(source, key, Pattern::Bind(slot));
            steps.push(Step { span, op });
            self.bound.insert(slot);
            source = Source::Slot(slot, Vec::new());
        }
        source
    }

    fn scan(&self, over: Source, key: Pattern, value: Pattern) -> Op {
        if let Source::Slot(slot, keys) = &over
            && keys.is_empty()
            && let Some(items) = self.literals.get(slot)
        {
            return Op::ScanItems { items: items.clone(), key, value };
        }
        Op::Scan { over, key, value }
    }

    fn data(&mut self, operands: &[Term], span: Span, steps: &mut Vec<Step>) -> Source {
        let mut at: NodeId = 0;
        for (index, operand) in operands.iter().enumerate() {
            let Some(key) = constant(operand) else {
                return self.dynamic(operands, span, steps);
            };
            let Some(child) = self.scene.tree.child(at, &key) else {
                return self.operands(Source::Base(Vec::new()), operands, span, steps);
            };
            at = child;
            if let Some(rule) = self.scene.rules.get(&at) {
                if self.scene.functions.contains_key(rule) {
                    let name = super::path_name(
                        &self.scene.tree.node(at).map(|node| node.path.clone()).unwrap_or_default(),
                    );
                    let message = format!("function {name} used as reference, not called");
                    self.findings.push(
                        Finding::new(TYPE, span, message)
                            .help("write its arguments in parentheses"),
                    );
                    steps.push(Step { span, op: Op::Fail });
                    let rest = operands.get(index + 1..).unwrap_or_default();
                    self.bind_all(rest);
                    return Source::Operand(Operand::Const(Value::Null));
                }
                let rest = operands.get(index + 1..).unwrap_or_default();
                return self.operands(Source::Rule(*rule, Vec::new()), rest, span, steps);
            }
        }
        Source::Extent(at)
    }

    /// Gives the variables of operands values that no step reads.
    fn bind_all(&mut self, operands: &[Term]) {
        for operand in operands {
            let _ = self.pattern(operand);
        }
    }

    fn dynamic(&mut self, operands: &[Term], span: Span, steps: &mut Vec<Step>) -> Source {
        let mut path = Vec::new();
        for operand in operands {
            if self.is_bound(operand) {
                path.push(self.operand(operand));
                continue;
            }
            let key = match self.pattern(operand) {
                Pattern::Any => {
                    let slot = self.temporary();
                    self.bound.insert(slot);
                    let key = Pattern::Bind(slot);
                    let op = Op::ScanKeys { path: path.clone(), key };
                    steps.push(Step { span, op });
                    path.push(Operand::Slot(slot));
                    continue;
                }
                key => key,
            };
            steps.push(Step { span, op: Op::ScanKeys { path: path.clone(), key } });
            path.push(self.operand(operand));
        }
        Source::Data(path)
    }

    /// Unifies two terms: pairs of which one side is known come first.
    fn unify(&mut self, left: &Term, right: &Term, span: Span, steps: &mut Vec<Step>) {
        let mut waiting: Vec<(Term, Term)> = vec![(left.clone(), right.clone())];
        while !waiting.is_empty() {
            let mut rest = Vec::new();
            let mut progress = false;
            for (left, right) in waiting {
                match self.unify_pair(&left, &right, span, steps) {
                    Outcome::Done => progress = true,
                    Outcome::Wait => rest.push((left, right)),
                    Outcome::Pairs(pairs) => {
                        progress = true;
                        rest.extend(pairs);
                    }
                }
            }
            if !progress {
                for (left, right) in &rest {
                    let _ = self.operand(left);
                    let _ = self.operand(right);
                }
                return;
            }
            waiting = rest;
        }
    }

    /// Unifies a pair, or gives the pairs that are left to unify.
    fn unify_pair(
        &mut self,
        left: &Term,
        right: &Term,
        span: Span,
        steps: &mut Vec<Step>,
    ) -> Outcome {
        let is_source = |term: &Term| {
            matches!(
                term.kind,
                Kind::Ref(_) | Kind::ArrayCompr(..) | Kind::SetCompr(..) | Kind::ObjectCompr(..)
            )
        };
        if let (Some(a), Some(b)) = (constant(left), constant(right))
            && a.type_name() != b.type_name()
        {
            let message =
                format!("match error: {} and {} are never equal", a.type_name(), b.type_name());
            self.findings
                .push(Finding::new(TYPE, span, message).help("compare values of one type"));
        }
        if is_source(left) || self.is_bound(left) {
            return self.match_source(left, right, is_source(right), span, steps);
        }
        if is_source(right) || self.is_bound(right) {
            return self.match_source(right, left, false, span, steps);
        }
        match (&left.kind, &right.kind) {
            (Kind::Array(a), Kind::Array(b)) => {
                if a.len() != b.len() {
                    steps.push(Step { span, op: Op::Fail });
                    self.bind_all(&[left.clone(), right.clone()]);
                    return Outcome::Done;
                }
                Outcome::Pairs(a.iter().cloned().zip(b.iter().cloned()).collect())
            }
            (Kind::Object(a), Kind::Object(b)) => {
                let pairs: Option<Vec<_>> = a
                    .iter()
                    .map(|(key, value)| {
                        let (_, other) = b.iter().find(|(other, _)| same(key, other))?;
                        Some((value.clone(), other.clone()))
                    })
                    .collect();
                match pairs {
                    Some(pairs) if a.len() == b.len() => Outcome::Pairs(pairs),
                    _ => {
                        steps.push(Step { span, op: Op::Fail });
                        self.bind_all(&[left.clone(), right.clone()]);
                        Outcome::Done
                    }
                }
            }
            (Kind::Var(_), _) | (_, Kind::Var(_)) => Outcome::Wait,
            _ => {
                steps.push(Step { span, op: Op::Fail });
                self.bind_all(&[left.clone(), right.clone()]);
                Outcome::Done
            }
        }
    }

    fn match_source(
        &mut self,
        known: &Term,
        other: &Term,
        other_is_source: bool,
        span: Span,
        steps: &mut Vec<Step>,
    ) -> Outcome {
        if other_is_source {
            // The other side first: its value is compared with this one.
            let slot = self.temporary();
            let source = self.source(known, span, steps);
            self.push_match(source, Pattern::Bind(slot), span, steps);
            self.bound.insert(slot);
            let source = self.source(other, span, steps);
            self.push_match(source, Pattern::Is(Operand::Slot(slot)), span, steps);
            return Outcome::Done;
        }
        let source = self.source(known, span, steps);
        let pattern = self.pattern(other);
        if let (Pattern::Bind(slot), Kind::Set(items)) = (&pattern, &known.kind)
            && constant(known).is_none()
        {
            let mut items: Vec<&Term> = items.iter().collect();
            items.sort_by_cached_key(|item| super::expand::rank(item));
            let items = items.into_iter().map(|item| self.operand(item)).collect();
            self.literals.insert(*slot, items);
        }
        self.push_match(source, pattern, span, steps);
        Outcome::Done
    }

    /// Adds a match; a scan that gives just this value gets the pattern itself.
    fn push_match(&mut self, source: Source, pattern: Pattern, span: Span, steps: &mut Vec<Step>) {
        if let Source::Slot(slot, keys) = &source
            && keys.is_empty()
            && let Some(Step { op: Op::Scan { value, .. } | Op::ScanItems { value, .. }, .. }) =
                steps.last_mut()
            && matches!(value, Pattern::Bind(bound) if bound == slot)
            && !self.slots.values().any(|named| named == slot)
        {
            *value = pattern;
            return;
        }
        steps.push(Step { span, op: Op::Match(source, pattern) });
    }

    /// What a call runs, and the number of its arguments.
    fn callee(&mut self, operator: &Term) -> Option<(Callee, usize)> {
        if let Kind::Ref(terms) = &operator.kind
            && let Some((head, operands)) = terms.split_first()
            && head.as_var().is_some_and(|name| &**name == "data")
        {
            let path: Option<Vec<Value>> = operands.iter().map(constant).collect();
            let node = self.scene.tree.find(&path?)?;
            let rule = *self.scene.rules.get(&node)?;
            let arity = *self.scene.functions.get(&rule)?;
            return Some((Callee::Rule(rule), arity));
        }
        let function = builtins::lookup(&operator_name(operator)?)?;
        let arity = function.arity();
        Some((Callee::Builtin(function), arity))
    }

    fn call(&mut self, terms: &[Term], span: Span, steps: &mut Vec<Step>) {
        let Some((operator, operands)) = terms.split_first() else {
            return;
        };
        let Some((callee, arity)) = self.callee(operator) else {
            self.undefined(operator, span);
            self.bind_all(operands);
            return;
        };
        if matches!(callee, Callee::Builtin(Function { code: Code::Print, .. }))
            && operands.len() > arity
        {
            self.findings.push(
                Finding::new(TYPE, span, "print(...) used as value")
                    .help("write `print` as an expression of its own"),
            );
            return;
        }
        if operands.len() != arity && operands.len() != arity + 1 {
            self.arity(operator, operands.len(), arity, span);
            self.bind_all(operands);
            return;
        }
        let (inputs, outputs) = operands.split_at(arity);
        self.check_types(operator, inputs);
        let args = inputs.iter().map(|input| self.operand(input)).collect();
        let out = outputs.first().map(|output| self.pattern(output));
        steps.push(Step { span, op: Op::Call { callee, args, out } });
    }

    /// Refuses constants that a function never takes.
    fn check_types(&mut self, operator: &Term, inputs: &[Term]) {
        let name = operator_name(operator).unwrap_or_default();
        let Some(declared) = writ_rego_builtins::declaration(&name) else {
            return;
        };
        for (index, (input, wanted)) in inputs.iter().zip(declared.args).enumerate() {
            let Some(value) = constant(input) else {
                continue;
            };
            if !builtins::accepts(wanted, &value) {
                let message = format!(
                    "{name}: invalid argument {}: it cannot be {}",
                    index + 1,
                    value.type_name()
                );
                let help =
                    "no value of this type is accepted, so that the expression is always undefined";
                self.findings.push(Finding::new(TYPE, input.span, message).help(help));
            }
        }
    }

    fn undefined(&mut self, operator: &Term, span: Span) {
        let name = operator_name(operator).unwrap_or_default();
        let finding = Finding::new(TYPE, span, format!("undefined function {name}"));
        let finding = match builtins::refusal(&name) {
            Some(help) => finding.help(help),
            None => finding.help("check the spelling, or define the function"),
        };
        self.findings.push(finding);
    }

    fn arity(&mut self, operator: &Term, found: usize, wanted: usize, span: Span) {
        let name = operator_name(operator).unwrap_or_default();
        let message = format!("{name}: arity mismatch: it takes {wanted} arguments, not {found}");
        self.findings.push(Finding::new(TYPE, span, message));
    }

    fn change(&mut self, modifier: &With) -> Option<Change> {
        let span = modifier.target.span;
        if let Some((callee, arity)) = self.callee(&modifier.target) {
            let named = match &modifier.value.kind {
                Kind::Call(terms) => terms.first().and_then(|name| self.callee(name)),
                _ => None,
            };
            let replacement = match named {
                Some((other, other_arity)) => {
                    if other_arity != arity {
                        self.arity(&modifier.value, other_arity, arity, modifier.value.span);
                    }
                    Replacement::Function(other)
                }
                None => Replacement::Value(self.operand(&modifier.value)),
            };
            return Some(Change::Function(callee, arity, replacement));
        }
        let Kind::Ref(terms) = &modifier.target.kind else {
            self.bad_target(&modifier.target, span);
            return None;
        };
        let head = terms.first().and_then(Term::as_var).cloned().unwrap_or_default();
        let path: Option<Vec<Value>> = terms.iter().skip(1).map(constant).collect();
        let Some(path) = path else {
            self.findings.push(
                Finding::new(TYPE, span, "with keyword target must be ground")
                    .help("write the path without variables"),
            );
            return None;
        };
        let value = self.operand(&modifier.value);
        match &*head {
            "input" => Some(Change::Input(path, value)),
            "data" => {
                if self.passes_rule(&path) {
                    let message = "with keyword cannot partially replace virtual document(s)";
                    self.findings.push(
                        Finding::new(crate::diagnostic::COMPILE, span, message)
                            .help("replace the whole rule"),
                    );
                }
                Some(Change::Data(path, value))
            }
            _ => {
                self.bad_target(&modifier.target, span);
                None
            }
        }
    }

    /// Whether a path goes through a rule.
    fn passes_rule(&self, path: &[Value]) -> bool {
        let mut at = 0;
        let above = path.len().saturating_sub(1);
        for key in path.iter().take(above) {
            let Some(child) = self.scene.tree.child(at, key) else {
                return false;
            };
            if self.scene.tree.node(child).is_some_and(|node| !node.clauses.is_empty()) {
                return true;
            }
            at = child;
        }
        false
    }

    fn bad_target(&mut self, target: &Term, span: Span) {
        let name = operator_name(target).unwrap_or_default();
        let message = format!(
            "with keyword target must reference existing input, data, or a function, not {name}"
        );
        self.findings.push(Finding::new(TYPE, span, message));
    }
}

enum Outcome {
    Done,
    /// Neither side is known yet.
    Wait,
    Pairs(Vec<(Term, Term)>),
}

/// Whether the value of a `with` names a function, so that it is not evaluated.
pub(crate) fn names_function(scene: &Scene<'_>, term: &Term) -> bool {
    Lowering::new(scene).callee(term).is_some()
}
