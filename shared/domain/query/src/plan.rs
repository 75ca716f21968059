//! Query plans: the part of a filter that an index serves.

mod ranges;

use serde_json::Value;

use crate::filter::{Anchor, Clause, Comparison, Node, Test};
use crate::{Filter, Sort};
use ranges::Ranges;

pub use ranges::Range;

/// An index: the documents ordered by one top-level string field, in the order of its UTF-8 bytes.
///
/// A document without a string in this field is not in the index, and the field never holds an
/// array: an element of it could match a filter without being in the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Index {
    /// The name of the index in the store.
    pub name: &'static str,
    /// The field that orders the index.
    pub field: &'static str,
    /// Whether the index contains every document, so that a full scan of it misses none.
    pub complete: bool,
}

/// The direction of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Ascending: the smallest value first.
    Ascending,
    /// Descending: the largest value first.
    Descending,
}

/// The plan of a query: which ranges of which index to read.
///
/// The documents in the ranges of the index that the filter matches are exactly the result of the
/// query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The index to read; `None` for all documents in the store's own order.
    pub index: Option<Index>,
    /// The ranges to read: ascending and disjoint, read from the last one backwards where
    /// `direction` is descending. Empty where no document can match.
    pub ranges: Vec<Range>,
    /// The direction to read in.
    pub direction: Direction,
    /// Whether the filter must still be tested on the documents that are read.
    pub residual: bool,
    /// Whether documents are read in the order of the sort. If not, the caller sorts them.
    pub sorted: bool,
}

impl Plan {
    /// Chooses the most selective index: points, then prefixes, ranges with two bounds, ranges with
    /// one bound, and last a full scan. Among equals it prefers one that yields the order of the
    /// sort.
    #[must_use]
    pub fn choose(filter: &Filter, sort: Option<&Sort>, indexes: &[Index]) -> Self {
        let bounds: Vec<(Index, IndexBounds)> = indexes
            .iter()
            .filter_map(|index| Some((*index, index_bounds(filter.root(), index.field)?)))
            .collect();
        if matches_nothing(filter.root())
            || bounds.iter().any(|(_, bounds)| bounds.ranges.is_empty())
        {
            return Self::nothing();
        }
        let order = RemainingSort::of(sort, &bounds);
        bounds
            .into_iter()
            .map(|(index, bounds)| {
                let (sorted, direction) = order.provided_by(Some(index.field));
                let key = (bounds.ranges.selectivity(), !sorted);
                let (residual, ranges) = (!bounds.exact, bounds.ranges.into_vec());
                (key, Self { index: Some(index), ranges, direction, residual, sorted })
            })
            .min_by_key(|(key, _)| *key)
            .map_or_else(|| Self::scan(filter, &order, indexes), |(_, plan)| plan)
    }

    /// Whether no document can match.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether the plan reads every document.
    #[must_use]
    pub fn is_scan(&self) -> bool {
        self.ranges.iter().any(Range::is_everything)
    }

    fn nothing() -> Self {
        let direction = Direction::Ascending;
        Self { index: None, ranges: Vec::new(), direction, residual: false, sorted: true }
    }

    fn scan(filter: &Filter, order: &RemainingSort, indexes: &[Index]) -> Self {
        let ordered =
            indexes.iter().find(|index| index.complete && order.provided_by(Some(index.field)).0);
        let (sorted, direction) = order.provided_by(ordered.map(|index| index.field));
        Self {
            // Without a range, an index is read only for its order.
            index: ordered.filter(|_| !order.provided_by(None).0).copied(),
            ranges: vec![Range::everything()],
            direction,
            residual: !matches_everything(filter.root()),
            sorted,
        }
    }
}

/// The sort without the fields that the filter restricts to one string.
struct RemainingSort {
    keys: Vec<(String, Direction)>,
}

impl RemainingSort {
    fn of(sort: Option<&Sort>, bounds: &[(Index, IndexBounds)]) -> Self {
        let is_fixed = |field: &str| {
            bounds
                .iter()
                .any(|(index, bounds)| index.field == field && bounds.ranges.is_one_point())
        };
        let keys = sort.map_or(&[][..], Sort::keys);
        let keys = keys.iter().map(|(path, direction)| (path.to_string(), *direction));
        Self { keys: keys.filter(|(path, _)| !is_fixed(path)).collect() }
    }

