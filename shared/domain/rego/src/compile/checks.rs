//! Rules that contradict each other before any run.

use super::path_name;
use super::tree::{Clause, Tree};
use crate::core::NodeId;
use crate::diagnostic::{Finding, TYPE};

/// Refuses rules of one name that are of different kinds.
pub(crate) fn conflicts(tree: &Tree, findings: &mut Vec<Finding>) {
    for index in 0..tree.nodes.len() {
        let id = u32::try_from(index).unwrap_or(u32::MAX);
        if let Some(finding) = conflict(tree, id) {
            findings.push(finding);
        }
    }
}

fn conflict(tree: &Tree, id: NodeId) -> Option<Finding> {
    let node = tree.node(id)?;
    let clauses: Vec<&Clause> =
        node.clauses.iter().filter_map(|index| tree.clauses.get(*index)).collect();
    let first = clauses.first()?;
    let last = clauses.last()?;
    let name = path_name(&node.path);
    let has_keys = |clause: &Clause| clause.branches.iter().any(|branch| !branch.keys.is_empty());
    let is_ground = |clause: &&&Clause| !has_keys(clause);
    if node.is_package && clauses.iter().any(|clause| !has_keys(clause)) {
        let message = format!("package {name} conflicts with rule {name}");
        return Some(
            Finding::new(TYPE, first.span, message).help("rename the rule or the package"),
        );
    }
    let has_children = node.children.values().any(|child| {
        let mut below = std::collections::BTreeSet::new();
        tree.below(*child, &mut below);
        !below.is_empty()
    });
    if has_children && clauses.iter().any(|clause| !has_keys(clause)) {
        let message = format!("rule {name} conflicts with the rules below it");
        return Some(
            Finding::new(TYPE, first.span, message)
                .help(format!("give the rules under {name} another name")),
        );
    }
    let ground = clauses.iter().filter(is_ground).count();
    let complete = clauses.iter().filter(is_ground).filter(|clause| !clause.is_element).count();
    let is_mixed = clauses.iter().any(|clause| {
        clause.is_element != first.is_element
            || clause.is_function != first.is_function
            || clause.arity != first.arity
    });
    if is_mixed || (complete > 0 && ground < clauses.len()) {
        let message = format!("conflicting rules {name} found");
        return Some(Finding::new(TYPE, last.span, message).help(
            "all rules of one name are complete, or all are sets, or all are functions with the same number of arguments",
        ));
    }
    if clauses.iter().filter(|clause| clause.is_default).count() > 1 {
        let message = format!("multiple default rules {name} found");
        return Some(Finding::new(TYPE, last.span, message).help("leave one of them"));
    }
    None
}
