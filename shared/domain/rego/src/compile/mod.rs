//! From trees to steps: names, order, checks.

mod checks;
mod clauses;
mod expand;
mod guards;
mod lower;
mod names;
mod recursion;
mod resolve;
mod safety;
mod tree;
mod withs;

use std::collections::{BTreeSet, HashMap};

use writ_rego_builtins::Value;

use crate::builtins;
use crate::core::{
    Block, Branch, Member, Node, NodeId, Pattern, RuleId, RuleKind, RuleSet, Slot, Step,
};
use crate::diagnostic::{Finding, Span};
use crate::syntax::ast::{self, Body};
use expand::Hoister;
pub(crate) use expand::{PRINT, TEMPLATE};
use lower::{Lowering, Scene};
use names::Fresh;
use safety::{Safety, Vars};
use tree::{Clause, ClauseBranch, Tree};

/// Compiled modules, all of a policy.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) rules: Vec<RuleSet>,
    pub(crate) nodes: Vec<Node>,
    tree: Tree,
    rule_of: HashMap<NodeId, RuleId>,
    functions: HashMap<RuleId, usize>,
    /// The lines of each module that a run can cover.
    pub(crate) lines: Vec<BTreeSet<u32>>,
}

/// The body of a query.
#[derive(Debug)]
pub(crate) struct CompiledQuery {
    pub(crate) block: Block,
    /// The variables of the answer, by their names in the query.
    pub(crate) variables: Vec<(String, Slot)>,
}

/// Compiles the modules of a policy.
pub(crate) fn compile(modules: Vec<ast::Tree>) -> Result<Compiled, Vec<Finding>> {
    let mut findings = Vec::new();
    let fresh = Fresh::default();
    let lines = modules.iter().map(lines_of).collect();
    let mut tree = clauses::build(modules, &fresh, &mut findings);
    checks::conflicts(&tree, &mut findings);
    let (rule_of, functions) = number(&tree);
    order(&mut tree, &rule_of, &functions, &fresh, &mut findings);
    if findings.is_empty() {
        recursion::check(&tree, &mut findings);
    }
    let rules = lower(&tree, &rule_of, &functions, &mut findings);
    if !findings.is_empty() {
        findings.sort_by_key(|finding| finding.span);
        findings.dedup_by(|a, b| a.span == b.span && a.message == b.message);
        return Err(findings);
    }
    let nodes = nodes(&tree, &rule_of);
    Ok(Compiled { rules, nodes, tree, rule_of, functions, lines })
}

impl Compiled {
    /// Compiles a query against the modules.
    pub(crate) fn query(&self, body: Body) -> Result<CompiledQuery, Vec<Finding>> {
        let fresh = Fresh::default();
        let mut findings = Vec::new();
        let globals = HashMap::new();
        let body = resolve::Resolver::new(&globals, &fresh, &mut findings, false).query(body);
        let body = expand::Expander { fresh: &fresh }.body(body);
        let scene = Scene { tree: &self.tree, rules: &self.rule_of, functions: &self.functions };
        let body = withs::body(body, &scene, &fresh);
        let arity = arity_of(&self.tree);
        let body = Safety { arity: &arity, findings: &mut findings }.body(body, &Vars::new());
        let variables = safety::vars_of_body(&body);
        let body = Hoister { fresh: &fresh }.body(body);
        let mut lowering = Lowering::new(&scene);
        let steps = lowering.body(&body);
        let variables = variables
            .iter()
            .filter(|name| !names::is_generated(name) && !names::is_wildcard(name))
            .map(|name| (names::shown(name).to_owned(), lowering.slot(name)))
            .collect();
        findings.append(&mut lowering.findings);
        if !findings.is_empty() {
            return Err(findings);
        }
        Ok(CompiledQuery { block: Block { slots: lowering.slots(), steps }, variables })
    }

    /// The paths of all rules, functions not among them.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &RuleSet> {
        self.rules.iter().filter(|set| !matches!(set.kind, RuleKind::Function { .. }))
    }

    /// The node of a path of packages or rules.
    pub(crate) fn node(&self, path: &[Value]) -> Option<&Node> {
        let id = self.tree.find(path)?;
        self.nodes.get(id as usize)
    }
}

fn lines_of(module: &ast::Tree) -> BTreeSet<u32> {
    let mut lines = BTreeSet::new();
    for rule in &module.rules {
        lines.insert(rule.span.line);
        add_lines(&rule.body, &mut lines);
        for branch in &rule.branches {
            lines.insert(branch.span.line);
            add_lines(&branch.body, &mut lines);
        }
    }
    lines
}