    /// Whether an index on this field yields the order, and the direction to read it in.
    fn provided_by(&self, field: Option<&str>) -> (bool, Direction) {
        match (self.keys.as_slice(), field) {
            ([], _) => (true, Direction::Ascending),
            ([(path, direction)], Some(field)) if path == field => (true, *direction),
            _ => (false, Direction::Ascending),
        }
    }
}

/// The bounds of an index scan: no document outside of them matches.
struct IndexBounds {
    ranges: Ranges,
    /// Whether every document inside matches.
    exact: bool,
}

/// Returns the bounds for an index on `field`; `None` where the filter does not restrict it.
fn index_bounds(node: &Node, field: &str) -> Option<IndexBounds> {
    match node {
        Node::And(nodes) => intersect(nodes.iter().map(|node| index_bounds(node, field))),
        Node::Or(nodes) => {
            let parts =
                nodes.iter().map(|node| index_bounds(node, field)).collect::<Option<Vec<_>>>()?;
            let exact = parts.iter().all(|part| part.exact);
            Some(IndexBounds {
                ranges: Ranges::union(parts.into_iter().map(|part| part.ranges)),
                exact,
            })
        }
        Node::Nor(_) => None,
        Node::Field(path, clauses) if path.is_field(field) => {
            intersect(clauses.iter().map(clause_bounds))
        }
        Node::Field(..) => None,
    }
}

fn intersect(parts: impl Iterator<Item = Option<IndexBounds>>) -> Option<IndexBounds> {
    let mut all: Option<Ranges> = None;
    let mut exact = true;
    for part in parts {
        match part {
            None => exact = false,
            Some(part) => {
                exact &= part.exact;
                all = Some(match all {
                    None => part.ranges,
                    Some(all) => all.intersection(&part.ranges),
                });
            }
        }
    }
    all.map(|ranges| IndexBounds { ranges, exact })
}

fn clause_bounds(clause: &Clause) -> Option<IndexBounds> {
    match clause {
        Clause::Test(Test::Compare(comparison, Value::String(text))) => Some(IndexBounds {
            ranges: Ranges::one(comparison_range(*comparison, text)),
            exact: true,
        }),
        Clause::Test(Test::In(values)) => {
            let points =
                values.iter().map(|value| Some(Ranges::one(Range::point(value.as_str()?))));
            Some(IndexBounds {
                ranges: Ranges::union(points.collect::<Option<Vec<_>>>()?),
                exact: true,
            })
        }
        Clause::Test(Test::Pattern(pattern)) => pattern.anchor().map(|anchor| {
            let Anchor { literal, open, exact } = anchor;
            let range = if *open { Range::prefix(literal) } else { Range::point(literal) };
            IndexBounds { ranges: Ranges::one(range), exact: *exact }
        }),
        Clause::Test(Test::Never) => Some(IndexBounds { ranges: Ranges::none(), exact: true }),
        Clause::All(clauses) => intersect(clauses.iter().map(clause_bounds)),
        Clause::Test(_) | Clause::Not(_) => None,
    }
}

fn comparison_range(comparison: Comparison, text: &str) -> Range {
    match comparison {
        Comparison::Equal => Range::point(text),
        Comparison::Greater => Range::above(text, false),
        Comparison::GreaterOrEqual => Range::above(text, true),
        Comparison::Less => Range::below(text, false),
        Comparison::LessOrEqual => Range::below(text, true),
    }
}

/// Whether the filter matches no document at all.
fn matches_nothing(node: &Node) -> bool {
    match node {
        Node::And(nodes) => nodes.iter().any(matches_nothing),
        Node::Or(nodes) => nodes.iter().all(matches_nothing),
        Node::Nor(nodes) => nodes.iter().any(matches_everything),
        Node::Field(_, clauses) => clauses.iter().any(|clause| match clause {
            Clause::Test(Test::In(values)) => values.is_empty(),
            Clause::Test(Test::Never) => true,
            _ => false,
        }),
    }
}

/// Whether the filter matches every document.
fn matches_everything(node: &Node) -> bool {
    match node {
        Node::And(nodes) => nodes.iter().all(matches_everything),
        Node::Or(nodes) => nodes.iter().any(matches_everything),
        Node::Nor(nodes) => nodes.iter().all(matches_nothing),
        Node::Field(..) => false,
    }
}

#[cfg(test)]
mod tests;
