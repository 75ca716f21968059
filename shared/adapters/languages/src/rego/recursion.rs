//! Detection of recursive rules at compile time; the compiler of neither evaluator checks for them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use regorus::unstable::Span;
use writ_model::Diagnostic;

use super::diagnose;

/// One definition of a rule, with its name and its references from the root of `data`.
#[derive(Debug)]
pub(super) struct Definition {
    /// The constant parts of its head, as `["data", "p", "a", "b"]`.
    pub(super) head: Vec<String>,
    /// The name of the rule for messages.
    pub(super) name: String,
    pub(super) span: Span,
    /// The constant parts of every reference in it that may name a rule.
    pub(super) mentions: BTreeSet<Vec<String>>,
}

/// The first cycle among the definitions, if there is one.
pub(super) fn find(definitions: &[Definition]) -> Option<Diagnostic> {
    let mut by_head: BTreeMap<&[String], Vec<usize>> = BTreeMap::new();
    for (index, definition) in definitions.iter().enumerate() {
        by_head.entry(&definition.head).or_default().push(index);
    }
    let edges: Vec<Vec<usize>> =
        definitions.iter().map(|definition| reachable(&by_head, &definition.mentions)).collect();
    let cycle = cycle(&edges)?;
    let definition = |index: &usize| definitions.get(*index);
    let names: Vec<String> =
        cycle.iter().filter_map(definition).map(|rule| format!("`{}`", rule.name)).collect();
    let problem =
        Diagnostic::error("rego.recursion", format!("recursion: {}", names.join(" needs ")))
            .help("rego has no recursion: walk nested values with `walk(value, [path, leaf])`");
    Some(match cycle.first().and_then(definition) {
        Some(rule) => diagnose::at(problem, &rule.span),
        None => problem,
    })
}

/// The definitions that the mentions reach: `a` reaches `a.b`, and `a.b.c` reaches `a.b`.
fn reachable(
    by_head: &BTreeMap<&[String], Vec<usize>>,
    mentions: &BTreeSet<Vec<String>>,
) -> Vec<usize> {
    let mut found = BTreeSet::new();
    for mention in mentions {
        let above = (1..mention.len()).filter_map(|length| by_head.get(mention.get(..length)?));
        let below = by_head
            .range::<[String], _>((Bound::Included(mention.as_slice()), Bound::Unbounded))
            .take_while(|(head, _)| head.starts_with(mention))
            .map(|(_, indexes)| indexes);
        found.extend(above.chain(below).flatten().copied());
    }
    found.into_iter().collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    OnPath,
    Done,
}

/// A path from a node back to itself, searched without recursion.
fn cycle(edges: &[Vec<usize>]) -> Option<Vec<usize>> {
    let mut states = vec![State::New; edges.len()];
    let set = |states: &mut Vec<State>, node: usize, state| {
        if let Some(slot) = states.get_mut(node) {
            *slot = state;
        }
    };
    for start in 0..edges.len() {
        if states.get(start) != Some(&State::New) {
            continue;
        }
        // Each entry is a node and how many of its edges were followed.
        let mut path: Vec<(usize, usize)> = vec![(start, 0)];
        set(&mut states, start, State::OnPath);
        while let Some((node, followed)) = path.last_mut() {
            let (node, next) =
                (*node, edges.get(*node).and_then(|next| next.get(*followed)).copied());
            *followed += 1;
            match next {
                None => {
                    path.pop();
                    set(&mut states, node, State::Done);
                }
                Some(next) if states.get(next) == Some(&State::OnPath) => {
                    let from = path.iter().position(|(node, _)| *node == next).unwrap_or_default();
                    let mut cycle: Vec<usize> =
                        path.iter().skip(from).map(|(node, _)| *node).collect();
                    cycle.push(next);
                    return Some(cycle);
                }
                Some(next) if states.get(next) == Some(&State::New) => {
                    path.push((next, 0));
                    set(&mut states, next, State::OnPath);
                }
                Some(_) => {}
            }
        }
    }
    None
}