fn add_lines(body: &Body, lines: &mut BTreeSet<u32>) {
    for expr in body {
        if !matches!(expr.kind, ast::ExprKind::SomeVars(_)) {
            lines.insert(expr.span.line);
        }
        if let ast::ExprKind::Every(every) = &expr.kind {
            add_lines(&every.body, lines);
        }
        if let ast::ExprKind::Not { body, .. } = &expr.kind {
            add_lines(body, lines);
        }
    }
}

/// Whether the rule at a node takes the rules below into its document.
fn takes_over(tree: &Tree, node: NodeId) -> bool {
    tree.node(node).is_some_and(|found| {
        found
            .clauses
            .iter()
            .filter_map(|index| tree.clauses.get(*index))
            .any(|clause| clause.branches.iter().any(|branch| !branch.keys.is_empty()))
    })
}

/// Gives each node with rules a number, and functions their arity.
fn number(tree: &Tree) -> (HashMap<NodeId, RuleId>, HashMap<RuleId, usize>) {
    let mut rules = HashMap::new();
    let mut functions = HashMap::new();
    let mut waiting = vec![0];
    while let Some(id) = waiting.pop() {
        let Some(node) = tree.node(id) else {
            continue;
        };
        if let Some(first) = node.clauses.first().and_then(|index| tree.clauses.get(*index)) {
            let rule = u32::try_from(rules.len()).unwrap_or(u32::MAX);
            rules.insert(id, rule);
            if first.is_function {
                functions.insert(rule, first.arity);
            }
        }
        if !takes_over(tree, id) {
            waiting.extend(node.children.values());
        }
    }
    (rules, functions)
}

/// The arity of each function by its name.
fn arity_of(tree: &Tree) -> impl Fn(&str) -> Option<usize> + use<> {
    let names: HashMap<String, usize> = tree
        .clauses
        .iter()
        .filter(|clause| clause.is_function)
        .map(|clause| (path_name(&clause.path), clause.arity))
        .collect();
    move |name: &str| {
        names.get(name).copied().or_else(|| builtins::lookup(name).map(|found| found.arity()))
    }
}

fn path_name(path: &[Value]) -> String {
    let mut name = "data".to_owned();
    for key in path {
        name.push('.');
        match key {
            Value::String(text) => name.push_str(text),
            other => name.push_str(&other.to_string()),
        }
    }
    name
}

/// Orders all bodies, and computes operands before their expressions.
fn order(
    tree: &mut Tree,
    rules: &HashMap<NodeId, RuleId>,
    functions: &HashMap<RuleId, usize>,
    fresh: &Fresh,
    findings: &mut Vec<Finding>,
) {
    let arity = arity_of(tree);
    let mut clauses = std::mem::take(&mut tree.clauses);
    let scene = Scene { tree, rules, functions };
    for clause in &mut clauses {
        for branch in &mut clause.branches {
            let body = withs::body(std::mem::take(&mut branch.body), &scene, fresh);
            let mut known = Vars::new();
            for arg in &branch.args {
                known.extend(safety::vars(arg, Default::default()));
            }
            let mut safety = Safety { arity: &arity, findings };
            let body = safety.body(body, &known);
            known.extend(safety::vars_of_body(&body));
            for term in branch.keys.iter().chain([&branch.value]) {
                for name in safety::vars(term, Default::default()) {
                    if !known.contains(&name) {
                        safety.unsafe_var(&name, term.span);
                    }
                }
            }
            branch.body = Hoister { fresh }.body(body);
        }
    }
    tree.clauses = clauses;
}

fn nodes(tree: &Tree, rules: &HashMap<NodeId, RuleId>) -> Vec<Node> {
    let mut nodes = Vec::with_capacity(tree.nodes.len());
    for (index, found) in tree.nodes.iter().enumerate() {
        let id = u32::try_from(index).unwrap_or(u32::MAX);
        let are_functions = !found.clauses.is_empty()
            && found
                .clauses
                .iter()
                .filter_map(|index| tree.clauses.get(*index))
                .all(|clause| clause.is_function);
        let is_system =
            found.path.len() == 1 && found.path.first().and_then(Value::as_str) == Some("system");
        nodes.push(Node {
            children: found.children.clone(),
            rule: rules.get(&id).copied(),
            is_hidden: are_functions || is_system,
            path: found.path.clone(),
        });
    }
    nodes
}

fn lower(
    tree: &Tree,
    rules: &HashMap<NodeId, RuleId>,
    functions: &HashMap<RuleId, usize>,
    findings: &mut Vec<Finding>,
) -> Vec<RuleSet> {
    let scene = Scene { tree, rules, functions };
    let mut numbered: Vec<(RuleId, NodeId)> =
        rules.iter().map(|(node, rule)| (*rule, *node)).collect();
    numbered.sort_unstable();
    numbered.into_iter().map(|(_, node)| rule_set(&scene, node, findings)).collect()
}

