//! Matches documents, and single values, against a parsed filter.

use std::cmp::Ordering;

use serde_json::Value;

use super::version::parse_lenient;
use super::{Clause, Comparison, Node, Test};
use crate::order::{compare, rank};
use crate::path::{Leaf, Path, visit_leaf};

impl Node {
    pub(crate) fn matches(&self, document: &Value) -> bool {
        match self {
            Self::And(nodes) => nodes.iter().all(|node| node.matches(document)),
            Self::Or(nodes) => nodes.iter().any(|node| node.matches(document)),
            Self::Nor(nodes) => !nodes.iter().any(|node| node.matches(document)),
            Self::Field(path, clauses) => {
                clauses.iter().all(|clause| clause.matches_path(document, path))
            }
        }
    }
}

impl Clause {
    /// Whether the clause holds for some value at the path.
    fn matches_path(&self, document: &Value, path: &Path) -> bool {
        match self {
            Self::Test(test) => path.visit(document, test.leaf(), &mut |value| test.fits(value)),
            Self::Not(clauses) => !clauses.iter().all(|clause| clause.matches_path(document, path)),
            Self::All(clauses) => clauses.iter().all(|clause| clause.matches_path(document, path)),
        }
    }

    /// Whether the clause holds for this value, or for an element of it.
    pub(crate) fn matches_leaf(&self, value: &Value) -> bool {
        match self {
            Self::Test(test) => visit_leaf(value, test.leaf(), &mut |value| test.fits(value)),
            Self::Not(clauses) => !clauses.iter().all(|clause| clause.matches_leaf(value)),
            Self::All(clauses) => clauses.iter().all(|clause| clause.matches_leaf(value)),
        }
    }

    /// Whether the clause holds for exactly this value.
    fn matches_value(&self, value: &Value) -> bool {
        match self {
            Self::Test(test) => test.fits(Some(value)),
            Self::Not(clauses) => !clauses.iter().all(|clause| clause.matches_value(value)),
            Self::All(clauses) => clauses.iter().all(|clause| clause.matches_value(value)),
        }
    }
}

impl Test {
    /// Operators on an array as such test it as a whole; the others test its elements as well.
    fn leaf(&self) -> Leaf {
        match self {
            Self::Size(_) | Self::ElementMatches(_) | Self::ElementIs(_) => Leaf::Whole,
            _ => Leaf::Expanded,
        }
    }

    /// Whether the test holds for one value; `None` is a missing field.
    fn fits(&self, value: Option<&Value>) -> bool {
        match self {
            Self::Compare(comparison, operand) => {
                comparison.fits(value.unwrap_or(&Value::Null), operand)
            }
            Self::In(operands) => {
                let value = value.unwrap_or(&Value::Null);
                operands.iter().any(|operand| Comparison::Equal.fits(value, operand))
            }
            Self::Exists => value.is_some(),
            Self::Type(kinds) => {
                value.is_some_and(|value| kinds.iter().any(|kind| kind.fits(value)))
            }
            Self::Pattern(pattern) => {
                value.and_then(Value::as_str).is_some_and(|text| pattern.is_match(text))
            }
            Self::Size(size) => elements(value).is_some_and(|elements| elements.len() == *size),
            Self::ElementMatches(node) => elements(value).is_some_and(|elements| {
                elements.iter().any(|element| {
                    (element.is_object() || element.is_array()) && node.matches(element)
                })
            }),
            Self::ElementIs(clauses) => elements(value).is_some_and(|elements| {
                elements
                    .iter()
                    .any(|element| clauses.iter().all(|clause| clause.matches_value(element)))
            }),
            Self::Semver(requirement) => value
                .and_then(Value::as_str)
                .and_then(parse_lenient)
                .is_some_and(|version| requirement.matches(&version)),
            Self::Never => false,
        }
    }
}

fn elements(value: Option<&Value>) -> Option<&Vec<Value>> {
    value.and_then(Value::as_array)
}

impl Comparison {
    /// Compares within one type only. The caller passes null for a missing field.
    fn fits(self, value: &Value, operand: &Value) -> bool {
        if rank(value) != rank(operand) {
            return false;
        }
        let order = compare(value, operand);
        match self {
            Self::Equal => order == Ordering::Equal,
            Self::Greater => order == Ordering::Greater,
            Self::GreaterOrEqual => order != Ordering::Less,
            Self::Less => order == Ordering::Less,
            Self::LessOrEqual => order != Ordering::Greater,
        }
    }
}
