//! Rules that need themselves, found before anything runs: neither evaluator's compiler looks.

use std::collections::{BTreeMap, BTreeSet};

use regorus::unstable::{Module, Span};
use writ_model::Diagnostic;

use super::{diagnose, inspect};

/// One definition of a rule: what it is called and what it mentions.
#[derive(Debug)]
pub(super) struct Definition {
    /// The constant parts of its head, as `["a", "b"]`.
    pub(super) head: Vec<String>,
    pub(super) span: Span,
    /// The constant parts of every reference in it.
    pub(super) mentions: Vec<Vec<String>>,
    /// Names that are its own variables wherever it mentions them.
    pub(super) locals: BTreeSet<String>,
}

/// The first cycle among the definitions, if there is one.
pub(super) fn find(module: &Module, definitions: &[Definition]) -> Option<Diagnostic> {
    let mut package = vec!["data".to_owned()];
    package.extend(inspect::path(&module.package.refr));
    let aliases = inspect::aliases(module);
    let mut by_first: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, definition) in definitions.iter().enumerate() {
        by_first.entry(definition.head.first().map_or("", String::as_str)).or_default().push(index);
    }
    let needs: Vec<Vec<usize>> = definitions
        .iter()
        .map(|definition| {
            let own = definition.mentions.iter().filter_map(|mention| {
                let first = mention.first()?;
                if definition.locals.contains(first) {
                    return None;
                }
                match aliases.iter().find(|(alias, _)| alias == first) {
                    Some((_, target)) => {
                        in_package(&package, &[target, mention.get(1..)?].concat())
                    }
                    None if first == "data" => in_package(&package, mention),
                    None => Some(mention.clone()),
                }
            });
            needed(definitions, &by_first, &own.collect())
        })
        .collect();
    let cycle = cycle(&needs)?;
    let named = |index: &usize| definitions.get(*index);
    let names: Vec<String> =
        cycle.iter().filter_map(named).map(|rule| format!("`{}`", rule.head.join("."))).collect();
    let problem =
        Diagnostic::error("rego.recursion", format!("recursion: {}", names.join(" needs ")))
            .help("rego has no recursion: walk nested values with `walk(value, [path, leaf])`");
    Some(match cycle.first().and_then(named) {
        Some(rule) => diagnose::at(problem, &rule.span),
        None => problem,
    })
}

/// What a path under `data` names inside the package; all of it, if the path ends above.
fn in_package(package: &[String], mention: &[String]) -> Option<Vec<String>> {
    if let Some(rest) = mention.strip_prefix(package) {
        return Some(rest.to_vec());
    }
    package.starts_with(mention).then(Vec::new)
}

/// The definitions that some mention reaches: `a` reaches `a.b`, and `a.b.c` reaches `a.b`.
fn needed(
    definitions: &[Definition],
    by_first: &BTreeMap<&str, Vec<usize>>,
    mentions: &BTreeSet<Vec<String>>,
) -> Vec<usize> {
    let mut found = BTreeSet::new();
    for mention in mentions {
        let Some(first) = mention.first() else {
            // The whole package.
            return (0..definitions.len()).collect();
        };
        let candidates = by_first.get(first.as_str()).into_iter().flatten().copied();
        found.extend(candidates.filter(|index| {
            definitions.get(*index).is_some_and(|definition| {
                mention.starts_with(&definition.head) || definition.head.starts_with(mention)
            })
        }));
    }
    found.into_iter().collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    OnPath,
    Done,
}

/// A path from a node back to itself, searched with a stack of its own.
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
