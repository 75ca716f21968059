//! Rules that need themselves.

use std::collections::{BTreeSet, VecDeque};

use super::path_name;
use super::tree::{Clause, Tree};
use crate::diagnostic::{Finding, RECURSION};
use crate::syntax::ast::{Kind, Term};
use crate::syntax::visit::{self, Skip};

/// How many recursive rules are reported.
const REPORTED_MAX: usize = 20;

/// Refuses rules that refer to themselves, directly or through others.
pub(crate) fn check(tree: &Tree, findings: &mut Vec<Finding>) {
    let edges: Vec<BTreeSet<usize>> =
        tree.clauses.iter().map(|clause| uses(tree, clause)).collect();
    let component = components(&edges);
    let mut reported = 0;
    for (index, clause) in tree.clauses.iter().enumerate() {
        if reported == REPORTED_MAX {
            return;
        }
        let own = edges.get(index);
        let is_recursive = own.is_some_and(|targets| {
            targets.iter().any(|target| component.get(*target) == component.get(index))
        });
        if !is_recursive {
            continue;
        }
        reported += 1;
        let cycle = cycle(index, &edges);
        let names: Vec<String> = cycle
            .iter()
            .filter_map(|step| tree.clauses.get(*step))
            .map(|clause| path_name(&clause.path))
            .collect();
        let message =
            format!("rule {} is recursive: {}", path_name(&clause.path), names.join(" -> "));
        findings.push(Finding::new(RECURSION, clause.span, message).help(
            "a rule cannot need itself: walk a tree by `walk`, a graph by `graph.reachable`",
        ));
    }
}

/// The clauses that a clause refers to.
fn uses(tree: &Tree, clause: &Clause) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    for branch in &clause.branches {
        let mut refer = |term: &Term| {
            if let Kind::Ref(terms) = &term.kind
                && let Some((head, operands)) = terms.split_first()
                && head.as_var().is_some_and(|name| &**name == "data")
            {
                found.extend(tree.referred(operands));
            }
        };
        visit::body(&branch.body, Skip::default(), &mut refer);
        for term in branch.args.iter().chain(&branch.keys).chain([&branch.value]) {
            visit::term(term, Skip::default(), &mut refer);
        }
        visit::operators(&branch.body, &mut refer);
    }
    found
}

/// The number of the strongly connected component of each clause.
fn components(edges: &[BTreeSet<usize>]) -> Vec<usize> {
    let count = edges.len();
    let mut order = Vec::with_capacity(count);
    let mut seen = vec![false; count];
    for start in 0..count {
        walk(start, edges, &mut seen, &mut order);
    }
    let mut reversed = vec![BTreeSet::new(); count];
    for (from, targets) in edges.iter().enumerate() {
        for target in targets {
            if let Some(sources) = reversed.get_mut(*target) {
                sources.insert(from);
            }
        }
    }
    let mut component = vec![usize::MAX; count];
    let mut seen = vec![false; count];
    for start in order.into_iter().rev() {
        let mut members = Vec::new();
        walk(start, &reversed, &mut seen, &mut members);
        for member in members {
            if let Some(place) = component.get_mut(member) {
                *place = start;
            }
        }
    }
    component
}

/// Walks depth first, and adds each clause after those that it reaches.
fn walk(start: usize, edges: &[BTreeSet<usize>], seen: &mut [bool], order: &mut Vec<usize>) {
    let mut stack = vec![(start, false)];
    while let Some((at, is_done)) = stack.pop() {
        if is_done {
            order.push(at);
            continue;
        }
        match seen.get_mut(at) {
            Some(found) if !*found => *found = true,
            _ => continue,
        }
        stack.push((at, true));
        for next in edges.get(at).into_iter().flatten() {
            if seen.get(*next) == Some(&false) {
                stack.push((*next, false));
            }
        }
    }
}

/// The shortest way from a clause to itself.
fn cycle(start: usize, edges: &[BTreeSet<usize>]) -> Vec<usize> {
    let mut from = vec![None; edges.len()];
    let mut waiting = VecDeque::from([start]);
    while let Some(at) = waiting.pop_front() {
        for next in edges.get(at).into_iter().flatten() {
            if *next == start {
                let mut path = vec![start];
                let mut step = at;
                while step != start {
                    path.push(step);
                    match from.get(step).copied().flatten() {
                        Some(before) => step = before,
                        None => break,
                    }
                }
                path.push(start);
                path.reverse();
                return path;
            }
            if let Some(place) = from.get_mut(*next)
                && place.is_none()
            {
                *place = Some(at);
                waiting.push_back(*next);
            }
        }
    }
    vec![start]
}