fn rule_set(scene: &Scene<'_>, node: NodeId, findings: &mut Vec<Finding>) -> RuleSet {
    let tree = scene.tree;
    let mut indexes = BTreeSet::new();
    let takes_over = takes_over(tree, node);
    if takes_over {
        tree.below(node, &mut indexes);
    } else if let Some(found) = tree.node(node) {
        indexes.extend(&found.clauses);
    }
    let clauses: Vec<&Clause> =
        indexes.iter().filter_map(|index| tree.clauses.get(*index)).collect();
    let path = tree.node(node).map(|found| found.path.clone()).unwrap_or_default();
    let span = clauses.first().map(|clause| clause.span).unwrap_or_default();
    let is_element = clauses.iter().all(|clause| clause.is_element);
    let kind = if takes_over || is_element {
        partial(scene, &clauses, path.len(), !takes_over, findings)
    } else {
        complete(scene, &clauses, findings)
    };
    RuleSet { path, span, kind }
}

fn complete(scene: &Scene<'_>, clauses: &[&Clause], findings: &mut Vec<Finding>) -> RuleKind {
    let mut lowered = Vec::new();
    let mut default = None;
    for clause in clauses {
        let branches: Vec<Branch> =
            clause.branches.iter().map(|branch| self::branch(scene, branch, findings)).collect();
        if clause.is_default {
            default = branches.into_iter().next().map(Box::new);
        } else {
            lowered.push(branches);
        }
    }
    match clauses.first() {
        Some(clause) if clause.is_function => RuleKind::Function { clauses: lowered, default },
        _ => RuleKind::Complete { clauses: lowered, default },
    }
}

fn branch(scene: &Scene<'_>, branch: &ClauseBranch, findings: &mut Vec<Finding>) -> Branch {
    let mut lowering = Lowering::new(scene);
    let args = branch.args.iter().map(|arg| lowering.pattern(arg)).collect();
    let steps = lowering.body(&branch.body);
    let value = lowering.operand(&branch.value);
    findings.append(&mut lowering.findings);
    let block = Block { slots: lowering.slots(), steps };
    let guards = guards::of(branch, scene.tree);
    let constant = tree::constant(&branch.value);
    Branch { args, guards, constant, block, value, span: branch.span }
}

fn partial(
    scene: &Scene<'_>,
    clauses: &[&Clause],
    depth: usize,
    is_set: bool,
    findings: &mut Vec<Finding>,
) -> RuleKind {
    let mut all = Vec::new();
    let mut keyed = Vec::new();
    for clause in clauses {
        if clause.is_default {
            // As in the reference: such a default has no effect.
            continue;
        }
        all.push(member(scene, clause, depth, is_set, false, findings));
        keyed.push(member(scene, clause, depth, is_set, true, findings));
    }
    RuleKind::Partial { is_set, all, keyed }
}

fn member(
    scene: &Scene<'_>,
    clause: &Clause,
    depth: usize,
    is_set: bool,
    is_keyed: bool,
    findings: &mut Vec<Finding>,
) -> Member {
    let mut first = Pattern::Any;
    let mut keys = Vec::new();
    let mut branches = Vec::new();
    for branch in &clause.branches {
        let span = branch.span;
        let fixed = clause.path.get(depth..).unwrap_or_default();
        let mut terms: Vec<ast::Term> = fixed.iter().map(|key| constant_term(span, key)).collect();
        terms.extend(branch.keys.iter().cloned());
        let mut lowering = Lowering::new(scene);
        if is_keyed {
            let key = if is_set { Some(&branch.value) } else { terms.first() };
            first = key.map_or(Pattern::Any, |key| lowering.pattern(key));
        }
        let steps: Vec<Step> = lowering.body(&branch.body);
        keys = terms.iter().map(|term| lowering.operand(term)).collect();
        let value = lowering.operand(&branch.value);
        if !is_keyed {
            findings.append(&mut lowering.findings);
        }
        let block = Block { slots: lowering.slots(), steps };
        let guards = guards::of(branch, scene.tree);
        branches.push(Branch { args: Vec::new(), guards, constant: None, block, value, span });
    }
    Member { first, keys, is_element: clause.is_element, branches }
}

fn constant_term(span: Span, value: &Value) -> ast::Term {
    let kind = match value {
        Value::String(text) => ast::Kind::String(text.clone()),
        Value::Number(number) => ast::Kind::Number(number.text().as_ref().into()),
        Value::Bool(value) => ast::Kind::Bool(*value),
        _ => ast::Kind::Null,
    };
    ast::Term::new(span, kind)
}
